"""Bundles to write in tests: the world with indexes that are graphs and a tiny encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.bundle import Draft
from engine.index import VectorIndex
from engine.manifest import FORMAT, Manifest
from engine.snapshot import Snapshot
from tests.builders import write_tiny_encoder
from tests.world import world

VERSION = "v1"


def manifest_of(version: str = VERSION) -> Manifest:
    return Manifest(
        format=FORMAT,
        community="world",
        version=version,
        fingerprint="f",
        created_at="2025-06-15T00:00:00+00:00",
        watermark=7,
        window=(None, 12.5),
        sizes={"members": 14},
        settings={"name": "açaí"},
        libraries={},
        metrics={"ndcg": 0.5},
    )


def draft_of(folder: Path, version: str = VERSION, snapshot: Snapshot | None = None) -> Draft:
    """Return a draft whose indexes are graphs, small as they are."""
    snapshot = snapshot or world().snapshot
    encoder = folder / "tiny"
    return Draft(
        manifest_of(version),
        snapshot,
        VectorIndex.build(snapshot.members.interests.vectors, exact_below=3),
        VectorIndex.build(snapshot.groups.prototypes.vectors, exact_below=3),
        encoder if encoder.exists() else write_tiny_encoder(encoder),
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def large_draft(folder: Path, largest: str) -> Draft:
    """Return a draft whose largest file is `largest`: rarity.npy or members.faiss."""
    snapshot = world().snapshot
    if largest == "rarity.npy":
        return draft_of(folder, "v2", replace(snapshot, rarity=np.zeros(5_000, np.float32)))
    vectors = np.random.default_rng(0).normal(size=(500, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    interests = replace(snapshot.members.interests, vectors=vectors)
    return draft_of(
        folder, "v2", replace(snapshot, members=replace(snapshot.members, interests=interests))
    )
