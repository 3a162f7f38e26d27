"""A bundle's ranker: the same after it is read as before it was written, or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from engine.calibration import Calibration
from engine.errors import BundleError
from engine.group_ranker import RANKER, GroupRanker
from engine.pool import Pool
from engine.preferences import Preferences
from engine.query import NOBODY_ASKS, Query
from engine.ranker import Blend, Boosted, Weigher, WeightedSum
from engine.trees import Trees
from engine.types import Vector
from tests.engine.pools import LINEAR, pool, row
from training.trees_file import graph_of


@pytest.fixture(scope="module")
def graph() -> bytes:
    """A few trees over four columns."""
    values = np.random.default_rng(0).normal(size=(300, 4))
    model = HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=4, random_state=0)
    return graph_of(model.fit(values, values[:, 0] * values[:, 1] > 0))


@pytest.fixture
def ranker(graph: bytes) -> GroupRanker:
    """A ranker that has every kind of scorer."""
    boosted = Boosted(("a", "b", "near", "far"), Trees(graph))
    return GroupRanker(
        known=Blend((LINEAR, boosted), (2.0, 0.3)),
        newcomer=WeightedSum({"near": 0.7, "a": 0.1}),
        calibration=Calibration("lasting_join", 182.0, ("far",), -3.5, row(1, -0.3, 0.1), 0.4),
        preferences=Preferences(intimacy=0.4, preferred_size=8, variety=0.2, exploration=0.3),
        seldom=np.array([True, False, True]),
        story={"known": {"kind": "blend", "why": "it did best"}},
    )


def scored(ranker: GroupRanker) -> list[Any]:
    chance = np.random.default_rng(2)
    shown = pool(**{name: chance.normal(size=50).tolist() for name in ("a", "b", "near", "far")})
    scores = ranker.known.score(NOBODY_ASKS, shown)
    assert ranker.calibration is not None
    member = replace(NOBODY_ASKS, groups=np.array([0]))
    likely = ranker.calibration.probability(member, shown, scores)
    assert likely is not None
    return [scores.tolist(), likely.tolist(), ranker.newcomer.score(NOBODY_ASKS, shown).tolist()]


def test_a_ranker_read_back_gives_the_very_same_numbers(
    ranker: GroupRanker, tmp_path: Path
) -> None:
    ranker.save(tmp_path / "ranker")
    read = GroupRanker.load(tmp_path / "ranker")
    assert scored(read) == scored(ranker)
    assert read.columns == ranker.columns == ["near", "far", "a", "b"]
    assert read.preferences == ranker.preferences
    assert read.seldom.tolist() == [True, False, True]
    assert read.seldom.dtype == np.bool_
    assert read.story == ranker.story


def test_hand_set_weights_are_read_back_as_they_are(tmp_path: Path) -> None:
    GroupRanker().save(tmp_path / "ranker")
    read = GroupRanker.load(tmp_path / "ranker")
    assert (read.known, read.newcomer) == (GroupRanker().known, GroupRanker().newcomer)
    assert read.calibration is None


def change(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    plain = json.loads((folder / RANKER).read_text("utf-8"))
    edit(plain)
    (folder / RANKER).write_text(json.dumps(plain), "utf-8")


@pytest.mark.parametrize(
    "edit",
    [
        lambda plain: plain["known"].update(kind="oracle"),
        lambda plain: plain["known"]["parts"][1].update(file="../outside.onnx"),
        lambda plain: plain["newcomer"].pop("weights"),
        lambda plain: plain["calibration"].update(unheard_of=1),
        lambda plain: plain["preferences"].update(charm=1),
        lambda plain: plain.update(known=None),
        lambda plain: plain["newcomer"].update(weights={"visits": "1"}),
        lambda plain: plain["known"].update(scales=[1.0]),
        lambda plain: plain["known"].update(scales=[1.0, 0.0]),
        lambda plain: plain["known"]["parts"][0]["weights"].append(1.0),
        lambda plain: plain["known"]["parts"][0].update(columns=["near"]),
        lambda plain: plain["known"]["parts"][1].update(file="ranker.json"),
        lambda plain: plain["calibration"].update(weights=[1e999]),
        lambda plain: plain["calibration"].update(intercept=10**400),
        lambda plain: plain["preferences"].update(intimacy=float("nan")),
        lambda plain: plain["preferences"].update(new_groups=0.5),
    ],
    ids=[
        *("kind", "file", "weights", "calibration", "preferences", "nothing", "text"),
        *("few scales", "no scale", "many weights", "few columns", "no trees", "endless"),
        *("too large", "no number", "half a place"),
    ],
)
def test_a_ranker_that_is_not_understood_is_refused(
    ranker: GroupRanker, tmp_path: Path, edit: Callable[[dict[str, Any]], object], graph: bytes
) -> None:
    ranker.save(tmp_path / "ranker")
    (tmp_path / "outside.onnx").write_bytes(graph)  # beside the bundle, and not of it
    change(tmp_path / "ranker", edit)
    with pytest.raises(BundleError, match=r"ranker\.json cannot be read .*: train again"):
        GroupRanker.load(tmp_path / "ranker")


def test_there_is_no_pickle_among_its_files_and_one_put_there_is_refused(
    ranker: GroupRanker, tmp_path: Path
) -> None:
    folder = tmp_path / "ranker"
    ranker.save(folder)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["known-1.onnx", "ranker.json", "seldom.npy"]
    np.save(folder / "seldom.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(BundleError, match="train again"):
        GroupRanker.load(folder)


def test_a_scorer_of_somebody_elses_cannot_be_stored(tmp_path: Path) -> None:
    class Other:
        name = "other"
        columns = ("near",)

        def score(self, query: Query, pool: Pool) -> Vector:
            return pool.columns["near"]

    other: Weigher = Other()
    with pytest.raises(TypeError, match="Other cannot be stored"):
        GroupRanker(known=other).save(tmp_path / "ranker")
