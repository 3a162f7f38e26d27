"""What orders people for introductions: learned or hand-set scorers, and what training knew.

introductions/introductions.json    kinds, columns, weights, why
introductions/<who>.onnx            boosted trees, where there are any
introductions/<column>.npy          of `engine.acquaintance.Acquaintance`, where there is any
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from engine.acquaintance import Acquaintance
from engine.array_file import mapped_array
from engine.errors import BundleError, SettingError
from engine.fairness import SharedOut
from engine.json_file import json_object, number_in, part_of
from engine.pair_features import COLUMNS
from engine.ranker import Weigher, WeightedSum
from engine.ranker_file import read_scorer, written_scorer
from engine.reciprocal import ByTies, Reciprocal

WEIGHTS = {
    "gist_match": 6.0,
    "takes_part": 3.0,
    "this_week": 3.0,
    "close_groups": 2.0,
    "seek_offer": 2.0,
    "mixed": 2.0,
}
"""Chosen by hand on validation windows, for those who know people here or are in groups. Each is
what lies, as log-odds, between the best of the pool and the last."""

NEWCOMER_WEIGHTS = {
    "gist_match": 6.0,
    "seek_offer": 6.0,
    "takes_part": 1.8,
    "this_week": 1.8,
}
"""For those who are in no group either: what they say counts more than who is active."""

RANKER = "introductions.json"


def by_hand(weights: dict[str, float]) -> Reciprocal:
    """Return a reciprocal scorer of hand-set weights."""
    return Reciprocal(WeightedSum(weights))


@dataclass(frozen=True, slots=True)
class IntroductionRanker:
    """Everything that turns pairs of people into slates.

    Attributes:
        known: Scores people for members with ties.
        stranger: For those without, who are in groups.
        newcomer: For those who have neither.
        acquaintance: What training worked out beforehand.
        settled: Share of the places, in (0, 1], that go to who fits best; the others are shared
            out by the prices of the acquaintance.
        story: How the scorers were chosen: for a report, never read by a stage.
    """

    known: Weigher = field(default_factory=lambda: by_hand(WEIGHTS))
    stranger: Weigher = field(default_factory=lambda: by_hand(WEIGHTS))
    newcomer: Weigher = field(default_factory=lambda: by_hand(NEWCOMER_WEIGHTS))
    acquaintance: Acquaintance = field(default_factory=Acquaintance)
    settled: float = 1.0
    story: dict[str, Any] = field(default_factory=dict)

    @property
    def scorer(self) -> ByTies:
        """Says who fits."""
        return ByTies(self.known, self.stranger, self.newcomer)

    @property
    def selector(self) -> SharedOut:
        """Chooses who is shown."""
        return SharedOut(self.acquaintance.prices, self.settled)

    def without(self, members: Iterable[int]) -> Self:
        """Return the same with nothing left of these members, by row."""
        return replace(self, acquaintance=self.acquaintance.without(members))

    def save(self, folder: Path) -> None:
        """Write it into a new folder."""
        folder.mkdir()
        plain: dict[str, Any] = {who: _written(getattr(self, who), folder, who) for who in WHO}
        plain |= {"settled": self.settled, "story": self.story}
        (folder / RANKER).write_text(json.dumps(plain, indent=1), "utf-8")
        for column in fields(Acquaintance):
            array = getattr(self.acquaintance, column.name)
            if len(array):
                np.save(folder / f"{column.name}.npy", array, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> IntroductionRanker:
        """Read it.

        Raises:
            BundleError: It cannot be read.
        """
        try:
            plain = json_object((folder / RANKER).read_bytes())
            scorers = {who: _read(part_of(plain, who, dict), folder) for who in WHO}
            return cls(
                **scorers,
                acquaintance=_acquaintance(folder),
                settled=_settled(plain),
                story=part_of(plain, "story", dict),
            )
        except RecursionError as error:
            raise BundleError(f"{folder / RANKER} is nested too deep: train again") from error
        except (OSError, ValueError, TypeError, SettingError) as error:
            raise BundleError(f"{folder / RANKER} cannot be read ({error}): train again") from error


WHO = ("known", "stranger", "newcomer")
"""The three scorers."""

UNLEARNED = IntroductionRanker()
"""Hand-set weights, and nothing known beforehand."""


def _written(scorer: Weigher, folder: Path, name: str) -> dict[str, Any]:
    if not isinstance(scorer, Reciprocal):
        raise TypeError(f"{type(scorer).__name__} does not look from both sides")
    directional = written_scorer(scorer.directional, folder, name)
    return {"kind": scorer.name, "directional": directional}


def _read(plain: dict[str, Any], folder: Path) -> Reciprocal:
    kind = part_of(plain, "kind", str)
    if kind != Reciprocal.name:
        raise ValueError(f"a scorer of the kind {kind[:80]!r} does not look from both sides")
    directional = read_scorer(part_of(plain, "directional", dict), folder)
    unknown = sorted(set(directional.columns) - set(COLUMNS))
    if unknown:
        raise ValueError(f"it reads {unknown[0][:80]!r}, which nothing measures")
    return Reciprocal(directional)


def _settled(plain: dict[str, Any]) -> float:
    settled = number_in(plain, "settled")
    if not 0 < settled <= 1:
        raise ValueError(f"'settled' is {settled}, no share of the places")
    return settled


def _acquaintance(folder: Path) -> Acquaintance:
    columns = {}
    for column in fields(Acquaintance):
        path = folder / f"{column.name}.npy"
        if not path.exists():  # nothing was learned of it; a manifest vouches for what there is
            continue
        found = np.array(mapped_array(path))
        wide = getattr(Acquaintance(), column.name).ndim
        if found.dtype != np.float32 or found.ndim != wide or not np.isfinite(found).all():
            raise ValueError(f"{path.name} is not {wide}-dimensional finite float32")
        columns[column.name] = found
    made = Acquaintance(**columns)
    if made.places.size and made.places.shape[1] != made.group_places.shape[1]:
        raise ValueError("members and groups lie in different spaces")
    if made.looking.shape != made.met.shape:
        raise ValueError("those who look and those who are looked at lie in different spaces")
    return made
