"""How many introductions there were in a week: counted once, and never more than is wanted.

An introduction is of two people, and a part of both their weeks: the one who is shown the other
spends attention, and the other will be written to. So both are asked whether they have room, it
counts for both or for neither, and from then on each may be shown the other. A week is one of ISO
8601, by UTC; two people count once in it, whoever was shown whom, and however often.

When two have been introduced in `WEEKS_UNANSWERED` weeks and neither has reacted, they rest: after
that week they are not introduced for as long as what somebody has declined. A reaction, however
late, ends it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import Connection, delete, or_, select, update

from data.store.connect import Store
from data.store.log import Kind, Touched, Turn, turn_of
from data.store.rows import Row, parts, rows_by, write_new
from data.store.schema import feedback, introductions, members
from engine.domain import DAY_S
from engine.facts import IntroducedFact, Written
from engine.weeks import end_of_week, week_of

WEEKS_UNANSWERED = 3
"""Weeks in which two people are introduced, and neither reacts, before they rest."""

REST_S = 90.0 * DAY_S
"""For how long, unless the operator chose another time for what is set aside."""

KEPT_DAYS = 60.0
"""For how long an introduction is kept; one that still makes two people rest is kept until then."""

REACTIONS = ("opened", "accepted", "met", "conversed")
"""What says that one of two people was glad, or curious; `data.store.holds.Event` names them."""

Pair = tuple[str, str]

_FIRST_MONDAY = date(1969, 12, 29)
_table = introductions.c


class Why(StrEnum):
    """What introduced two people."""

    SHOWN = "shown"
    ROUND = "round"


def reserve(
    connection: Connection,
    community: str,
    pairs: Sequence[Pair],
    at: float,
    why: Why = Why.ROUND,
    rest_s: float = REST_S,
) -> list[Pair]:
    """Count introductions, in order, as far as both have room for them this week.

    It takes the community's turn, which nobody else has until the transaction ends: two who ask at
    once never get more together than there is room.

    Args:
        connection: Of `Store.writing`; it must not have the turn already: see `reserve_within`.
        community: Whose.
        pairs: Ids of two members each. One that counts this week already costs nothing.
        at: Unix seconds.
        why: What introduces them.
        rest_s: For how long those rest who have been introduced in vain.

    Returns:
        The pairs that were refused, as they were given: one of them has no room, or is not there.

    Raises:
        UnknownError: There is no such community.
        StoreUnavailableError: The database cannot be used.
    """
    with turn_of(connection, community, at) as turn:
        return reserve_within(turn, pairs, why, rest_s)


def reserve_within(
    turn: Turn, pairs: Sequence[Pair], why: Why = Why.SHOWN, rest_s: float = REST_S
) -> list[Pair]:
    """Do the same in a transaction that has the community's turn; the time is the turn's."""
    if not pairs:
        return []
    week = week_of(turn.now)
    people = sorted({one for pair in pairs for one in pair})
    counted = _counted(turn, people, week)
    room = _room(turn, people, counted)
    refused, new = [], []
    for pair in pairs:
        one, other = sorted(pair)
        if other in counted[one]:
            continue
        if one == other or min(room[one], room[other]) < 1:
            refused.append(pair)
            continue
        for mine, theirs in ((one, other), (other, one)):
            counted[mine].add(theirs)
            room[mine] -= 1
        new.append((one, other))
    _write(turn, new, why, rest_s)
    return refused


def end_rests(turn: Turn, pairs: Iterable[Pair]) -> None:
    """Let two people be introduced again, since one of them has reacted."""
    looked = sorted({(min(pair), max(pair)) for pair in pairs})
    columns = ("receiver", "other", "rests_until_ts")
    sides = ("receiver", "other")
    rows = rows_by(turn.connection, introductions, turn.community, sides, looked, columns)
    rests = {(row["receiver"], row["other"]) for row in rows if row["rests_until_ts"] is not None}
    for one, other in sorted(rests):
        both = or_(
            (_table.receiver == one) & (_table.other == other),
            (_table.receiver == other) & (_table.other == one),
        )
        ended = update(introductions).where(_table.community == turn.community, both)
        turn.connection.execute(ended.values(rests_until_ts=None))
    turn.touch(Touched(Kind.INTRODUCED, *pair, adds=True) for pair in sorted(rests))


def introduced_now(connection: Connection, community: str, now: float) -> Iterator[IntroducedFact]:
    """Give who has been introduced to whom this week, and who rests."""
    mine = select(_table.receiver, _table.other, _table.iso_week, _table.rests_until_ts).where(
        _table.community == community,
        _table.receiver < _table.other,  # the other way round says the same
        or_(_table.iso_week >= iso_week(week_of(now)), _table.rests_until_ts > now),
    )
    yield from (_fact(row._asdict()) for row in connection.execute(mine))


def introduced_between(
    connection: Connection, community: str, pairs: Collection[Pair]
) -> Iterator[IntroducedFact]:
    """Give in which weeks these pairs have been introduced, the lesser id first in each."""
    if pairs:
        found = rows_by(connection, introductions, community, ("receiver", "other"), list(pairs))
        yield from map(_fact, found)


def drop_old_introductions(store: Store, now: float) -> int:
    """Take away introductions of longer ago than `KEPT_DAYS` that nothing follows from.

    Returns:
        How many rows were taken away; there are two of each introduction.

    Raises:
        StoreUnavailableError: The database cannot be used.
    """
    over = or_(_table.rests_until_ts.is_(None), _table.rests_until_ts <= now)
    old = iso_week(week_of(now - KEPT_DAYS * DAY_S))
    with store.writing() as connection:
        gone = delete(introductions).where(_table.iso_week < old, over)
        return connection.execute(gone).rowcount


def iso_week(week: int) -> str:
    """Return a week as ISO 8601 writes it.

    >>> iso_week(week_of(1_750_000_000)), iso_week(0)
    ('2025-W24', '1970-W01')
    """
    year, number, _ = (_FIRST_MONDAY + timedelta(weeks=week)).isocalendar()
    return f"{year:04}-W{number:02}"


def week_number(written: str) -> int:
    """Return which week that is, as `engine.weeks` counts them.

    >>> week_number("2025-W24") == week_of(1_750_000_000)
    True
    """
    monday = date.fromisocalendar(int(written[:4]), int(written[6:]), 1)
    return (monday - _FIRST_MONDAY).days // 7


def _counted(turn: Turn, people: list[str], week: int) -> defaultdict[str, set[str]]:
    """Return with whom each has been introduced this week."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for part in parts(people):
        mine = select(_table.receiver, _table.other).where(
            _table.community == turn.community,
            _table.receiver.in_(part),
            _table.iso_week == iso_week(week),
        )
        for receiver, other in turn.connection.execute(mine):
            found[receiver].add(other)
    return found


