"""What was acknowledged, what a store holds, and where the two differ."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, func, select

from data.store import schema
from data.store.connect import Store
from data.store.log import Kind

MEMBER = (
    *("name", "text", "audience", "discoverable", "open_to_introductions"),
    *("weekly_introductions", "muted_groups", "muted_topics"),
)
GROUP = ("name", "text", "visibility", "capacity")
POST = ("title", "text", "visibility")
"""Columns that are told, and so compared."""

COUNTED = (Kind.MEMBER, Kind.GROUP, Kind.POST, Kind.MEMBERSHIP, Kind.BLOCK)
"""Entries of the log that a change makes; the others follow by themselves."""


class Thing(NamedTuple):
    """What a change is about, as the log names it."""

    kind: Kind
    key: str
    other: str = ""


State = dict[str, Any] | None
"""How a thing is, as it was told; None where there is none."""


@dataclass(frozen=True, slots=True)
class Told:
    """Changes that are sent in one request, all or none.

    Attributes:
        lines: The changes, as lines of `POST …/changes`.
        after: How everything they touch is when they are made.
        many: Whether they are sent as lines, not as a request of their own.
        key: The Idempotency-Key; '' for none.
        forgets: The member who is forgotten; '' for nobody.
    """

    lines: tuple[dict[str, Any], ...]
    after: Mapping[Thing, State]
    many: bool = False
    key: str = ""
    forgets: str = ""


@dataclass(slots=True)
class Truth:
    """What must hold, by what was acknowledged.

    Attributes:
        states: How everything is.
        entries: How often the log has an entry of each thing, since writing began.
        keys: The keys under which something was done.
        acknowledged: Changes that were acknowledged, repeats not counted.
        last: The highest sequence number that was acknowledged.
    """

    states: dict[Thing, State]
    entries: Counter[Thing] = field(default_factory=Counter)
    keys: set[str] = field(default_factory=set)
    acknowledged: int = 0
    last: int = 0

    def changed(self, told: Told) -> list[Thing]:
        """Return what is not yet as these changes say."""
        return [thing for thing, state in told.after.items() if self.states.get(thing) != state]

    def learn(self, told: Told) -> None:
        """Take it that these changes have been made."""
        self.entries.update(self.changed(told))
        self.states.update(told.after)
        if told.key:
            self.keys.add(told.key)
        if told.forgets:  # where the log named them, it does so no longer
            for thing, state in told.after.items():
                if state is None:
                    del self.entries[thing]


@dataclass(frozen=True, slots=True)
class Found:
    """What a store holds.

    Attributes:
        states: How everything is.
        entries: How often the log has an entry of each thing, after the entry it was asked for.
        head: The number of the last entry, as everybody is told.
        numbers: The lowest and the highest number in the log, and how many entries there are.
        keys: How often each Idempotency-Key is remembered, by its digest.
    """

    states: dict[Thing, State]
    entries: Counter[Thing]
    head: int
    numbers: tuple[int, int, int]
    keys: Counter[str]


Problem = tuple[object, ...]


@dataclass(slots=True)
class Verdict:
    """What is wrong with a store. Whatever is still wrong at a later look is counted once.

    Attributes:
        lost: Things that are not as was acknowledged, and log entries that are missing.
        duplicated: Log entries and keys that are there more than once.
        gaps: Numbers missing from the log, or between its end and the head.
        torn: Requests of which a part was done.
    """

    lost: set[Problem] = field(default_factory=set)
    duplicated: set[Problem] = field(default_factory=set)
    gaps: set[Problem] = field(default_factory=set)
    torn: int = 0

    def add(self, other: Verdict) -> None:
        """Count another verdict to this one."""
        self.lost |= other.lost
        self.duplicated |= other.duplicated
        self.gaps |= other.gaps
        self.torn += other.torn

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.duplicated or self.gaps or self.torn)

    @property
    def examples(self) -> list[str]:
        """Some of it, for whoever looks into it."""
        found = [*self.lost, *self.duplicated, *self.gaps]
        return [" ".join(map(str, problem)) for problem in found[:5]]


def look(store: Store, community: str, after_seq: int) -> Found:
    """Return what a store holds of a community, in one state of it.

    Args:
        store: Which.
        community: Whose rows.
        after_seq: Log entries beyond this one are counted.
    """
    log = schema.log
    with store.reading() as connection:
        mine = log.c.community == community
        counted = connection.execute(
            select(log.c.kind, log.c.key, log.c.other, func.count())
            .where(mine, log.c.seq > after_seq, log.c.kind.in_([kind.value for kind in COUNTED]))
            .group_by(log.c.kind, log.c.key, log.c.other)
        )
        entries = Counter({Thing(Kind(kind), one, other): n for kind, one, other, n in counted})
        numbers = connection.execute(
            select(func.min(log.c.seq), func.max(log.c.seq), func.count()).where(mine)
        ).one()
        names = schema.communities.c
        head = connection.scalar(select(names.head).where(names.name == community))
        keys = schema.idempotency.c
        digests = connection.scalars(select(keys.key_digest).where(keys.community == community))
        return Found(
            _states(connection, community),
            entries,
            int(head or 0),
            (numbers[0] or 1, numbers[1] or 0, numbers[2]),
            Counter(digests),
        )


def judge(truth: Truth, found: Found) -> Verdict:
    """Return how a store differs from what was acknowledged."""
    verdict = Verdict()
    for thing in truth.states.keys() | found.states.keys():
        should, there = truth.states.get(thing), found.states.get(thing)
        if should != there:
            verdict.lost.add((thing, "is", str(there), "not", str(should)))
    for thing, count in truth.entries.items():
        logged = found.entries[thing]
        verdict.lost |= {(thing, "entry", n, "is missing") for n in range(logged, count)}
        verdict.duplicated |= {(thing, "entry", n, "is too much") for n in range(count, logged)}
    digests = {hashlib.sha256(key.encode()).hexdigest() for key in truth.keys}
    verdict.lost |= {("key", one, "is missing") for one in digests - found.keys.keys()}
    verdict.duplicated |= {("key", one, n) for one, n in found.keys.items() if n > 1}
    first, last, count = found.numbers
    span = last - first + 1
    verdict.duplicated |= {("of numbers", n, "is too much") for n in range(span, count)}
    verdict.gaps |= {("of numbers", n, "is missing") for n in range(count, span)}
    ends = sorted((found.head, last))
    verdict.gaps |= {("number", n, "is before or beyond the head") for n in range(*ends)}
    verdict.lost |= {("number", n, "is missing") for n in range(found.head, truth.last)}
    return verdict


def settle(truth: Truth, found: Found, sent: Iterable[Told]) -> tuple[list[bool], int]:
    """Find out what became of requests that nobody answered, and take that for true.

    Returns:
        For each whether it was done, and how many were done in part.
    """
    done, torn = [], 0
    for told in sent:
        if told.key and told.key in truth.keys:  # sent once more: it had been done
            done.append(True)
            continue
        changed = truth.changed(told)
        made = [found.states.get(thing) == told.after[thing] for thing in changed]
        done.append(bool(made) and all(made))
        torn += any(made) and not all(made)
        if done[-1]:
            truth.learn(told)
    return done, torn


def _states(connection: Connection, community: str) -> dict[Thing, State]:
    def rows(table: Table) -> Iterable[Mapping[str, Any]]:
        mine = select(table).where(table.c.community == community)
        yield from (dict(row) for row in connection.execute(mine).mappings())

    states: dict[Thing, State] = {}
    for row in rows(schema.members):
        states[Thing(Kind.MEMBER, row["id"])] = {name: row[name] for name in MEMBER}
    for row in rows(schema.groups):
        states[Thing(Kind.GROUP, row["id"])] = {name: row[name] for name in GROUP}
    for row in rows(schema.memberships):
        left = row["left_ts"] is not None
        states[Thing(Kind.MEMBERSHIP, row["member"], row["group"])] = {"left": left}
    for row in rows(schema.blocks):
        states[Thing(Kind.BLOCK, row["member"], row["other"])] = {}
    links = {
        "members": _linked(rows(schema.authors), "member"),
        "groups": _linked(rows(schema.post_groups), "group"),
        "participants": _linked(rows(schema.participations), "member"),
    }
    for row in rows(schema.posts):
        linked = {name: sorted(found.get(row["id"], ())) for name, found in links.items()}
        states[Thing(Kind.POST, row["id"])] = {**{name: row[name] for name in POST}, **linked}
    return states


def _linked(rows: Iterable[Mapping[str, Any]], side: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["post"], []).append(row[side])
    return found
