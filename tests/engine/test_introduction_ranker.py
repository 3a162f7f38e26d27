"""What orders people: the same after it is read as before it was written, or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.acquaintance import Acquaintance
from engine.bundle import INTRODUCTIONS, load_bundle, save_bundle
from engine.errors import BundleError
from engine.introduction_ranker import RANKER, IntroductionRanker
from engine.ranker import Linear, WeightedSum
from engine.reciprocal import Reciprocal
from tests.bundle_draft import draft_of

COLUMNS = ("mixed", "interest_match")


def numbers(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


@pytest.fixture
def ranker() -> IntroductionRanker:
    """A ranker with a learned scorer and everything that is known beforehand."""
    linear = Linear(COLUMNS, numbers(0, 1, 2, 3), numbers(1, 2, 1, 2), numbers(0.5, -1, 0.1, 2))
    return IntroductionRanker(
        known=Reciprocal(linear),
        newcomer=Reciprocal(WeightedSum({"interest_match": 3.0})),
        acquaintance=Acquaintance(
            np.eye(14, 3, dtype=np.float32),
            np.eye(9, 3, dtype=np.float32),
            np.eye(14, 2, dtype=np.float32),
            np.ones((14, 2), np.float32),
            np.ones(9, np.float32),
            np.linspace(-0.1, 0.2, 14).astype(np.float32),
        ),
        settled=0.7,
        story={"known": {"kind": "linear", "why": "it did best"}},
    )


def test_what_is_read_is_what_was_written(ranker: IntroductionRanker, tmp_path: Path) -> None:
    ranker.save(tmp_path / "there")
    found = IntroductionRanker.load(tmp_path / "there")
    assert isinstance(found.known, Reciprocal)
    assert isinstance(found.known.directional, Linear)
    assert found.known.directional.weights.tolist() == pytest.approx([0.5, -1, 0.1, 2])
    assert (found.stranger, found.newcomer) == (ranker.stranger, ranker.newcomer)
    assert (found.story, found.settled) == (ranker.story, 0.7)
    for name in ("places", "group_places", "looking", "met", "closeness", "prices"):
        kept = getattr(found.acquaintance, name)
        assert kept.tolist() == getattr(ranker.acquaintance, name).tolist(), name


def test_hand_set_weights_need_no_file_but_one(tmp_path: Path) -> None:
    IntroductionRanker().save(tmp_path / "there")
    assert [path.name for path in (tmp_path / "there").iterdir()] == [RANKER]
    assert IntroductionRanker.load(tmp_path / "there").known == IntroductionRanker().known


def broken(change: Callable[[dict[str, Any]], None], folder: Path) -> None:
    plain = json.loads((folder / RANKER).read_text())
    change(plain)
    (folder / RANKER).write_text(json.dumps(plain))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda plain: plain.pop("stranger"), "stranger"),
        (lambda plain: plain["known"].update(kind="weighted_sum"), "both sides"),
        (lambda plain: plain["known"]["directional"].update(columns=["mixed", "likes"]), "likes"),
        (lambda plain: plain["known"]["directional"].update(weights=[1.0]), "weights"),
        (lambda plain: plain.pop("story"), "story"),
        (lambda plain: plain.pop("settled"), "settled"),
        (lambda plain: plain.update(settled=0), "settled"),
        (lambda plain: plain.update(settled=1.2), "settled"),
    ],
)
def test_a_ranker_that_says_what_cannot_be_is_refused(
    ranker: IntroductionRanker, tmp_path: Path, change: Callable[..., None], said: str
) -> None:
    ranker.save(tmp_path / "there")
    broken(change, tmp_path / "there")
    with pytest.raises(BundleError, match=said):
        IntroductionRanker.load(tmp_path / "there")


@pytest.mark.parametrize("name", ["places", "met", "prices"])
def test_a_column_of_another_shape_or_type_is_refused(
    ranker: IntroductionRanker, tmp_path: Path, name: str
) -> None:
    ranker.save(tmp_path / "there")
    np.save(tmp_path / "there" / f"{name}.npy", np.array([[[1.0]]]))
    with pytest.raises(BundleError, match=name):
        IntroductionRanker.load(tmp_path / "there")


def test_nothing_is_left_of_who_was_forgotten(ranker: IntroductionRanker) -> None:
    kept = ranker.without([2]).acquaintance
    assert not kept.places[2].any()
    assert not kept.met[2].any()
    assert not kept.looking[2].any()
    assert kept.prices[2] == 0
    assert kept.places[1].tolist() == ranker.acquaintance.places[1].tolist()
    assert ranker.without([]).acquaintance is ranker.acquaintance


def test_a_bundle_carries_it_and_refuses_one_of_other_members(
    ranker: IntroductionRanker, tmp_path: Path
) -> None:
    draft = replace(draft_of(tmp_path), introductions=ranker)
    save_bundle(draft, tmp_path / "world")
    found = load_bundle(tmp_path / "world" / draft.manifest.version).introductions
    assert found.acquaintance.prices.tolist() == ranker.acquaintance.prices.tolist()
    few = replace(ranker.acquaintance, prices=ranker.acquaintance.prices[:5])
    other = replace(draft_of(tmp_path, "v2"), introductions=replace(ranker, acquaintance=few))
    save_bundle(other, tmp_path / "world")
    with pytest.raises(BundleError, match=INTRODUCTIONS):
        load_bundle(tmp_path / "world" / "v2")
