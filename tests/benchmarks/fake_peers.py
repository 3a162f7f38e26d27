"""Peers that need no package, for what is done with any peer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from benchmarks.peers import History, Scorer, Settings, Viewers
from engine.errors import SettingError
from engine.types import Matrix


@dataclass(frozen=True, slots=True)
class Counted:
    """Orders groups by how often they were joined; one setting counts backwards."""

    histories: list[History] = field(default_factory=list)
    name: ClassVar[str] = "counted"
    package: ClassVar[str] = "numpy"
    serves_text: ClassVar[bool] = True
    grid: ClassVar[Sequence[Settings]] = ({"sign": -1}, {"sign": 1})

    def fit(self, history: History, settings: Settings, seed: int) -> Scorer:
        self.histories.append(history)
        counts = np.bincount(history.group, minlength=history.groups).astype(np.float32)
        signed = counts * np.float32(settings["sign"])

        def score(viewers: Viewers) -> Matrix:
            return np.tile(signed, (len(viewers), 1))

        return score


@dataclass(frozen=True, slots=True)
class Speechless:
    """Knows members by their row, and has nothing to say to anybody else."""

    name: ClassVar[str] = "speechless"
    package: ClassVar[str] = "numpy"
    serves_text: ClassVar[bool] = False
    grid: ClassVar[Sequence[Settings]] = ({"seed": 1},)

    def fit(self, history: History, settings: Settings, seed: int) -> Scorer:
        table = np.random.default_rng(seed).random((history.members, history.groups))

        def score(viewers: Viewers) -> Matrix:
            assert (viewers.rows >= 0).all(), "asked about somebody it cannot know"
            return table[viewers.rows].astype(np.float32)

        return score


@dataclass(frozen=True, slots=True)
class TooSmall(Speechless):
    """A peer that is made for other communities."""

    name: ClassVar[str] = "too_small"

    def fit(self, history: History, settings: Settings, seed: int) -> Scorer:
        raise SettingError("too_small takes three groups at most")


@dataclass(frozen=True, slots=True)
class Absent(Speechless):
    """A peer whose package nobody has."""

    name: ClassVar[str] = "absent"
    package: ClassVar[str] = "no-such-package-anywhere"


@dataclass(frozen=True, slots=True)
class Echo:
    """Scores everything by its setting, and remembers the seed of every fit."""

    seeds: list[int] = field(default_factory=list)
    name: ClassVar[str] = "echo"
    package: ClassVar[str] = "numpy"
    serves_text: ClassVar[bool] = False
    grid: ClassVar[Sequence[Settings]] = ({"x": 1}, {"x": 3}, {"x": 2}, {"x": 3.0})

    def fit(self, history: History, settings: Settings, seed: int) -> Scorer:
        self.seeds.append(seed)
        return lambda viewers: np.full((len(viewers), 1), settings["x"], dtype=np.float32)
