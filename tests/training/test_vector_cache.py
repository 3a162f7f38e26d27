"""The cache on disk: what damages it costs an embedding, never a wrong vector or a crash."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.errors import SettingError
from engine.types import Matrix
from training.vector_cache import VectorCache, keys_of

TEXTS = ["rye", "oats", "spelt", "emmer"]


def unit(count: int, dimension: int = 5, seed: int = 0) -> Matrix:
    vectors = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def filled(folder: Path, fingerprint: str = "one") -> tuple[VectorCache, Matrix]:
    cache, vectors = VectorCache(folder, fingerprint, 5), unit(len(TEXTS))
    cache.add(keys_of(TEXTS), vectors)
    return cache, vectors


def only_segment(cache: VectorCache) -> Path:
    (path,) = cache.folder.glob("*.npy")
    return path


def test_what_was_added_is_found_whatever_the_order(tmp_path: Path) -> None:
    cache, vectors = filled(tmp_path)
    found, got = cache.find(keys_of(["emmer", "maize", "rye"]))
    assert found.tolist() == [True, False, True]
    assert np.array_equal(got, np.stack([vectors[3], np.zeros(5, np.float32), vectors[0]]))


def test_segments_add_up(tmp_path: Path) -> None:
    cache, vectors = filled(tmp_path)
    later = unit(1, seed=1)
    cache.add(keys_of(["maize"]), later)
    found, got = cache.find(keys_of(["maize", "oats"]))
    assert found.all()
    assert np.array_equal(got, np.stack([later[0], vectors[1]]))


def test_two_fingerprints_never_mix(tmp_path: Path) -> None:
    filled(tmp_path, "one")
    found, got = VectorCache(tmp_path, "two", 5).find(keys_of(TEXTS))
    assert not found.any()
    assert not got.any()


def test_nothing_is_found_in_a_cache_that_was_never_written(tmp_path: Path) -> None:
    found, _ = VectorCache(tmp_path / "nowhere", "one", 5).find(keys_of(TEXTS))
    assert not found.any()


@pytest.mark.parametrize("length", [0, 1, 60, 128, 130, -1])
def test_a_truncated_segment_is_removed_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, length: int
) -> None:
    cache, _ = filled(tmp_path)
    segment = only_segment(cache)
    segment.write_bytes(segment.read_bytes()[:length])
    with caplog.at_level(logging.WARNING):
        found, _ = cache.find(keys_of(TEXTS))
    assert not found.any()
    assert not segment.exists()
    assert segment.name in caplog.text


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30, 0.0])
def test_a_vector_that_is_not_unit_removes_its_segment(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, value: float
) -> None:
    cache = VectorCache(tmp_path, "one", 5)
    vectors = np.zeros((len(TEXTS), 5), np.float32)
    vectors[:, 0] = 1
    vectors[2, 0] = value
    cache.add(keys_of(TEXTS), vectors)
    with caplog.at_level(logging.WARNING):
        found, got = cache.find(keys_of(TEXTS))
    assert not found.any()
    assert not got.any()
    assert "unit length" in caplog.text


def test_a_segment_of_another_dimension_is_removed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache, _ = filled(tmp_path)
    other = VectorCache(tmp_path, "one", 6)
    with caplog.at_level(logging.WARNING):
        found, got = other.find(keys_of(TEXTS))
    assert not found.any()
    assert got.shape == (len(TEXTS), 6)
    assert "damaged" in caplog.text
    assert not list(cache.folder.glob("*.npy"))


def test_no_flipped_bit_in_a_segments_header_stops_a_run(tmp_path: Path) -> None:
    cache, vectors = filled(tmp_path)
    segment = only_segment(cache)
    whole = segment.read_bytes()
    header = len(whole) - len(TEXTS) * (16 + 4 * 5)
    for place in range(header):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bit
            segment.write_bytes(bytes(damaged))
            found, got = cache.find(keys_of(TEXTS))
            assert np.array_equal(got[found], vectors[found]), (place, bit)


def test_an_interrupted_write_leaves_nothing_that_is_read(tmp_path: Path) -> None:
    cache, _ = filled(tmp_path)
    (cache.folder / ".abc.partial").write_bytes(only_segment(cache).read_bytes()[:100])
    found, _ = cache.find(keys_of(TEXTS))
    assert found.all()


def test_a_cache_that_cannot_be_written_says_so_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    cache = VectorCache(tmp_path / "file", "one", 5)
    with pytest.raises(SettingError, match="--cache"):
        cache.add(keys_of(TEXTS), unit(len(TEXTS)))


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from engine.errors import SettingError
from training.vector_cache import VectorCache, keys_of

limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
vectors = np.zeros((4, 5), np.float32)
vectors[:, 0] = 1
try:
    VectorCache(Path(sys.argv[1]), "one", 5).add(keys_of(["a", "b", "c", "d"]), vectors)
except SettingError as error:
    sys.exit("refused: " + str(error))
"""


@pytest.mark.parametrize("limit", [0, 100, 200, 271])
def test_a_disk_that_fills_keeps_no_half_a_segment(tmp_path: Path, limit: int) -> None:
    # The whole segment takes 128 bytes of header and 4 records of 36.
    command = [sys.executable, "-c", FULL, str(tmp_path), str(limit)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("refused: ")
    assert os.listdir(tmp_path / "one") == []
