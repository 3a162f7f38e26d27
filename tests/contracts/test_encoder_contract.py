"""What every encoder owes: unit vectors, in order, the same text always into the same one."""

from __future__ import annotations

import numpy as np
import pytest

from engine.encoder import Encoder
from tests.world import KeywordEncoder
from training.train import Workshop

TEXTS = ["My rocket flies", "A sourdough loaf", "chat", "", "🚀", "a\x00b", "word " * 3_000]


@pytest.fixture(params=["keywords", "onnx"])
def encoder(request: pytest.FixtureRequest, workshop: Workshop) -> Encoder:
    opened: Encoder = KeywordEncoder() if request.param == "keywords" else workshop.encoder
    return opened


def test_every_text_has_a_unit_vector_in_its_place(encoder: Encoder) -> None:
    together = encoder.encode(TEXTS)
    assert together.shape == (len(TEXTS), encoder.dimension)
    assert together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-3)
    for row, text in enumerate(TEXTS):
        assert encoder.encode([text])[0] == pytest.approx(together[row], abs=1e-5)


def test_the_order_of_texts_does_not_matter(encoder: Encoder) -> None:
    backwards = encoder.encode(TEXTS[::-1])[::-1]
    assert backwards == pytest.approx(encoder.encode(TEXTS), abs=1e-5)


def test_no_texts_have_no_vectors(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_texts_about_one_thing_lie_nearer_than_others(encoder: Encoder) -> None:
    vectors = encoder.encode(["a rocket launch", "my model rocket", "a sourdough loaf of bread"])
    cosines = vectors @ vectors.T
    assert cosines[0, 1] > cosines[0, 2] + 0.2


def test_the_fingerprint_names_the_encoder(encoder: Encoder) -> None:
    assert encoder.fingerprint
    assert "/" not in encoder.fingerprint  # it names a folder of the cache