def _room(turn: Turn, people: list[str], counted: dict[str, set[str]]) -> defaultdict[str, float]:
    """Return how many more each takes this week; of whom is not there, or unreadable, none."""
    columns = ("id", "weekly_introductions")
    rows = rows_by(turn.connection, members, turn.community, "id", people, columns)
    room: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        wanted = float(row["weekly_introductions"])
        # NaN > 0 is False: an unreadable wish is none.
        room[row["id"]] = wanted - len(counted[row["id"]]) if wanted > 0 else 0.0
    return room


def _write(turn: Turn, new: list[Pair], why: Why, rest_s: float) -> None:
    if not new:
        return
    week, rests = week_of(turn.now), _in_vain(turn, new)
    until = end_of_week(week) + rest_s
    rows = [
        {
            "community": turn.community,
            "receiver": mine,
            "other": theirs,
            "iso_week": iso_week(week),
            "at_ts": turn.now,
            "why": why.value,
            "rests_until_ts": until if (one, other) in rests else None,
        }
        for one, other in new
        for mine, theirs in ((one, other), (other, one))
    ]
    write_new(turn.connection, introductions, rows)
    turn.touch(Touched(Kind.INTRODUCED, one, other) for one, other in new)


def _in_vain(turn: Turn, pairs: list[Pair]) -> set[Pair]:
    """Return who was introduced in so many of the last weeks that this is the last one for now."""
    since = turn.now - KEPT_DAYS * DAY_S
    columns = ("receiver", "other", "at_ts")
    before: defaultdict[Pair, list[float]] = defaultdict(list)
    sides = ("receiver", "other")
    for row in rows_by(turn.connection, introductions, turn.community, sides, pairs, columns):
        if row["at_ts"] > since:
            before[row["receiver"], row["other"]].append(row["at_ts"])
    often = {pair: min(at) for pair, at in before.items() if len(at) + 1 >= WEEKS_UNANSWERED}
    return set(often) - _reacted(turn, often)


def _reacted(turn: Turn, since: dict[Pair, float]) -> set[Pair]:
    """Return which pairs one of the two has reacted to since they were first introduced."""
    both = sorted({*since, *((other, one) for one, other in since)})
    if not both:
        return set()
    columns = ("member", "item", "item_kind", "event", "ts")
    found = rows_by(turn.connection, feedback, turn.community, ("member", "item"), both, columns)
    return {pair for row in found if (pair := _reaction(row)) and row["ts"] >= since[pair]}


def _reaction(row: Row) -> Pair | None:
    if row["item_kind"] != Written.MEMBER.value or row["event"] not in REACTIONS:
        return None
    return min(row["member"], row["item"]), max(row["member"], row["item"])


def _fact(row: Row) -> IntroducedFact:
    until = row["rests_until_ts"]
    week = week_number(row["iso_week"])
    return IntroducedFact(row["receiver"], row["other"], week, 0.0 if until is None else until)
