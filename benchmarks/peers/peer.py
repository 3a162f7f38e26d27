"""What every peer is: a name, the settings worth trying, and a way to be fitted."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from itertools import product
from types import ModuleType
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.history import History, Viewers
from engine.errors import SettingError
from engine.types import Matrix, Rows

Settings = Mapping[str, float | int | str | bool]
"""What one try of a peer is fitted with."""

Scorer = Callable[[Viewers], Matrix]
"""Viewers -> a finite score for every group, higher is better: float32 of shape (v, groups)."""

TRIES = 12
"""Settings that each peer may try; those with a single knob of few values list fewer."""

HALF_LIVES_DAYS = (180.0, 365.0, 1095.0, 3650.0)
"""Ages at which a membership says half as much; the last is hardly any fading at all."""

BLOCK = 1024
"""Viewers answered at a time, so that what lies between stays small."""


class Peer(Protocol):
    """A recommender that others maintain, or that is made in an afternoon.

    Attributes:
        name: As in tables.
        package: The distribution it comes from, whose installed version the caller looks up.
        serves_text: Whether it can answer someone who is known by a text alone. One that cannot
            scores everything zero for them: an answer not to be measured.
        grid: The settings tried, `TRIES` at most, all with the same keys.
    """

    name: ClassVar[str]
    package: ClassVar[str]
    serves_text: ClassVar[bool]
    grid: ClassVar[Sequence[Settings]]

    def fit(self, history: History, settings: Settings, seed: int) -> Scorer:
        """Learn from what happened before a cut; the same seed gives the same scores.

        Raises:
            SettingError: Its package is not installed, or the community is too large for it.
        """
        ...


def grid_of(**axes: Sequence[float | int | str | bool]) -> Sequence[Settings]:
    """Return every combination of the values.

    >>> grid_of(factors=[32, 64], regularization=[0.1])
    ({'factors': 32, 'regularization': 0.1}, {'factors': 64, 'regularization': 0.1})
    """
    return tuple(dict(zip(axes, values, strict=True)) for values in product(*axes.values()))


def needed(module: str) -> ModuleType:
    """Import a module of a peer's package, which only those who run benchmarks have.

    Raises:
        SettingError: It cannot be imported.
    """
    try:
        with warnings.catch_warnings():
            # What a package imports may be deprecated; that is for its maintainers to mend.
            warnings.simplefilter("ignore", DeprecationWarning)
            return import_module(module)
    except ImportError as error:
        raise SettingError(
            f"{module.split('.')[0]} is needed for this peer and cannot be imported ({error}): "
            "pip install 'belong[bench]'"
        ) from error


def in_blocks(scores_of: Callable[[Viewers], NDArray[Any]], groups: int) -> Scorer:
    """Return a scorer that answers a block of viewers at a time."""

    def score(viewers: Viewers) -> Matrix:
        scores = np.zeros((len(viewers), groups), dtype=np.float32)
        for start in range(0, len(viewers), BLOCK):
            part = viewers.part(start, start + BLOCK)
            scores[start : start + BLOCK] = scores_of(part)
        return scores

    return score


def for_members(scores_of: Callable[[Rows], NDArray[Any]], groups: int) -> Scorer:
    """Return a scorer from one of member rows; whoever is known by a text alone gets zeros."""

    def score(viewers: Viewers) -> Matrix:
        scores = np.zeros((len(viewers), groups), dtype=np.float32)
        known = viewers.rows >= 0
        scores[known] = scores_of(viewers.rows[known])
        return scores

    return in_blocks(score, groups)
