"""A forgotten text has no vector in any encoder's cache, and every other text keeps its own."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from engine.types import Matrix
from training.embed import embed
from training.forget_texts import keep_only
from training.vector_cache import VectorCache, keys_of

HERS = "  I fold paper cranes. I mend old radios.  "
OTHERS = ["rye bread", "oat milk for all"]


def unit(count: int, seed: int, dimension: int = 5) -> Matrix:
    vectors = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


class Drawn:
    """An encoder that gives each text a direction drawn from it."""

    dimension = 5

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    def encode(self, texts: Sequence[str]) -> Matrix:
        rows = [unit(1, crc32(f"{self.fingerprint} {text}".encode())) for text in texts]
        return np.concatenate(rows)


def everything(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_no_byte_of_a_text_or_of_its_sentences_is_left_in_any_encoders_cache(
    tmp_path: Path,
) -> None:
    for fingerprint in ("one", "two"):
        cache = VectorCache(tmp_path, fingerprint, 5)
        embed([OTHERS[0], HERS], Drawn(fingerprint), cache)
        embed([OTHERS[1], "I mend old radios."], Drawn(fingerprint), cache)
        embed(["I fold paper cranes."], Drawn(fingerprint), cache)
    pieces = [Drawn(name).encode([HERS.strip()]).tobytes() for name in ("one", "two")]
    pieces += [Drawn("two").encode(["I mend old radios."]).tobytes()]
    pieces += [keys_of(["I fold paper cranes."]).tobytes()]
    assert all(piece in everything(tmp_path) for piece in pieces)
    assert keep_only(tmp_path, OTHERS) == 6
    assert not any(piece in everything(tmp_path) for piece in pieces)
    for fingerprint in ("one", "two"):
        found, vectors = VectorCache(tmp_path, fingerprint, 5).find(keys_of(OTHERS))
        assert found.all()
        assert np.array_equal(vectors, Drawn(fingerprint).encode(OTHERS))
    assert len(list(tmp_path.rglob("*.npy"))) == 4  # the one that held nothing else is gone


def test_keeping_again_or_keeping_all_changes_nothing(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, "one", 5)
    cache.add(keys_of(OTHERS), unit(2, 0))
    before = everything(tmp_path)
    assert cache.keep_only([*OTHERS, "never said"]) == 0
    assert everything(tmp_path) == before
    assert cache.keep_only([OTHERS[1]]) == 1
    assert cache.keep_only([OTHERS[1]]) == 0
    assert cache.find(keys_of(OTHERS))[0].tolist() == [False, True]
    assert cache.keep_only([]) == 1
    assert keep_only(tmp_path / "nowhere", OTHERS) == 0


def test_keys_that_agree_in_half_are_told_apart(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, "one", 5)
    near = keys_of([OTHERS[0]]).copy()
    near[0, 1] += np.uint64(1)
    cache.add(near, unit(1, 0))
    assert cache.keep_only([OTHERS[0]]) == 1
    assert not cache.find(near)[0].any()


def test_a_killed_runs_leftover_goes_and_what_is_being_written_stays(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, "one", 5)
    cache.add(keys_of(OTHERS), unit(2, 0))
    old, young = cache.folder / ".old.partial", cache.folder / ".young.partial"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 120,) * 2)
    cache.keep_only(["never said"])
    assert not old.exists()
    assert young.exists()


def test_a_damaged_segment_hides_no_other_encoders_cache(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for fingerprint in ("one", "two"):
        VectorCache(tmp_path, fingerprint, 5).add(keys_of(OTHERS), unit(2, 0))
    VectorCache(tmp_path, "one", 5).add(keys_of(["maize"]), unit(1, 1))
    min((tmp_path / "one").iterdir()).write_bytes(b"damaged")
    assert keep_only(tmp_path, []) in {3, 4}  # whichever was damaged
    assert not list(tmp_path.rglob("*.npy"))
    assert "damaged" in caplog.text
