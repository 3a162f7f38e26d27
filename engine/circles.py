"""Circles of three to ten from what each pair is worth: everybody in one, none too large.

The division whose circles are best on average takes exponential time. Here seeds are drawn, the
others join one by one where they fit best, and then two at a time change places as long as that
makes the circles better (Kernighan & Lin 1970 do so with two parts).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.types import BoolVector, Rows

NOWHERE = -1
"""The circle of who is in none."""

PASSES = 8
"""How often everybody is looked at for a better place, at most."""

APART = -1_000.0
"""What a pair is worth that must not meet: no gain makes up for it."""

SMALLEST = 3

Table = NDArray[np.float64]


def circle_sizes(count: int, size: int) -> list[int]:
    """Return the sizes of circles for some people: as asked for, or one more or fewer.

    A circle has three at least. Whoever remains is left out.

    >>> circle_sizes(13, 4), circle_sizes(5, 3), circle_sizes(2, 3)
    ([5, 4, 4], [4], [])
    """
    least, most = max(SMALLEST, size - 1), size + 1
    fitting = [
        circles
        for circles in range(1, count // least + 1)
        if circles * least <= count <= circles * most
    ]
    if fitting:
        circles = min(fitting, key=lambda some: (abs(count / some - size), some))
    else:
        circles = count // least
        count = min(count, circles * most)
    return [count // circles + (place < count % circles) for place in range(circles)]


def form_circles(
    worth: Table, sizes: Sequence[int], together: Sequence[Rows], chance: np.random.Generator
) -> Rows:
    """Return which circle each is in.

    Args:
        worth: What each pair is worth, symmetric, at least `APART` and `APART` for those who must
            not meet, 0 on the diagonal: float64 of shape (n, n).
        sizes: How large circles are.
        together: Places of those who must be in one circle, group by group.
        chance: Draws seeds and the order in which people are looked at.

    Returns:
        Numbers of circles, int64 of shape (n,), `NOWHERE` for who is left out. Nobody is in a
        circle with somebody they must not meet; some circles may have fewer than their size then.
    """
    circle = _begun(worth, sizes, together, chance)
    fixed = np.zeros(len(worth), bool)
    for group in together:
        fixed[group] = True
    circle = _exchanged(worth, circle, len(sizes), fixed, chance)
    return _apart(worth, circle, fixed)


def mean_worth(worth: Table, members: Rows) -> float:
    """Return what the pairs of a circle are worth on average; 0 for fewer than two."""
    if len(members) < 2:
        return 0.0
    inside = worth[np.ix_(members, members)]
    return float(inside.sum() / (len(members) * (len(members) - 1)))


def _begun(
    worth: Table, sizes: Sequence[int], together: Sequence[Rows], chance: np.random.Generator
) -> Rows:
    """Return circles in which everybody has joined where they fit best, the most wanted last."""
    circle = np.full(len(worth), NOWHERE, np.int64)
    room = np.array(sizes, np.int64)
    sums = np.zeros((len(worth), len(sizes)))

    def join(who: Rows, where: int) -> None:
        circle[who] = where
        room[where] -= len(who)
        sums[:, where] += worth[:, who].sum(axis=1)

    for group in together:
        best = np.argmax(np.where(room >= len(group), room, -1))
        join(group, int(best))
    for who in chance.permutation(np.flatnonzero(circle == NOWHERE)).tolist():
        if not room.any():
            break
        taken = np.array(sizes) - room
        fit = sums[who] / np.maximum(taken, 1)
        fit[taken == 0] = 0.5 * worth[who].max(initial=0.0)  # a circle of one's own to begin
        fit[room <= 0] = -np.inf
        join(np.array([who]), int(np.argmax(fit)))
    return circle


def _exchanged(
    worth: Table, circle: Rows, count: int, fixed: BoolVector, chance: np.random.Generator
) -> Rows:
    """Return circles in which no two can change places for the better, or nearly."""
    circle = circle.copy()
    sums = np.zeros((len(worth), count + 1))  # the last column is of those in no circle
    for place in range(count):
        sums[:, place] = worth[:, circle == place].sum(axis=1)
    everybody = np.arange(len(worth))
    for _ in range(PASSES):
        changed = 0
        for who in chance.permutation(everybody[~fixed]).tolist():
            mine, theirs = circle[who], circle
            gain = sums[who, theirs] - worth[who] + sums[:, mine] - worth[who]
            gain -= sums[who, mine] + sums[everybody, theirs]
            gain[fixed | (theirs == mine)] = -np.inf
            other = int(np.argmax(gain))
            if gain[other] <= 1e-9:
                continue
            for left, came in ((who, other), (other, who)):
                place = circle[left]
                if place != NOWHERE:
                    sums[:, place] += worth[:, came] - worth[:, left]
            circle[who], circle[other] = circle[other], circle[who]
            changed += 1
        if not changed:
            break
    return circle


def _apart(worth: Table, circle: Rows, fixed: BoolVector) -> Rows:
    """Take those out of circles who must not meet somebody there, as few as it takes."""
    circle = circle.copy()
    for place in np.unique(circle[circle != NOWHERE]).tolist():
        members = np.flatnonzero(circle == place)
        while True:
            bad = (worth[np.ix_(members, members)] <= APART / 2).sum(axis=1)
            if not bad.any():
                break
            worst = np.lexsort((members, -bad, fixed[members]))
            gone = members[worst[bad[worst] > 0][0]]
            circle[gone] = NOWHERE
            members = members[members != gone]
    return circle
