"""What became of suggestions, as platforms tell it: durable, and heeded at once.

Told twice, the same event of the same member about the same item of the same recommendation is
written once. What an event sets aside is in `data.store.holds`.

A member is hidden from everybody when `REPORTERS` different members have reported them within
`WITHIN_DAYS` days: so nobody can hide another alone, nor two together. They stay hidden until an
operator has looked. When one clears the reports, those who made them are not counted again for
that member, so a few cannot hide somebody over and over; what they reported stays away from
themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import delete, insert, update

from data.store.connect import Store
from data.store.draft import Draft
from data.store.holds import MUTUAL, OURS, Event
from data.store.introductions import REACTIONS, Why, end_rests, reserve_within
from data.store.ledger import KEPT_DAYS
from data.store.log import Kind, Touched, Turn, turn_of
from data.store.rows import Row, rows_by
from data.store.schema import feedback, groups, members
from data.store.values import checked_id
from engine.domain import DAY_S
from engine.errors import DataError, UnknownError, UnknownReferenceError
from engine.facts import Written

REPORTERS = 3
"""Different members whose reports hide somebody from everybody."""

WITHIN_DAYS = 30
"""Days within which those reports come."""

FOREVER_TS = 1e11
"""Until when something is set aside for good: the year 5138."""

HELD_FOR_A_TIME = {Event.DISMISSED, Event.DECLINED}

KIND_OF = {Written.GROUP: Kind.SET_ASIDE_GROUP, Written.MEMBER: Kind.SET_ASIDE_MEMBER}
TABLE_OF = {Written.GROUP: groups, Written.MEMBER: members}

_KEY = ("recommendation_id", "member", "item_kind", "item", "event")


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that became of a suggestion.

    Attributes:
        recommendation_id: In which slate it was; one that nobody knows is taken as well.
        member: To whom it was suggested.
        item: What was.
        item_kind: A group or a member.
        event: What became of it; none of `OURS`.
    """

    recommendation_id: str
    member: str
    item: str
    item_kind: Written
    event: Event


class Heard(NamedTuple):
    """What came of telling what became of suggestions.

    Attributes:
        head: The number of the last entry of the log, which knows what follows from it.
        new: How much had not been told before.
        beyond: How many of the introductions that were shown are more than one of the two takes
            in a week. That they were shown is kept; they are not counted, since what somebody
            wants is a limit to what is offered, and nothing that is shown can be taken back.
    """

    head: int
    new: int
    beyond: int


def tell_feedback(
    store: Store, community: str, told: Sequence[Told], now: float, hold_s: float
) -> Heard:
    """Write what became of suggestions, all of it or nothing.

    Args:
        store: Where to.
        community: Whose.
        told: What became of them, in order.
        now: Unix seconds.
        hold_s: For how long what is dismissed or declined is not shown, and whom two people were
            introduced to in vain.

    Returns:
        How far the log has come and what was new. It is on disk.

    Raises:
        UnknownError: There is no such community.
        UnknownReferenceError: There is no such member, or no such item.
        DataError: A value is out of its limits. Both messages begin with the event's index.
        StoreUnavailableError: The database cannot be used.
    """
    for index, one in enumerate(told):
        _check(index, one)
    with store.writing() as connection, turn_of(connection, community, now) as turn:
        _require(turn, told)
        new = _unheard(turn, told)
        beyond = reserve_within(turn, _introduced(new, Event.SHOWN), Why.SHOWN, hold_s)
        if new:
            rows = [_row(turn, one, hold_s) for one in new]
            connection.execute(insert(feedback), rows)
            turn.touch(dict.fromkeys([*_set_aside(new), *_met(turn, new), *_reported(turn, new)]))
            end_rests(turn, _introduced(new, *map(Event, REACTIONS)))
    return Heard(turn.head, len(new), len(beyond))


def clear_reports(store: Store, community: str, member: str, now: float) -> int:
    """Note that an operator has looked at the reports about a member: they are shown again.

    Returns:
        The number of the last entry of the log, which knows.

    Raises:
        UnknownError: There is no such community, or no such member.
        StoreUnavailableError: The database cannot be used.
    """
    with store.writing() as connection, turn_of(connection, community, now) as turn:
        draft = Draft(turn)
        draft.look_for(members, [member])
        if not draft.there(members, member):
            raise UnknownError(f"no member has the id {member!r}")
        connection.execute(insert(feedback), [_note(turn, member, Event.CLEARED)])
        turn.touch([Touched(Kind.HIDDEN, member, adds=True)])
    return turn.head


def drop_old_feedback(store: Store, now: float, kept_days: float = KEPT_DAYS) -> int:
    """Take away what was told longer ago and nothing follows from any more.

    What stays: what still sets something aside, reports and what was noted of them, and the yes
    of a member to an introduction, which the other may yet answer.

    Args:
        store: Where.
        now: Unix seconds.
        kept_days: For how long everything is kept, as what was served is.

    Returns:
        How much was taken away.

    Raises:
        StoreUnavailableError: The database cannot be used.
    """
    stays = [event.value for event in (*OURS, Event.REPORTED)]
    over = feedback.c.until_ts.is_(None) | (feedback.c.until_ts <= now)
    answer = (feedback.c.event == Event.ACCEPTED.value) & (
        feedback.c.item_kind == Written.MEMBER.value
    )
    old = feedback.c.ts < now - kept_days * DAY_S
    with store.writing() as connection:
        gone = delete(feedback).where(old, over, feedback.c.event.not_in(stays), ~answer)
        return connection.execute(gone).rowcount


