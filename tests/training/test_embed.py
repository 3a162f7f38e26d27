"""Each text is embedded once ever, whatever happens in between."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from engine.encoder import MAX_CHARACTERS
from engine.types import Matrix
from training.embed import CHUNK, embed
from training.vector_cache import VectorCache

DIMENSION = 8


class Counting:
    """An encoder that remembers what it was asked, and can be interrupted or fail."""

    def __init__(self, fingerprint: str = "counting", stop_after: int | None = None) -> None:
        self.fingerprint = fingerprint
        self.dimension = DIMENSION
        self.asked: list[str] = []
        self.stop_after = stop_after

    def encode(self, texts: Sequence[str]) -> Matrix:
        if self.stop_after is not None and len(self.asked) + len(texts) > self.stop_after:
            raise KeyboardInterrupt
        self.asked += texts
        return np.stack([vector_of(text, self.fingerprint) for text in texts])


def vector_of(text: str, fingerprint: str = "counting") -> Matrix:
    """Return a unit vector that depends on every character."""
    seed = [ord(sign) for sign in fingerprint + text]
    vector = np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
    unit: Matrix = vector / np.linalg.norm(vector)
    return unit


def expected(texts: Sequence[str]) -> Matrix:
    return np.stack(
        [vector_of(text) if text else np.zeros(DIMENSION, np.float32) for text in texts]
    )


def cache_in(folder: Path, encoder: Counting) -> VectorCache:
    return VectorCache(folder, encoder.fingerprint, encoder.dimension)


def test_each_text_is_embedded_once_ever(tmp_path: Path) -> None:
    texts = ["rye", "oats", "", "rye", "spelt", "oats", "rye"]
    for _ in range(3):
        encoder = Counting()
        vectors = embed(texts, encoder, cache_in(tmp_path, encoder))
        assert np.array_equal(vectors, expected(texts))
        if not _:
            assert sorted(encoder.asked) == ["oats", "rye", "spelt"]
        else:
            assert encoder.asked == []


def test_only_what_is_new_is_embedded(tmp_path: Path) -> None:
    first, second = Counting(), Counting()
    embed(["rye", "oats"], first, cache_in(tmp_path, first))
    vectors = embed(["maize", "oats", "rye"], second, cache_in(tmp_path, second))
    assert second.asked == ["maize"]
    assert np.array_equal(vectors, expected(["maize", "oats", "rye"]))


def test_order_survives_more_texts_than_a_chunk_of_mixed_lengths(tmp_path: Path) -> None:
    texts = [f"{'x' * (place * 7919 % 97)} {place % 700}" for place in range(3 * CHUNK)]
    texts = [text.strip() for text in texts]
    encoder = Counting()
    assert np.array_equal(embed(texts, encoder, cache_in(tmp_path, encoder)), expected(texts))
    assert len(encoder.asked) == len(set(texts))


def test_blank_texts_are_zero_and_never_reach_the_encoder(tmp_path: Path) -> None:
    encoder = Counting()
    vectors = embed(["", "  \n\t ", "rye"], encoder, cache_in(tmp_path, encoder))
    assert not vectors[:2].any()
    assert encoder.asked == ["rye"]


def test_no_texts_at_all_give_no_vectors(tmp_path: Path) -> None:
    encoder = Counting()
    assert embed([], encoder, cache_in(tmp_path, encoder)).shape == (0, DIMENSION)


def test_an_interruption_keeps_what_was_done(tmp_path: Path) -> None:
    texts = [f"text {place}" for place in range(3 * CHUNK)]
    stopped = Counting(stop_after=2 * CHUNK)
    with pytest.raises(KeyboardInterrupt):
        embed(texts, stopped, cache_in(tmp_path, stopped))
    assert len(stopped.asked) == 2 * CHUNK
    resumed = Counting()
    vectors = embed(texts, resumed, cache_in(tmp_path, resumed))
    assert sorted(stopped.asked + resumed.asked) == sorted(texts)
    assert np.array_equal(vectors, expected(texts))


def test_a_damaged_segment_is_embedded_again_and_only_that(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = Counting()
    embed(["rye"], first, cache_in(tmp_path, first))
    (segment,) = (tmp_path / "counting").glob("*.npy")
    embed(["oats"], first, cache_in(tmp_path, first))
    whole = bytearray(segment.read_bytes())
    whole[-1] ^= 0x7F  # the exponent of the last number
    segment.write_bytes(bytes(whole))
    again = Counting()
    with caplog.at_level(logging.WARNING):
        vectors = embed(["rye", "oats"], again, cache_in(tmp_path, again))
    assert again.asked == ["rye"]
    assert segment.name in caplog.text
    assert np.array_equal(vectors, expected(["rye", "oats"]))
    healed = Counting()
    embed(["rye", "oats"], healed, cache_in(tmp_path, healed))
    assert healed.asked == []


def test_another_encoder_shares_no_vector(tmp_path: Path) -> None:
    one, two = Counting("one"), Counting("two")
    embed(["rye"], one, cache_in(tmp_path, one))
    vectors = embed(["rye"], two, cache_in(tmp_path, two))
    assert two.asked == ["rye"]
    assert np.array_equal(vectors[0], vector_of("rye", "two"))


def test_odd_texts_are_texts(tmp_path: Path) -> None:
    texts = ["🚀🍞", "\x00\x01\x7f", "e\u0301", "é", "\u202eabc", "a\nb", "A", "a", "\ud800"]
    encoder = Counting()
    assert np.array_equal(embed(texts, encoder, cache_in(tmp_path, encoder)), expected(texts))
    assert sorted(encoder.asked) == sorted(texts)


def test_a_million_characters_are_cut_before_they_are_hashed_or_encoded(tmp_path: Path) -> None:
    encoder = Counting()
    texts = ["x" * 1_000_000, "x" * 2_000_000]
    vectors = embed(texts, encoder, cache_in(tmp_path, encoder))
    assert encoder.asked == ["x" * MAX_CHARACTERS]
    assert np.array_equal(vectors[0], vectors[1])


def test_texts_that_differ_in_their_last_read_character_differ(tmp_path: Path) -> None:
    encoder = Counting()
    same = "x" * (MAX_CHARACTERS - 1)
    vectors = embed([same + "y", same + "z"], encoder, cache_in(tmp_path, encoder))
    assert not np.array_equal(vectors[0], vectors[1])
