"""Small communities from a few rows, what is built of them, and a model small enough to copy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
import polars as pl
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from data.community import Community
from data.folder import RawTable
from data.validate import build_community
from engine.encoder import EncoderCard
from engine.snapshot import Snapshot
from engine.types import Matrix
from tests.world import NOW, KeywordEncoder
from training.build import build_snapshot
from training.texts import Texts, TextVectors, texts_of


@dataclass(frozen=True, slots=True)
class Post:
    """One row of posts."""

    id: str
    members: tuple[str, ...]
    groups: tuple[str, ...] = ()
    ts: float | None = NOW
    text: str = ""
    parent: str | None = None
    visibility: str = "public"
    title: str = ""


@dataclass(frozen=True, slots=True)
class Membership:
    """One row of memberships."""

    member: str
    group: str
    first_ts: float | None = NOW
    left_ts: float | None = None
    n: float | None = None


POSTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.String,
    "members": pl.List(pl.String),
    "groups": pl.List(pl.String),
    "ts": pl.Float64,
    "text": pl.String,
    "parent": pl.String,
    "visibility": pl.String,
    "title": pl.String,
}
MEMBERSHIPS = {
    "member": pl.String,
    "group": pl.String,
    "first_ts": pl.Float64,
    "left_ts": pl.Float64,
    "n": pl.Float64,
}
TIES = {"a": pl.String, "b": pl.String, "first_ts": pl.Float64, "weight": pl.Float64}


def make(
    members: Sequence[str] | Mapping[str, str],
    groups: Sequence[str] | Mapping[str, str],
    memberships: Sequence[Membership] = (),
    posts: Sequence[Post] = (),
    participations: Sequence[tuple[str, str]] = (),
    ties: Sequence[tuple[str, str, float | None, float]] | None = None,
) -> Community:
    """Return a community of these rows; members and groups by id, with their texts if mappings."""
    tables = {
        "members": _with_texts(members),
        "groups": _with_texts(groups),
        "memberships": pl.DataFrame([asdict(row) for row in memberships], schema=MEMBERSHIPS),
        "posts": pl.DataFrame([asdict(row) for row in posts], schema=POSTS),
        "participations": pl.DataFrame(
            list(participations), schema={"post": pl.String, "member": pl.String}, orient="row"
        ),
    }
    if ties is not None:
        tables["ties"] = pl.DataFrame(list(ties), schema=TIES, orient="row")
    return community_of(tables)


def community_of(tables: Mapping[str, pl.DataFrame], name: str = "small") -> Community:
    """Return the community of raw tables, all of whose rows can be used."""
    raw = {
        table: RawTable(f"{table}.tsv", frame.with_row_index("_line", 1).cast({"_line": pl.Int64}))
        for table, frame in tables.items()
    }
    found = build_community(name, raw, [], now=NOW)
    assert not found.rejections, found.rejections
    return found


def vectors_for(texts: Texts) -> TextVectors:
    """Return the keyword encoder's vectors; blank texts are zero."""

    def encoded(lines: list[str]) -> Matrix:
        vectors = KeywordEncoder().encode(lines)
        vectors[[not line for line in lines]] = 0
        return vectors

    return TextVectors(encoded(texts.posts), encoded(texts.members), encoded(texts.groups))


def built(found: Community) -> Snapshot:
    """Return the snapshot of a community under the keyword encoder."""
    texts = texts_of(found)
    return build_snapshot(found, texts, vectors_for(texts))


def write_tiny_encoder(folder: Path) -> Path:
    """Write an export with the keyword encoder's dimension: a vector a word, averaged."""
    folder.mkdir(parents=True)
    words = {"[CLS]": 0, "[UNK]": 1, "rocket": 2, "sourdough": 3, "chat": 4}
    table = np.full((len(words), KeywordEncoder().dimension), 0.1, np.float32)
    table[[2, 3, 4], [0, 1, 2]] = 5
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
        helper.make_node("Mul", ["words", "wide"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "middle"], ["sum"], keepdims=0),
        helper.make_node("LpNormalization", ["sum"], ["sentence_embedding"], axis=1, p=2),
    ]
    inputs = ("input_ids", "attention_mask")
    shape = ["text", "token"]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in inputs],
        [helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["text", 4])],
        [
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(np.array([2]), "last"),
            numpy_helper.from_array(np.array([1]), "middle"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(folder / "model.onnx"))
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A", special_tokens=[("[CLS]", 0)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    card = EncoderCard("tiny", 4, 64, "", inputs, "tiny")
    (folder / "encoder.json").write_text(json.dumps(asdict(card)), "utf-8")
    return folder


def _with_texts(rows: Sequence[str] | Mapping[str, str]) -> pl.DataFrame:
    texts = dict(rows) if isinstance(rows, Mapping) else dict.fromkeys(rows, "")
    return pl.DataFrame(
        {"id": list(texts), "text": list(texts.values())},
        schema={"id": pl.String, "text": pl.String},
    )
