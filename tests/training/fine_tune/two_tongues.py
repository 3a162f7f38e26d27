"""A community in which members and groups may speak of the same things in words of their own."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import polars as pl
import torch
from sentence_transformers import SentenceTransformer
from transformers import BertConfig, BertModel, BertTokenizerFast

from tests.world import NOW
from training.fine_tune import FineTuneSettings
from training.pairs import Kind, Pair

GROUPS, MEMBERS = 40, 6
"""Groups, and the members of each: 240 pairs."""


def words(side: str, group: int) -> list[str]:
    """Return the five words by which one side speaks of what a group is about."""
    return [f"{side}{group:02d}{letter}" for letter in "abcde"]


def tables(said_by_members: str) -> dict[str, pl.DataFrame]:
    """Return a community in which members name a group's subject by words of their own, or not."""
    groups = [f"g{group:02d}" for group in range(GROUPS)]
    members = [f"m{group:02d}{place}" for group in range(GROUPS) for place in range(MEMBERS)]
    orders = list(permutations(range(5)))[1 : MEMBERS + 1]
    profiles = [
        " ".join(words(said_by_members, group)[at] for at in order)
        for group in range(GROUPS)
        for order in orders
    ]
    return {
        "members": pl.DataFrame({"id": members, "text": profiles}),
        "groups": pl.DataFrame(
            {"id": groups, "name": [words("g", group)[0] for group in range(GROUPS)]}
        ).with_columns(text=pl.Series([" ".join(words("g", group)) for group in range(GROUPS)])),
        "memberships": pl.DataFrame(
            {
                "member": members,
                "group": [group for group in groups for _ in range(MEMBERS)],
                "first_ts": [NOW + place for place in range(len(members))],
            }
        ),
    }


def write_tiny_model(folder: Path) -> Path:
    """Write a transformer of two layers with random weights, which knows these words."""
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "end", "other"]
    known += [word for side in "mg" for group in range(GROUPS) for word in words(side, group)]
    (folder / "vocab.txt").write_text("\n".join(known), "utf-8")
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(7)
    BertModel(
        # Small weights: even the small steps of the command change their directions.
        BertConfig(
            vocab_size=len(known),
            intermediate_size=32,
            max_position_embeddings=256,
            initializer_range=0.002,
            **sizes,
        )
    ).save_pretrained(folder / "bert")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    SentenceTransformer(str(folder / "bert"), device="cpu").save(str(folder / "tiny-model"))
    return folder / "tiny-model"


def settings(model: Path, **changed: object) -> FineTuneSettings:
    quick = FineTuneSettings(str(model), epochs=2, rate=3e-3)
    return replace(quick, **changed)  # type: ignore[arg-type]


def pair(anchor: str, positive: str, topic: str = "") -> Pair:
    return Pair(anchor, positive, Kind.JOINED, topic or positive)
