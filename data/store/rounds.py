"""Rounds that were planned, and those that were committed: who met whom.

A plan changes nothing but this. Committing one is a single transaction, in which nobody else
writes to the community: it is refused while its caller does not know all that takes something
away, people who may not meet any more are left out, and each pair counts as an introduction of the
week for both, or is left out as well. Committing twice is committing once.

What is stored of a member is where they stood, and is forgotten with them. Reasons are not stored:
they are given from what may be seen whenever a round is looked at.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from data.store.connect import Store
from data.store.introductions import Why as Introducing
from data.store.introductions import reserve_within
from data.store.log import Turn, turn_of
from data.store.rows import parts, rows_by
from data.store.schema import members, round_places, rounds
from engine.domain import DAY_S
from engine.errors import BehindError, DataError, UnknownError
from engine.round_wishes import SMALLEST, Match, Mix, Pair, Plan, Why, Wishes, pairs_in

PLANNED_DAYS = 30.0
"""For how long a plan that nobody commits is kept."""

COMMITTED_DAYS = 730.0
"""For how long it is kept who met whom, so that it is not repeated."""

NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class RoundSettings:
    """What a round was planned with; it names nobody.

    Attributes:
        size: How many meet.
        seed: Of what was drawn.
        minimum_quality: What each pair or circle had to reach.
        mix: Who was to meet whom.
        no_repeat_rounds: Of how many earlier rounds no pair was to be repeated.
        tied: Whether those might meet who knew each other.
        threes: Whether whoever would have been left out of pairs might join one.
    """

    size: int
    seed: int
    minimum_quality: float
    mix: str
    no_repeat_rounds: int = 0
    tied: bool = False
    threes: bool = False

    @classmethod
    def of(cls, wishes: Wishes, no_repeat_rounds: int) -> RoundSettings:
        """Return what a plan is kept with."""
        return cls(
            wishes.size,
            wishes.seed,
            wishes.minimum_quality,
            Mix(wishes.mix).value,
            no_repeat_rounds,
            wishes.tied,
            wishes.threes,
        )

    @property
    def least(self) -> int:
        """Fewer do not meet."""
        return min(self.size, SMALLEST)


@dataclass(frozen=True, slots=True)
class KeptRound:
    """A round as it is kept.

    Attributes:
        id: Opaque.
        name: What the host calls it.
        settings: What it was planned with.
        created_ts: When it was asked for, unix seconds.
        planned_ts: When it was planned; None while that takes place.
        committed_ts: When it was committed; None while it is a plan.
        problem: Why it could not be planned; '' if it could.
        plan: Who meets whom; those who were forgotten since are not in it.
    """

    id: str
    name: str
    settings: RoundSettings
    created_ts: float
    planned_ts: float | None
    committed_ts: float | None
    problem: str
    plan: Plan


def begin_round(
    store: Store, community: str, name: str, settings: RoundSettings, now: float
) -> str:
    """Note that a round is being planned, let go of old ones, and return its id.

    Args:
        store: Where.
        community: Whose.
        name: What the host calls it.
        settings: What it is planned with.
        now: Unix seconds.

    Raises:
        UnknownError: There is no such community.
        StoreUnavailableError: The database cannot be used.
    """
    made = secrets.token_hex(16)
    with store.writing() as connection, turn_of(connection, community, now):
        _drop_old(connection, community, now)
        told = {"name": name, "settings": asdict(settings), "created_ts": now, "version": ""}
        connection.execute(insert(rounds), {"community": community, "id": made, **told})
    return made


def keep_plan(store: Store, community: str, round_id: str, plan: Plan, now: float) -> KeptRound:
    """Keep a plan; who was forgotten meanwhile is left out of it.

    Raises:
        UnknownError: There is no such round.
        StoreUnavailableError: The database cannot be used.
    """
    with store.writing() as connection, turn_of(connection, community, now):
        places = _places(plan)
        there = _there(connection, community, places)
        rows = [
            {"community": community, "round": round_id, "member": member, **place}
            for member, place in places.items()
            if member in there
        ]
        mine = (rounds.c.community == community) & (rounds.c.id == round_id)
        noted = update(rounds).where(mine).values(planned_ts=now, version=plan.version)
        if not connection.execute(noted).rowcount:
            raise UnknownError(f"no round has the id {round_id!r}")
        if rows:
            connection.execute(insert(round_places), rows)
        return _read(connection, community, round_id)


def note_problem(store: Store, community: str, round_id: str, problem: str) -> None:
    """Note why a round could not be planned; '' takes the round away, as if never asked for."""
    mine = (rounds.c.community == community) & (rounds.c.id == round_id)
    with store.writing() as connection:
        if problem:
            connection.execute(update(rounds).where(mine).values(problem=problem))
        else:
            connection.execute(delete(rounds).where(mine))


def kept_round(store: Store, community: str, round_id: str) -> KeptRound:
    """Return a round.

    Raises:
        UnknownError: There is none of that id in this community.
        StoreUnavailableError: The database cannot be used.
    """
    with store.reading() as connection:
        return _read(connection, community, round_id)


def pairs_met(store: Store, community: str, last: int) -> tuple[Pair, ...]:
    """Return who met whom in the last few committed rounds, in order.

    Raises:
        StoreUnavailableError: The database cannot be used.
    """
    if last <= 0:
        return ()
    newest = (
        select(rounds.c.id)
        .where(rounds.c.community == community, rounds.c.committed_ts.is_not(None))
        .order_by(rounds.c.committed_ts.desc(), rounds.c.id)
        .limit(last)
    )
    met: set[Pair] = set()
    with store.reading() as connection:
        for one in connection.scalars(newest).all():
            for circle in _circles(_stood(connection, community, one)).values():
                met.update(pairs_in(circle))
    return tuple(sorted(met))


def commit_round(
    store: Store,
    community: str,
    round_id: str,
    refused: Collection[Pair],
    known: int,
    now: float,
) -> KeptRound:
    """Make a plan so, in one transaction; a round that was committed stays as it is.

    Args:
        store: Where.
        community: Whose.
        round_id: Which round.
        refused: Pairs of it that may not meet any more, the lesser id first.
        known: The entry of the log up to which who says so knows.
        now: Unix seconds.

    Returns:
        The round. Who does not meet after all is left out of it: `Why.NOT_ANY_MORE`.

    Raises:
        UnknownError: There is no such round.
        DataError: It has no plan yet, or could not be planned.
        BehindError: Something was taken away that who says so does not know: ask again.
        StoreUnavailableError: The database cannot be used.
    """
    with store.writing() as connection, turn_of(connection, community, now) as turn:
        planned = _read(connection, community, round_id)
        if planned.committed_ts is not None:
            return planned
        if planned.planned_ts is None:
            raise DataError(f"round {round_id!r} is not planned: there is nothing to commit")
        if turn.restricted > known:
            raise BehindError(f"change {turn.restricted} must be known, {known} is: try again")
        circles = [match.members for match in planned.plan.matches]
        least = planned.settings.least
        left = _counted(
            turn, [one for c in circles if (one := remaining(c, refused, least))], least
        )
        _leave_out(connection, community, round_id, set().union(*circles) - set().union(*left))
        mine = (rounds.c.community == community) & (rounds.c.id == round_id)
        connection.execute(update(rounds).where(mine).values(committed_ts=now))
        return _read(connection, community, round_id)


def remaining(circle: Sequence[str], refused: Collection[Pair], least: int) -> tuple[str, ...]:
    """Return who of a circle may still meet, nobody if they are too few.

    >>> remaining(("ana", "bo", "cy", "di"), {("ana", "bo"), ("bo", "cy")}, 3)
    ('ana', 'cy', 'di')
    >>> remaining(("ana", "bo"), {("ana", "bo")}, 2)
    ()
    """
    members = sorted(circle)
    while len(members) >= least:
        bad = [pair for pair in pairs_in(members) if pair in refused]
        if not bad:
            return tuple(members)
        against = [sum(one in pair for pair in bad) for one in members]
        members.pop(against.index(max(against)))
    return ()


def _counted(turn: Turn, circles: list[tuple[str, ...]], least: int) -> list[tuple[str, ...]]:
    """Return the circles whose pairs all count as introductions of this week; they do now."""
    while True:
        pairs = [pair for circle in circles for pair in pairs_in(circle)]
        head, restricted = turn.head, turn.restricted
        with turn.connection.begin_nested() as attempt:
            full = set(reserve_within(turn, pairs, Introducing.ROUND))
            if not full:
                return circles
            attempt.rollback()
        turn.head, turn.restricted = head, restricted
        circles = [left for circle in circles if (left := remaining(circle, full, least))]


def _leave_out(
    connection: Connection, community: str, round_id: str, gone: Collection[str]
) -> None:
    mine = (round_places.c.community == community) & (round_places.c.round == round_id)
    for part in parts(sorted(gone)):
        left = update(round_places).where(mine, round_places.c.member.in_(part))
        connection.execute(left.values(place=None, quality=None, why=Why.NOT_ANY_MORE.value))


def _drop_old(connection: Connection, community: str, now: float) -> None:
    planned = rounds.c.committed_ts.is_(None) & (rounds.c.created_ts < now - PLANNED_DAYS * DAY_S)
    old = planned | (rounds.c.committed_ts < now - COMMITTED_DAYS * DAY_S)
    gone = connection.scalars(select(rounds.c.id).where(rounds.c.community == community, old)).all()
    for table, column in ((round_places, round_places.c.round), (rounds, rounds.c.id)):
        which = table.c.community == community, column.in_(gone)
        connection.execute(delete(table).where(*which))


def _places(plan: Plan) -> dict[str, dict[str, object]]:
    placed: dict[str, dict[str, object]] = {
        member: {"place": place, "quality": match.quality, "why": ""}
        for place, match in enumerate(plan.matches)
        for member in match.members
    }
    out: dict[str, dict[str, object]] = {
        member: {"place": None, "quality": None, "why": why.value}
        for member, why in plan.left_out.items()
    }
    return {**placed, **out}


def _there(connection: Connection, community: str, ids: Collection[str]) -> set[str]:
    return {row["id"] for row in rows_by(connection, members, community, "id", ids, ("id",))}


def _read(connection: Connection, community: str, round_id: str) -> KeptRound:
    mine = select(rounds).where(rounds.c.community == community, rounds.c.id == round_id)
    row = connection.execute(mine).one_or_none()
    if row is None:
        raise UnknownError(f"no round has the id {round_id!r}")
    settings = RoundSettings(**row.settings)
    plan = _plan(_stood(connection, community, round_id), row.version, settings.least)
    moments = row.created_ts, row.planned_ts, row.committed_ts
    return KeptRound(row.id, row.name, settings, *moments, row.problem or "", plan)


def _stood(connection: Connection, community: str, round_id: str) -> Sequence[Any]:
    table = round_places.c
    mine = select(table.member, table.place, table.quality, table.why).where(
        table.community == community, table.round == round_id
    )
    return connection.execute(mine.order_by(table.member)).all()


def _circles(stood: Iterable[Any]) -> Mapping[int, list[str]]:
    found: defaultdict[int, list[str]] = defaultdict(list)
    for row in stood:
        if row.place is not None:
            found[row.place].append(row.member)
    return found


def _plan(stood: Sequence[Any], version: str, least: int) -> Plan:
    quality = {row.place: row.quality for row in stood if row.place is not None}
    circles = _circles(stood)
    left_out = {row.member: Why(row.why) for row in stood if row.place is None}
    matches = []
    for place in sorted(circles):
        if len(circles[place]) >= least:
            matches.append(Match(tuple(circles[place]), quality[place]))
        else:  # the others have been forgotten
            left_out.update(dict.fromkeys(circles[place], Why.NOT_ANY_MORE))
    return Plan(tuple(matches), dict(sorted(left_out.items())), version)
