"""How suggestions are taken: how often what was shown is opened, joined or accepted, by slice.

Intervals are Wilson's (1927) at 95 %, which hold for few and for none. They take suggestions for
independent. Several to one member are not, so a comparison of arms also counts members, who are
what an experiment draws: of those who were shown anything, how many took at least one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

from data.store.holds import Event
from data.store.outcomes import Outcome

Z = 1.959964
"""Standard deviations within which 95 % of a normal distribution lie."""

TAKEN = (Event.OPENED, Event.JOINED, Event.ACCEPTED)
"""What an operator hopes for, from the least to the most."""

EXPERIMENT_MEMBERS = "arm, by member"
LAST_RANK = 10
"""Ranks from here on are one slice."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its interval.

    Attributes:
        count: How many of them.
        share: The same as a share.
        low: Lower end of the 95 % interval.
        high: Upper end.
    """

    count: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Line:
    """How one slice is taken.

    Attributes:
        slice: What it is a slice by, such as ``source``.
        value: Which one, such as ``lively_groups``.
        shown: Suggestions that were shown, or members who were shown any.
        opened: Of which were opened.
        joined: Of which were joined.
        accepted: Of which were accepted.
    """

    slice: str
    value: str
    shown: int
    opened: Rate
    joined: Rate
    accepted: Rate


def wilson(count: int, of: int) -> Rate:
    """Return a share with Wilson's score interval.

    >>> wilson(0, 10)  # none of ten: up to 3.84 / 13.84
    Rate(count=0, share=0.0, low=0.0, high=0.2775)
    >>> wilson(5, 10).low + wilson(5, 10).high
    1.0
    """
    if of == 0:
        return Rate(0, 0.0, 0.0, 1.0)
    share = count / of
    middle = (share + Z**2 / (2 * of)) / (1 + Z**2 / of)
    half = Z / (1 + Z**2 / of) * sqrt(share * (1 - share) / of + Z**2 / (4 * of**2))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Rate(count, share, round(low, 4), round(high, 4))


def feedback_report(outcomes: Iterable[Outcome]) -> list[Line]:
    """Return a line for each slice, of all first; slices by name, the most shown first."""
    items: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * (len(TAKEN) + 1))
    people: defaultdict[tuple[str, str], list[bool]] = defaultdict(lambda: [False] * len(TAKEN))
    for outcome in outcomes:
        taken = [event in outcome.events for event in TAKEN]
        for key in slices_of(outcome):
            counts = items[key]
            counts[0] += 1
            for place, took in enumerate(taken, 1):
                counts[place] += took
        for arm in _arms(outcome):
            mine = people[arm, outcome.member]
            for place, took in enumerate(taken):
                mine[place] |= took
    for (arm, _), took_any in people.items():
        counts = items[EXPERIMENT_MEMBERS, arm]
        counts[0] += 1
        for place, took in enumerate(took_any, 1):
            counts[place] += took
    order = sorted(items, key=lambda key: (key[0] != "all", key[0], -items[key][0], key[1]))
    return [_line(key, items[key]) for key in order]


def slices_of(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Give the slices a suggestion belongs to; found by two sources, it is in both."""
    yield "all", ""
    yield "purpose", outcome.purpose
    yield "bundle", outcome.bundle
    rank = outcome.item.rank
    yield "rank", f"{LAST_RANK}+" if rank >= LAST_RANK else str(rank)
    yield "explored", "yes" if outcome.item.odds < 1 else "no"
    for source in outcome.item.sources:
        yield "source", source
    for kind in dict.fromkeys(outcome.item.reasons):
        yield "reason", kind
    for arm in _arms(outcome):
        yield "arm", arm


def to_json(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """Return the lines as JSON-able values."""
    return [asdict(line) for line in lines]


def _arms(outcome: Outcome) -> list[str]:
    return outcome.arm.split(",") if outcome.arm else []


def _line(key: tuple[str, str], counts: list[int]) -> Line:
    shown, *taken = counts
    opened, joined, accepted = (wilson(count, shown) for count in taken)
    return Line(*key, shown, opened, joined, accepted)
