"""Until when somebody is not to be shown what, read from what they have told us of suggestions.

What is set aside follows from feedback alone, so it is forgotten with it:

- **Dismissed**, a group or a member: not shown to who dismissed it for a set time.
- **Declined**, an introduction: neither is shown to the other for that time; who would ask again
  would only hear the same.
- **Accepted** by both: the introduction has been made, so neither is shown to the other again.
- **Reported**, a member: neither is shown to the other again. Reports of several hide the member
  from everybody: see `data.store.feedback`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum

from sqlalchemy import Connection, func, select

from data.store.introductions import introduced_now
from data.store.rows import rows_by
from data.store.schema import feedback
from engine.facts import Facts, HiddenFact, SetAsideFact, Written


class Event(StrEnum):
    """What became of a suggestion, or, the last two, of a member who was reported."""

    SHOWN = "shown"
    OPENED = "opened"
    JOINED = "joined"
    DISMISSED = "dismissed"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    MET = "met"
    CONVERSED = "conversed"
    LEFT = "left"
    REPORTED = "reported"
    HIDDEN = "hidden"
    CLEARED = "cleared"


OURS = (Event.HIDDEN, Event.CLEARED)
"""What nobody tells us: we note it ourselves, with the member as item of themself."""

MUTUAL = {Event.ACCEPTED.value, Event.DECLINED.value, Event.REPORTED.value}
"""Events that keep two members apart both ways, as far as they keep them apart at all."""

_COLUMNS = ("member", "item", "item_kind", "event", "until_ts")

Pair = tuple[str, str]


def set_aside_now(
    connection: Connection, community: str, pairs: Collection[Pair], kind: Written
) -> Iterator[SetAsideFact]:
    """Give for each (member, item) until when it is not to be shown, 0 if it may be."""
    both = {*pairs, *((item, member) for member, item in pairs)}
    looked = sorted(both if kind is Written.MEMBER else set(pairs))
    found = rows_by(connection, feedback, community, ("member", "item"), looked, _COLUMNS)
    until = _until((*(row[name] for name in _COLUMNS),) for row in found)
    for member, item in pairs:
        yield SetAsideFact(member, item, kind, until.get((member, item, kind), 0.0))


def hidden_now(
    connection: Connection, community: str, members: Collection[str]
) -> Iterator[HiddenFact]:
    """Give for each member whether reports hide them."""
    hidden = _hidden(connection, community)
    yield from (HiddenFact(one, one in hidden) for one in members)


def holds_now(connection: Connection, community: str, now: float) -> Facts:
    """Return all that is set aside, and who has been introduced to whom.

    A bundle does not know, so a server asks when it loads one.

    Args:
        connection: Of `Store.reading`.
        community: Whose.
        now: Unix seconds; what is over by then is left out.
    """
    table = feedback
    columns = table.c.member, table.c.item, table.c.item_kind, table.c.event
    mine = select(*columns, func.max(table.c.until_ts)).where(
        table.c.community == community, table.c.until_ts.is_not(None), table.c.until_ts > now
    )
    until = _until(connection.execute(mine.group_by(*columns)))
    return Facts(
        set_aside=tuple(SetAsideFact(*key, moment) for key, moment in until.items()),
        hidden=tuple(HiddenFact(one, True) for one in sorted(_hidden(connection, community))),
        introduced=tuple(introduced_now(connection, community, now)),
    )


def _until(rows: Iterable[Iterable[object]]) -> dict[tuple[str, str, Written], float]:
    """Return until when each is set aside, both ways round where that is meant."""
    found: dict[tuple[str, str, Written], float] = {}
    for row in rows:
        member, item, kind, event, until = row
        if until is None:
            continue
        ways = [(member, item)]
        if kind == Written.MEMBER and event in MUTUAL:
            ways.append((item, member))
        for one, other in ways:
            key = str(one), str(other), Written(str(kind))
            found[key] = max(found.get(key, 0.0), float(str(until)))
    return found


def _hidden(connection: Connection, community: str) -> set[str]:
    """Return the members of whom it was noted that they are hidden, and not since cleared."""
    events = [event.value for event in OURS]
    mine = (
        select(feedback.c.member, feedback.c.event)
        .where(feedback.c.community == community, feedback.c.until_ts.is_not(None))
        .where(feedback.c.event.in_(events))
        .order_by(feedback.c.id)
    )
    last = {row.member: row.event for row in connection.execute(mine)}
    return {member for member, event in last.items() if event == Event.HIDDEN}
