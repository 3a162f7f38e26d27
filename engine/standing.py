"""What is true of each member, whoever looks at them: how much they take part, and where.

All of it is public: counts of public posts, of answers and of ties, and public groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from engine.columns import Links
from engine.domain import DAY_S
from engine.features import OFTEN
from engine.snapshot import Snapshot
from engine.types import Vector

NEW_DAYS = 90.0
"""Days after which somebody is half as new."""

WEEK_DAYS, MONTH_DAYS = 7.0, 30.0
"""Days after which a conversation counts half: who answers is told by the last few days."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is true of each member, whoever looks: float32 of shape (members,) each.

    Attributes:
        companions: log(1 + ties), alike for the best known of a hundred.
        takes_part: log(1 + decayed activity), likewise.
        busy: log(1 + ties for each weekly introduction they take), 0 without a limit.
        this_week: log(1 + conversations they were in, each halved every week since anybody added
            to it), alike for the busiest of a hundred.
        this_month: The same, halved every month.
        asks: log(1 + conversations they began, each halved every month), likewise.
        helps: Share of their conversations lately that others began, 0 without any.
        answers: log(1 + decayed count of answers to others).
        new: 1 for who was first known today, one half after `NEW_DAYS` days; 0 if unknown.
        groups: log(1 + public groups).
        telling: Of each group, how much being in it says: log(1 + members / its members).
        telling_length: The length of that over the member's public groups.
        weighed_length: The same, each group by how much the member takes part.
    """

    companions: Vector
    takes_part: Vector
    busy: Vector
    this_week: Vector
    this_month: Vector
    asks: Vector
    helps: Vector
    answers: Vector
    new: Vector
    groups: Vector
    telling: Vector
    telling_length: Vector
    weighed_length: Vector

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """Return it for a community."""
        members = snapshot.members
        ties = members.ties.counts()
        weekly = np.maximum(np.nan_to_num(members.weekly_introductions, posinf=np.inf), 1)
        took_part = members.active
        week, _ = _conversations(snapshot, WEEK_DAYS)
        month, begun = _conversations(snapshot, MONTH_DAYS)
        answers = np.concatenate([[0], np.cumsum(members.answered.weights, dtype=np.float64)])
        days = np.nan_to_num(members.known_days, nan=np.inf)
        columns = (
            _damped(ties),
            _damped(took_part),
            np.log1p(ties / weekly),
            _damped(week),
            _damped(month),
            _damped(begun),
            (month - begun) / np.maximum(month, 1e-6),
            np.log1p(np.diff(answers[members.answered.offsets])),
            1 / (1 + days / NEW_DAYS),
            np.log1p(_public_groups(snapshot)),
            *_telling(snapshot),
        )
        return cls(*(column.astype(np.float32) for column in columns))


def _damped(amounts: np.ndarray) -> Vector:
    """Return log(1 + amount), alike for the largest of a hundred.

    Nobody is shown to more people for doing ever more.
    """
    some = amounts[amounts > 0]
    most = float(np.quantile(some, OFTEN)) if len(some) else 1.0
    damped: Vector = np.log1p(np.minimum(amounts, most)).astype(np.float32)
    return damped


def _conversations(snapshot: Snapshot, half_life_days: float) -> tuple[np.ndarray, np.ndarray]:
    """Return how many living conversations each member was in, and how many of them they began.

    Each counts half as much for every half-life that it has been silent.
    """
    posts, size = snapshot.posts, len(snapshot.members.ids)
    latest = posts.last_at.max(initial=0)
    fresh = 0.5 ** ((latest - posts.last_at) / (DAY_S * half_life_days)) * posts.here

    def of(links: Links) -> np.ndarray:
        return np.bincount(links.targets, np.repeat(fresh, links.counts()), size)

    begun = of(posts.authors)
    return begun + of(posts.answered_by), begun


def _public_groups(snapshot: Snapshot) -> np.ndarray:
    inside = snapshot.members.groups
    seen = np.concatenate([[0], np.cumsum(snapshot.groups.public[inside.targets])])
    return np.diff(seen[inside.offsets])


def _telling(snapshot: Snapshot) -> tuple[Vector, Vector, Vector]:
    """Return how much each group says of those in it, and the length of that over members."""
    inside, groups = snapshot.members.groups, snapshot.groups
    telling = np.log1p(len(inside) / np.maximum(groups.members.counts(), 1))
    seen = (telling * groups.public)[inside.targets]
    sums = np.zeros((2, len(inside.targets) + 1))
    np.cumsum(np.stack([seen, seen * inside.weights]) ** 2, axis=1, out=sums[:, 1:])
    lengths = np.sqrt(np.maximum(sums[:, inside.offsets[1:]] - sums[:, inside.offsets[:-1]], 0))
    return telling.astype(np.float32), lengths[0], lengths[1]
