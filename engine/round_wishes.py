"""What a host wants of a round, and what comes of it: values, and the checks they must pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from engine.errors import DataError

PAIR, SMALLEST, LARGEST = 2, 3, 9
"""How many meet: two, or a circle of three to nine."""

Pair = tuple[str, str]


class Mix(StrEnum):
    """Who is to meet whom, apart from how good it is."""

    ANY = "any"
    NEWCOMERS_WITH_REGULARS = "newcomers_with_regulars"


class Why(StrEnum):
    """Why somebody who opted in meets nobody. It never says who would not have whom."""

    CLOSED = "closed"
    NO_ROOM = "no_room"
    NOBODY_ALLOWED = "nobody_allowed"
    BELOW_MINIMUM = "nobody_above_minimum"
    ODD_ONE_OUT = "odd_one_out"
    NOT_ANY_MORE = "not_any_more"


WORDS = {
    Why.CLOSED: "They are closed to introductions, or cannot be found by others.",
    Why.NO_ROOM: "They have no room for so many more introductions this week.",
    Why.NOBODY_ALLOWED: "There is nobody here they may be introduced to.",
    Why.BELOW_MINIMUM: "Nobody fits them as well as was asked for.",
    Why.ODD_ONE_OUT: "Whoever would fit them meets somebody else.",
    Why.NOT_ANY_MORE: "What was planned is not possible any more.",
}
"""What a host is told. A block, a report or a refusal is nobody's business but theirs."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a host wants of a round.

    Attributes:
        members: Ids of those who opted in; None for everybody who is open to introductions.
        size: How many meet: 2, or 3 to 9 for circles.
        must: Pairs that meet in any case.
        never: Pairs that do not.
        met: Pairs of earlier rounds, which are not repeated unless they must.
        minimum_quality: What a pair, or a circle on average, must reach, 0 to 1.
        mix: Who is to meet whom.
        tied: Whether those may meet who know each other already.
        threes: Whether whoever would be left out of pairs may join one as the third.
        seed: Of what is drawn.
    """

    members: tuple[str, ...] | None = None
    size: int = PAIR
    must: tuple[Pair, ...] = ()
    never: tuple[Pair, ...] = ()
    met: tuple[Pair, ...] = ()
    minimum_quality: float = 0.0
    mix: Mix = Mix.ANY
    tied: bool = False
    threes: bool = False
    seed: int = 0

    def check(self) -> None:
        """Check what can be checked without knowing the community.

        Raises:
            DataError: A wish is out of its range or contradicts another.
        """
        if not (self.size == PAIR or SMALLEST <= self.size <= LARGEST):
            raise DataError(f"expected a size of 2, or 3 to {LARGEST}, got {self.size}")
        if not 0 <= self.minimum_quality <= 1:
            raise DataError(f"expected a minimum_quality of 0 to 1, got {self.minimum_quality}")
        if self.seed < 0:
            raise DataError(f"expected a seed of 0 or more, got {self.seed}")
        if self.members is not None and len(set(self.members)) < len(self.members):
            raise DataError(f"members names {_repeated(self.members)!r} more than once")
        self._check_pairs()

    def _check_pairs(self) -> None:
        for kind in ("must", "never"):
            for one, other in getattr(self, kind):
                if one == other:
                    raise DataError(f"{kind} pairs {one!r} with themself")
        both = {frozenset(pair) for pair in self.must} & {frozenset(pair) for pair in self.never}
        if both:
            one, other = sorted(min(both, key=sorted))
            raise DataError(f"{one!r} and {other!r} must meet and must never: take one of them out")


@dataclass(frozen=True, slots=True)
class Match:
    """People who meet.

    Attributes:
        members: Their ids.
        quality: How good it is for all of them, 0 to 1: the mean over their pairs.
    """

    members: tuple[str, ...]
    quality: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Who meets whom.

    Attributes:
        matches: Best first.
        left_out: Who opted in and meets nobody, and why.
        version: The bundle it was made with.
    """

    matches: tuple[Match, ...]
    left_out: dict[str, Why]
    version: str

    @property
    def total(self) -> float:
        """The summed quality."""
        return sum(match.quality for match in self.matches)

    @property
    def worst(self) -> float | None:
        """The least quality; None if nobody meets."""
        return min((match.quality for match in self.matches), default=None)


def pairs_in(members: Iterable[str]) -> list[Pair]:
    """Return all pairs of a circle, the lesser id first in each.

    >>> pairs_in(["bo", "ana", "cy"])
    [('ana', 'bo'), ('ana', 'cy'), ('bo', 'cy')]
    """
    ordered = sorted(members)
    return [(one, other) for place, one in enumerate(ordered) for other in ordered[place + 1 :]]


def _repeated(members: tuple[str, ...]) -> str:
    seen: set[str] = set()
    return next(one for one in members if one in seen or seen.add(one))  # type: ignore[func-returns-value]