def _check(index: int, one: Told) -> None:
    try:
        checked_id(one.recommendation_id, "recommendation")
        checked_id(one.member, "member")
        checked_id(one.item, one.item_kind.value)
        if one.event in OURS or one.item_kind not in KIND_OF:
            raise DataError(f"nobody tells {one.event.value!r} of a {one.item_kind.value}")
        if one.item_kind is Written.MEMBER and one.member == one.item:
            raise DataError("nobody is suggested to themself")
    except DataError as error:
        raise DataError(f"event {index}: {error}") from None


def _require(turn: Turn, told: Sequence[Told]) -> None:
    draft = Draft(turn)
    draft.look_for(members, {one.member for one in told})
    for kind, table in TABLE_OF.items():
        draft.look_for(table, {one.item for one in told if one.item_kind is kind})
    for index, one in enumerate(told):
        for table, wanted in ((members, one.member), (TABLE_OF[one.item_kind], one.item)):
            if not draft.there(table, wanted):
                named = table.name.removesuffix("s")
                raise UnknownReferenceError(
                    f"event {index}: there is no {named} {wanted!r}; tell of it first"
                )


def _unheard(turn: Turn, told: Sequence[Told]) -> list[Told]:
    """Return what was not told before, each once."""
    ids = sorted({one.recommendation_id for one in told})
    found = rows_by(turn.connection, feedback, turn.community, "recommendation_id", ids, _KEY)
    heard = {tuple(row[name] for name in _KEY) for row in found}
    asked = {tuple(str(getattr(one, name)) for name in _KEY): one for one in told}
    return [one for key, one in asked.items() if key not in heard]


def _row(turn: Turn, one: Told, hold_s: float) -> Row:
    until = None
    if one.event in HELD_FOR_A_TIME:
        until = turn.now + hold_s
    elif one.event is Event.REPORTED:
        until = FOREVER_TS
    return {
        "community": turn.community,
        **{name: str(getattr(one, name)) for name in _KEY},
        "ts": turn.now,
        "until_ts": until,
    }


def _note(turn: Turn, member: str, event: Event) -> Row:
    return {
        "community": turn.community,
        "member": member,
        "item": member,
        "item_kind": Written.MEMBER.value,
        "event": event.value,
        "ts": turn.now,
        "until_ts": 0.0,  # no hold, but found among them
    }


def _introduced(told: Iterable[Told], *events: Event) -> list[tuple[str, str]]:
    """Return the pairs of members of whom one of these is told."""
    return [
        (one.member, one.item)
        for one in told
        if one.item_kind is Written.MEMBER and one.event in events
    ]


def _set_aside(told: Iterable[Told]) -> list[Touched]:
    """Return whom dismissing, declining and reporting concern."""
    found = []
    for one in told:
        if one.event in HELD_FOR_A_TIME or one.event is Event.REPORTED:
            found.append(Touched(KIND_OF[one.item_kind], one.member, one.item))
            if one.item_kind is Written.MEMBER and one.event.value in MUTUAL:
                found.append(Touched(Kind.SET_ASIDE_MEMBER, one.item, one.member))
    return found


def _met(turn: Turn, told: Iterable[Told]) -> list[Touched]:
    """Close the introductions that both have accepted now."""
    yes = {
        (one.member, one.item)
        for one in told
        if one.event is Event.ACCEPTED and one.item_kind is Written.MEMBER
    }
    back = sorted((item, member) for member, item in yes)
    columns = ("member", "item", "item_kind", "event")
    found = rows_by(turn.connection, feedback, turn.community, ("member", "item"), back, columns)
    wanted = (Written.MEMBER.value, Event.ACCEPTED.value)
    both = {
        (row["member"], row["item"]) for row in found if (row["item_kind"], row["event"]) == wanted
    }
    touched = []
    for one, other in sorted(both):
        closed = update(feedback).where(
            feedback.c.community == turn.community,
            feedback.c.member == one,
            feedback.c.item == other,
            feedback.c.item_kind == wanted[0],
            feedback.c.event == wanted[1],
        )
        turn.connection.execute(closed.values(until_ts=FOREVER_TS))
        touched.append(Touched(Kind.SET_ASIDE_MEMBER, one, other))
        touched.append(Touched(Kind.SET_ASIDE_MEMBER, other, one))
    return touched


def _reported(turn: Turn, told: Iterable[Told]) -> list[Touched]:
    """Hide those whom enough members have reported by now."""
    reported = sorted(
        {
            one.item
            for one in told
            if one.event is Event.REPORTED and one.item_kind is Written.MEMBER
        }
    )
    columns = ("id", "member", "item", "item_kind", "event", "ts")
    about: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows_by(turn.connection, feedback, turn.community, "item", reported, columns):
        if row["item_kind"] == Written.MEMBER:
            about[row["item"]].append(row)
    hide = [one for one in reported if _is_to_hide(about[one], turn.now)]
    if hide:
        turn.connection.execute(insert(feedback), [_note(turn, one, Event.HIDDEN) for one in hide])
    return [Touched(Kind.HIDDEN, one) for one in hide]


def _is_to_hide(rows: list[Row], now: float) -> bool:
    """Return whether reports hide a member who is not hidden yet."""
    rows = sorted(rows, key=lambda row: int(row["id"]))
    notes = [row for row in rows if row["event"] in {event.value for event in OURS}]
    if notes and notes[-1]["event"] == Event.HIDDEN:
        return False
    cleared = int(notes[-1]["id"]) if notes else 0
    reports = [row for row in rows if row["event"] == Event.REPORTED]
    heard = {row["member"] for row in reports if int(row["id"]) < cleared}
    since = now - WITHIN_DAYS * DAY_S
    counted = {row["member"] for row in reports if int(row["id"]) > cleared and row["ts"] >= since}
    return len(counted - heard) >= REPORTERS
