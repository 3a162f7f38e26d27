"""The real encoder: known values, strange texts, damaged exports, other models."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import BertConfig, BertModel, BertTokenizerFast

from engine.encoder import MAX_CHARACTERS, Encoder, OnnxEncoder, batches_by_length
from engine.encoder_export import default_model_folder, export_encoder
from engine.errors import BundleError, SettingError

WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

STRANGE = {
    "nothing": "",
    "blank": " \t\n",
    "emoji": "🚀🍞👩‍👩‍👧‍👦",
    "control": "\x00\x01\x7f\u200b\ufeff\u202e",
    "surrogate": "a lone \ud800 surrogate",
    "long": "levain " * 150_000,
    "unbroken": "x" * 1_000_000,
    "other scripts": "सौर मंडल 天気 الطقس погода",
}


@pytest.fixture(scope="module")
def export(cache: Path) -> Path:
    return export_encoder("all-MiniLM-L6-v2", cache / "encoders")


@pytest.fixture(scope="module")
def encoder(export: Path) -> OnnxEncoder:
    return OnnxEncoder.load(export, threads=1)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers model with random weights, saved into a folder."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "rocket", "bread", "launch", "crumb"]
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "vocab.txt").write_text("\n".join(words), "utf-8")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    torch.manual_seed(7)
    BertModel(
        BertConfig(vocab_size=9, intermediate_size=8, max_position_embeddings=32, **sizes)
    ).save_pretrained(folder / "bert")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    SentenceTransformer(str(folder / "bert"), device="cpu").save(str(folder / "tiny-model"))
    return folder / "tiny-model"


def test_the_packaged_weights_are_the_published_ones() -> None:
    with (default_model_folder() / "model.safetensors").open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == WEIGHTS


def test_cosines_between_known_sentences_are_the_published_ones(encoder: OnnxEncoder) -> None:
    # The example in the model's documentation: https://sbert.net/docs/quickstart.html
    sunny, lovely, stadium = (
        "It's so sunny outside!",
        "The weather is lovely today.",
        "He drove to the stadium.",
    )
    vectors = encoder.encode([lovely, sunny, stadium])
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, 384)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-6
    expected = [[1, 0.6660, 0.1046], [0.6660, 1, 0.1411], [0.1046, 0.1411, 1]]
    assert np.abs(vectors @ vectors.T - expected).max() < 1e-4


def test_the_export_gives_the_vectors_of_sentence_transformers(encoder: OnnxEncoder) -> None:
    texts = ["Rye.", "Levain, again and again! " * 80, "Igniters & nosecones: 3 ways", "日本語"]
    model = SentenceTransformer(str(default_model_folder()), device="cpu")
    original = np.asarray(model.encode(texts, normalize_embeddings=True))
    assert np.abs(encoder.encode(texts) - original).max() < 1e-4


def test_a_text_has_the_same_vector_alone_and_among_others(encoder: OnnxEncoder) -> None:
    texts = ["Rye.", "A rather longer sentence about rockets and their igniters.", "", "ok " * 300]
    together = encoder.encode(texts * 3)
    for place, text in enumerate(texts):
        alone = encoder.encode([text])[0]
        for repeat in range(3):
            assert np.abs(together[place + repeat * len(texts)] - alone).max() < 1e-5


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE.keys())
def test_a_strange_text_has_a_unit_vector_and_disturbs_nobody(
    encoder: OnnxEncoder, text: str
) -> None:
    vectors = encoder.encode(["Rye bread", text])
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-5
    assert np.abs(vectors[0] - encoder.encode(["Rye bread"])[0]).max() < 1e-5


def test_no_texts_have_no_vectors(encoder: OnnxEncoder) -> None:
    assert encoder.encode([]).shape == (0, 384)


def test_what_lies_beyond_the_limit_does_not_count(encoder: OnnxEncoder) -> None:
    one, other = encoder.encode(["x" * MAX_CHARACTERS, "x" * MAX_CHARACTERS + " levain"])
    assert np.array_equal(one, other)


def test_every_text_is_in_one_batch_within_the_budget() -> None:
    lengths = np.random.default_rng(1).integers(1, 40, 200)
    lengths[17] = 500
    batches = list(batches_by_length(lengths, budget=100))
    assert sorted(np.concatenate(batches).tolist()) == list(range(200))
    assert all(lengths[batch].max() * len(batch) <= 100 or len(batch) == 1 for batch in batches)
    assert list(batches_by_length(lengths[:0], budget=100)) == []


@pytest.mark.parametrize("name", ["encoder.json", "model.onnx", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["cut", "gone", "empty"])
def test_a_damaged_export_is_refused(
    name: str, damage: str, tiny_export: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_export, tmp_path / "export"))
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(b"" if damage == "empty" else whole[: len(whole) // 2])
    if damage == "gone":
        (folder / name).unlink()
    with pytest.raises(BundleError, match="export it again"):
        OnnxEncoder.load(folder)


def test_a_folder_without_an_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="export it again"):
        OnnxEncoder.load(tmp_path)


@pytest.fixture(scope="module")
def tiny_export(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_encoder(str(tiny), tmp_path_factory.mktemp("tiny-exports"))


def test_any_model_in_a_folder_can_be_exported_and_is_named_without_its_path(
    tiny: Path, tiny_export: Path
) -> None:
    encoder: Encoder = OnnxEncoder.load(tiny_export)
    texts = ["rocket launch", "bread crumb bread", "launch " * 90, ""]
    model = SentenceTransformer(str(tiny), device="cpu")
    original = np.asarray(model.encode(texts, normalize_embeddings=True))
    assert encoder.dimension == 16
    assert np.abs(encoder.encode(texts) - original).max() < 1e-4
    assert str(tiny.parent) not in (tiny_export / "encoder.json").read_text("utf-8")


def test_a_model_is_exported_once_and_other_weights_are_another_encoder(
    tiny: Path, tiny_export: Path, tmp_path: Path
) -> None:
    before = (tiny_export / "model.onnx").stat().st_mtime_ns
    assert export_encoder(str(tiny), tiny_export.parent) == tiny_export
    assert (tiny_export / "model.onnx").stat().st_mtime_ns == before
    other = SentenceTransformer(str(tiny), device="cpu")
    with torch.no_grad():
        next(other.parameters()).add_(0.5)
    other.save(str(tmp_path / "tiny-model"))
    changed = export_encoder(str(tmp_path / "tiny-model"), tiny_export.parent)
    assert changed != tiny_export
    encoders = [OnnxEncoder.load(folder) for folder in (tiny_export, changed)]
    assert encoders[0].fingerprint != encoders[1].fingerprint


def test_an_unknown_model_is_refused_by_name_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "no-model").mkdir()
    with pytest.raises(SettingError, match="no-model"):
        export_encoder(str(tmp_path / "no-model"), tmp_path / "cache")
    assert not (tmp_path / "cache").exists() or not list((tmp_path / "cache").iterdir())
