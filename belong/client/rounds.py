"""Rounds: a whole community introduced at once. All of it takes a host's key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from belong.client.answers import Reason
from belong.client.call import Call, Repeat, json_of, path_in
from belong.client.reading import read

PATIENCE_S = 20.0
"""Seconds to wait at least for a plan, or a commit; a plan that takes longer goes on."""

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a host wants of a round.

    Attributes:
        members: Ids of those who opted in; None for everybody who is open to introductions.
        size: How many meet: 2 for pairs, 3 to 9 for circles.
        must: Pairs that meet in any case.
        never: Pairs that do not.
        no_repeat_rounds: Pairs of so many of the last committed rounds do not meet again.
        minimum_quality: What a pair, or a circle on average, must reach, 0 to 1.
        mix: `any`, or `newcomers_with_regulars`.
        tied: Whether those may meet who know each other already.
        threes: Whether whoever would be left out of pairs may join one as the third.
        seed: The same gives the same plan, of the same data.
        name: For whoever reads it.
    """

    members: tuple[str, ...] | None = None
    size: int = 2
    must: tuple[Pair, ...] = ()
    never: tuple[Pair, ...] = ()
    no_repeat_rounds: int = 0
    minimum_quality: float = 0.0
    mix: str = "any"
    tied: bool = False
    threes: bool = False
    seed: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class RoundSettings:
    """What a round was planned with; see `Wishes`."""

    size: int
    seed: int
    minimum_quality: float
    mix: str
    no_repeat_rounds: int
    tied: bool
    threes: bool


@dataclass(frozen=True, slots=True)
class ReasonsFor:
    """Why a member may be glad to meet another, for the member to read."""

    member: str
    other: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """People who meet.

    Attributes:
        members: Their ids.
        quality: How good it is for all of them, 0 to 1.
        possible: Whether they may still meet; a commit leaves those out who may not.
        reasons: For each of a pair about the other; in a circle for each about the next one.
    """

    members: tuple[str, ...]
    quality: float
    possible: bool
    reasons: tuple[ReasonsFor, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Somebody who opted in and meets nobody.

    Attributes:
        member: Their id.
        why: In a word, such as odd_one_out; stable.
        text: For the host to read.
    """

    member: str
    why: str
    text: str


@dataclass(frozen=True, slots=True)
class Diff:
    """What sets a round apart from another, by the ids of those who meet.

    Attributes:
        other: The id of the other round.
        kept: How many matches are in both.
        new: Those that are in this one alone.
        gone: Those that are in the other alone.
    """

    other: str
    kept: int
    new: tuple[tuple[str, ...], ...]
    gone: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Round:
    """Who meets whom, and who meets nobody, and why: one page of it.

    Attributes:
        id: Its id.
        community: Whose.
        name: As the host called it.
        status: planning, planned, committed or failed.
        version: The bundle it was planned with; '' until it is planned.
        settings: What it was planned with.
        created_ts: When it was asked for, unix seconds.
        total_quality: The summed quality of all matches.
        matches_total: How many there are.
        left_out_total: How many people are left out.
        matches: Best first.
        left_out: By id.
        problem: Why it could not be planned; None if it could.
        planned_ts: When it was planned; None while that takes place.
        committed_ts: When it was committed; None while it is a plan.
        worst_quality: The least quality; None if nobody meets.
        next_offset: Where the next page begins; None if there is none.
        diff: If it was asked for.
    """

    id: str
    community: str
    name: str
    status: str
    version: str
    settings: RoundSettings
    created_ts: float
    total_quality: float
    matches_total: int
    left_out_total: int
    matches: tuple[Match, ...]
    left_out: tuple[LeftOut, ...]
    problem: str | None = None
    planned_ts: float | None = None
    committed_ts: float | None = None
    worst_quality: float | None = None
    next_offset: int | None = None
    diff: Diff | None = None


def plan_round(community: str, wishes: Wishes, limit: int = 100) -> Call[Round]:
    """Plan a round; nothing changes until it is committed.

    It is sent once only. Of a large community its status may be `planning`: look at it again.

    Args:
        community: Its name.
        wishes: What the host wants.
        limit: Most matches in this answer, 1 to 1,000.
    """
    body = {
        "members": "all" if wishes.members is None else list(wishes.members),
        "size": wishes.size,
        "must": _listed(wishes.must),
        "never": _listed(wishes.never),
        "no_repeat_rounds": wishes.no_repeat_rounds,
        "minimum_quality": wishes.minimum_quality,
        "mix": wishes.mix,
        "tied": wishes.tied,
        "threes": wishes.threes,
        "seed": wishes.seed,
        "name": wishes.name,
    }
    return Call(
        "POST",
        path_in(community, "rounds"),
        partial(read, Round),
        {"limit": limit},
        json_of(body),
        repeat=Repeat.NEVER,
        patience_s=PATIENCE_S,
    )


def round_of(
    community: str, round_id: str, limit: int = 100, offset: int = 0, diff: str | None = None
) -> Call[Round]:
    """Return a page of a round.

    Args:
        community: Its name.
        round_id: The round's id.
        limit: Most matches on the page, 1 to 1,000.
        offset: Where it begins: `next_offset` of the page before.
        diff: The id of another round to compare with.
    """
    query = {"limit": limit, "offset": offset, "diff": diff}
    return Call("GET", path_in(community, "rounds", round_id), partial(read, Round), query)


def commit_round(community: str, round_id: str, limit: int = 100) -> Call[Round]:
    """Make a plan so; a second time changes nothing, so it may be repeated.

    Args:
        community: Its name.
        round_id: The round's id.
        limit: Most matches in this answer, 1 to 1,000.
    """
    return Call(
        "POST",
        path_in(community, "rounds", round_id, "commit"),
        partial(read, Round),
        {"limit": limit},
        patience_s=PATIENCE_S,
    )


def _listed(pairs: Iterable[Pair]) -> list[list[str]]:
    return [list(pair) for pair in pairs]
