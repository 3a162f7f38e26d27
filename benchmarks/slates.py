"""Scores -> slates, and what slates are worth: whole tables of viewers at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.columns import Links, expand
from engine.types import BoolVector, Matrix, Rows, Vector

PLACES = 10
"""Places of a slate that count."""

NOTHING = -1
"""What stands where a slate has no more to show."""

DISCOUNTS: NDArray[np.float64] = 1 / np.log2(np.arange(2, PLACES + 2))
"""What each place counts."""

Slates = NDArray[np.int64]
"""Group rows, best first, `NOTHING` at the end: int64 of shape (v, `PLACES`)."""


@dataclass(frozen=True, slots=True)
class Right:
    """What turned out to be right, one line a viewer and group, ordered by both.

    Attributes:
        viewers: How many viewers there are.
        lines: The viewer's place: int64 of shape (n,).
        groups: The group's row: int64 of shape (n,).
        gains: What it is worth where it can be judged: float32 of shape (n,).
        judged: Whether it can be told to have lasted: bool of shape (n,).
    """

    viewers: int
    lines: Rows
    groups: Rows
    gains: Vector
    judged: BoolVector

    def kept(self, keep: BoolVector) -> Right:
        """Return what is right among the lines for which `keep` holds."""
        return Right(
            self.viewers, self.lines[keep], self.groups[keep], self.gains[keep], self.judged[keep]
        )


def best(scores: Matrix, places: int = PLACES) -> Slates:
    """Return the highest scores of each line, best first; equal scores are ordered by row.

    Args:
        scores: float32 of shape (v, groups); -inf (or NaN) is never shown.
        places: Places of a slate.

    >>> best(np.array([[0.5, 0.9, 0.5, -np.inf]], dtype=np.float32), places=2)
    array([[1, 0]])
    """
    said = np.where(np.isnan(scores), -np.inf, scores)
    count = min(places, said.shape[1])
    if not count or not len(said):
        return np.full((len(said), places), NOTHING)
    floor = np.partition(said, -count, axis=1)[:, -count][:, None]
    above, equal = said > floor, said == floor
    # Of those that are equal to the last place, the first rows fill what is left.
    missing = count - above.sum(axis=1, keepdims=True)
    chosen = above | (equal & (np.cumsum(equal, axis=1) <= missing))
    rows = np.nonzero(chosen)[1].reshape(len(said), count)
    worth = np.take_along_axis(said, rows, 1)
    order = np.argsort(-worth, axis=1, kind="stable")
    ranked = np.take_along_axis(rows, order, 1)
    ranked[np.take_along_axis(worth, order, 1) == -np.inf] = NOTHING
    return np.pad(ranked, ((0, 0), (0, places - count)), constant_values=NOTHING)


def without(slates: Slates, removed: BoolVector, places: int = PLACES) -> Slates:
    """Return longer slates without some groups, cut to `places`.

    >>> without(np.array([[2, 0, 1, -1]]), np.array([True, False, False]), places=3)
    array([[ 2,  1, -1]])
    """
    gone = (slates < 0) | removed[np.maximum(slates, 0)]
    order = np.argsort(gone, axis=1, kind="stable")
    moved = np.take_along_axis(np.where(gone, NOTHING, slates), order, 1)
    return moved[:, :places]


def masked(scores: Matrix, rows: Rows, there: Links, offered: BoolVector) -> Matrix:
    """Return scores with -inf where a group may not be offered.

    Args:
        scores: float32 of shape (v, groups).
        rows: The viewers' member rows, negative for someone who is no member.
        there: Where each member is or was.
        offered: Which groups may be offered at all: bool of shape (groups,).
    """
    result = np.where(offered, scores, -np.inf).astype(np.float32)
    members = np.flatnonzero(rows >= 0)
    place, flat = expand(there.offsets, rows[members])
    result[members[place], there.targets[flat]] = -np.inf
    return result


def values_of(slates: Slates, right: Right, groups: int) -> dict[str, NDArray[np.float64]]:
    """Return what each viewer's slate is worth.

    Args:
        slates: Of all viewers.
        right: What was right for them; a viewer with nothing right gets NaN.
        groups: How many groups there are.

    Returns:
        By metric, float64 of shape (v,). NDCG is Järvelin & Kekäläinen's (2002) with linear
        gains; the one with lasting joins looks at judged joins only.
    """
    ones = np.ones(len(right.lines), np.float32)
    judged = right.kept(right.judged)
    return {
        "ndcg_at_10": ndcg(slates, right, ones, groups),
        "recall_at_10": recall(slates, right, groups),
        "belonging_ndcg_at_10": ndcg(slates, judged, judged.gains, groups),
    }


def ndcg(slates: Slates, right: Right, gains: Vector, groups: int) -> NDArray[np.float64]:
    """Return each viewer's NDCG with given gains (see `values_of`); NaN with nothing right."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return (_looked_up(slates, right, gains, groups) @ DISCOUNTS) / _ideal(right, gains)


def recall(slates: Slates, right: Right, groups: int) -> NDArray[np.float64]:
    """Return the share of what was right that each slate holds; NaN with nothing right."""
    ones = np.ones(len(right.lines), np.float32)
    amounts = np.bincount(right.lines, minlength=right.viewers).astype(np.float64)
    found = (_looked_up(slates, right, ones, groups) > 0).sum(axis=1)
    with np.errstate(invalid="ignore"):
        shares: NDArray[np.float64] = found / amounts
    return shares


def right_at(slates: Slates, right: Right, groups: int) -> NDArray[np.bool_]:
    """Return which places of slates are right: bool of shape (v, `PLACES`)."""
    ones = np.ones(len(right.lines), np.float32)
    return _looked_up(slates, right, ones, groups) > 0


def _looked_up(slates: Slates, right: Right, gains: Vector, groups: int) -> NDArray[np.float64]:
    """Return what each place of each slate is worth."""
    found = np.zeros(slates.shape, dtype=np.float64)
    if not len(right.lines):
        return found
    keys = right.lines * groups + right.groups  # ascending
    wanted = np.arange(len(slates))[:, None] * groups + slates
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    hit = (keys[place] == wanted) & (slates >= 0)
    found[hit] = gains[place[hit]]
    return found


def _ideal(right: Right, gains: Vector) -> NDArray[np.float64]:
    """Return the worth of the best possible slate of each viewer."""
    order = np.lexsort((-gains, right.lines))
    lines = right.lines[order]
    starts = np.searchsorted(lines, lines)
    rank = np.arange(len(lines)) - starts
    counted = rank < PLACES
    worth = gains[order][counted] * DISCOUNTS[rank[counted]]
    total = np.bincount(lines[counted], weights=worth, minlength=right.viewers)
    return total.astype(np.float64)
