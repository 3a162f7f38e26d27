"""Taking a member out of every table, and their name out of the log."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    or_,
    select,
    update,
)

from data.store.log import Kind
from data.store.rows import parts
from data.store.schema import (
    authors,
    blocks,
    feedback,
    idempotency,
    introductions,
    jobs,
    log,
    members,
    memberships,
    pages,
    participations,
    post_groups,
    posts,
    round_places,
    served,
    ties,
    vectors,
)
from engine.facts import OF_MEMBER, Written

Tombstone = Callable[[Written, str], str]
"""An id and what it is of -> what stands in its place."""

NAMED_AT_ONCE = 50
"""Ids looked for in one reading of what was served."""

_BY_KEY = (
    Kind.MEMBER,
    Kind.MEMBERSHIP,
    Kind.BLOCK,
    Kind.TIE,
    Kind.SET_ASIDE_GROUP,
    Kind.SET_ASIDE_MEMBER,
    Kind.HIDDEN,
    Kind.INTRODUCED,
)
_BY_OTHER = (Kind.BLOCK, Kind.TIE, Kind.SET_ASIDE_MEMBER, Kind.INTRODUCED)


def forget(connection: Connection, community: str, member: str, tombstone: Tombstone) -> list[str]:
    """Delete a member and whatever holds them.

    Args:
        connection: In whose transaction; it has the community's turn.
        community: Whose member.
        member: Their id.
        tombstone: What stands in the log in place of an id.

    Returns:
        The posts that stay but have changed: they helped write them or took part.
    """
    theirs = _posts_of(connection, community, authors, member)
    joined = _posts_of(connection, community, participations, member)
    alone = _written_alone(connection, community, theirs, member)
    changed = sorted((theirs | joined) - alone)
    _delete_posts(connection, community, alone)
    gone: list[tuple[Table, ColumnElement[bool]]] = [
        (authors, authors.c.member == member),
        (participations, participations.c.member == member),
        (memberships, memberships.c.member == member),
        (blocks, or_(blocks.c.member == member, blocks.c.other == member)),
        (ties, or_(ties.c.a == member, ties.c.b == member)),
        (vectors, vectors.c.kind.in_(OF_MEMBER) & (vectors.c.id == member)),
        (feedback, feedback.c.member == member),
        (feedback, (feedback.c.item == member) & (feedback.c.item_kind == Written.MEMBER.value)),
        (introductions, introductions.c.receiver == member),
        (introductions, introductions.c.other == member),
        (round_places, round_places.c.member == member),
        (served, served.c.member == member),
        (jobs, cast(jobs.c.payload, Text).contains(_in_json(member), autoescape=True)),
        (members, members.c.id == member),
    ]
    for table, which in gone:
        connection.execute(delete(table).where(table.c.community == community, which))
    _take_out_of_slates(connection, community, [member, *sorted(alone)])
    # They live for minutes: whoever goes through pages begins anew.
    connection.execute(delete(pages).where(pages.c.community == community))
    bodies = update(idempotency).where(idempotency.c.community == community)
    connection.execute(bodies.values(body=None))
    _redact(connection, community, member, alone, tombstone)
    return changed


def without(value: Any, gone: Collection[str]) -> Any:  # noqa: ANN401 - any JSON
    """Return a JSON value without ids: entries that are one, or records that hold one, go.

    >>> without([{"item": "ann", "rank": 1}, {"item": "bo", "rank": 2}], {"ann"})
    [{'item': 'bo', 'rank': 2}]
    >>> without({"exclude": ["ann", "bo"], "k": 3}, {"ann"})
    {'exclude': ['bo'], 'k': 3}
    """
    if isinstance(value, list):
        return [without(part, gone) for part in value if not _is_about(part, gone)]
    if isinstance(value, dict):
        return {
            key: without(part, gone)
            for key, part in value.items()
            if key not in gone and not (isinstance(part, str) and part in gone)
        }
    return value


def _is_about(part: Any, gone: Collection[str]) -> bool:  # noqa: ANN401 - any JSON
    """Return whether an entry of a list is one of the ids, or a record with one in it."""
    if isinstance(part, dict):
        return any(key in gone or _is_about(inner, gone) for key, inner in part.items())
    if isinstance(part, list):
        return any(_is_about(inner, gone) for inner in part)
    return isinstance(part, str) and part in gone


def _in_json(one: str) -> str:
    """Return a string as it stands inside a stored JSON text."""
    return json.dumps(one)


def _posts_of(connection: Connection, community: str, table: Table, member: str) -> set[str]:
    mine = select(table.c.post).where(table.c.community == community, table.c.member == member)
    return set(connection.scalars(mine))


def _written_alone(
    connection: Connection, community: str, theirs: Collection[str], member: str
) -> set[str]:
    with_others: set[str] = set()
    for part in parts(theirs):
        others = select(authors.c.post).where(
            authors.c.community == community, authors.c.post.in_(part), authors.c.member != member
        )
        with_others |= set(connection.scalars(others))
    return set(theirs) - with_others


def _delete_posts(connection: Connection, community: str, ids: Collection[str]) -> None:
    for part in parts(sorted(ids)):
        answers = update(posts).where(posts.c.community == community, posts.c.parent.in_(part))
        connection.execute(answers.values(parent=None))
        gone: Iterable[tuple[Table, ColumnElement[bool]]] = (
            (authors, authors.c.post.in_(part)),
            (post_groups, post_groups.c.post.in_(part)),
            (participations, participations.c.post.in_(part)),
            (vectors, (vectors.c.kind == Written.POST.value) & vectors.c.id.in_(part)),
            (feedback, feedback.c.item.in_(part) & (feedback.c.item_kind == Written.POST.value)),
            (posts, posts.c.id.in_(part)),
        )
        for table, which in gone:
            connection.execute(delete(table).where(table.c.community == community, which))


def _take_out_of_slates(connection: Connection, community: str, ids: list[str]) -> None:
    """Take ids out of what others were shown, and out of what they asked."""
    items, request = served.c["items"], served.c.request
    for start in range(0, len(ids), NAMED_AT_ONCE):
        part = set(ids[start : start + NAMED_AT_ONCE])
        named = [
            cast(column, Text).contains(_in_json(one), autoescape=True)
            for one in part
            for column in (items, request)
        ]
        mine = served.c.community == community
        for row in connection.execute(select(served).where(mine, or_(*named))).mappings().all():
            slate = served.c.recommendation_id == row["recommendation_id"]
            left = {name: without(row[name], part) for name in ("items", "request")}
            connection.execute(update(served).where(mine, slate).values(left))


def _redact(
    connection: Connection,
    community: str,
    member: str,
    alone: Collection[str],
    tombstone: Tombstone,
) -> None:
    """Put a tombstone in place of every name in the log, keeping its number."""
    key, other, mine = log.c.key, log.c.other, log.c.community == community
    named = or_(
        (key == member) & log.c.kind.in_([kind.value for kind in _BY_KEY]),
        (key == member) & _is_vector_of(*OF_MEMBER),
        (other == member) & log.c.kind.in_([kind.value for kind in _BY_OTHER]),
    )
    grave = {"kind": Kind.ERASED.value, "other": ""}
    digest = tombstone(Written.MEMBER, member)
    connection.execute(update(log).where(mine, named).values(key=digest, **grave))
    of_post = (log.c.kind == Kind.POST.value) | _is_vector_of(Written.POST)
    buried = update(log).where(mine, key == bindparam("post"), of_post)
    stones = [{"post": one, "digest": tombstone(Written.POST, one)} for one in sorted(alone)]
    if stones:
        connection.execute(buried.values(key=bindparam("digest"), **grave), stones)


def _is_vector_of(*kinds: Written) -> ColumnElement[bool]:
    # Not `in_`: it cannot be asked for many posts in one go.
    named = or_(*(log.c.other == kind.value for kind in kinds))
    return (log.c.kind == Kind.VECTOR.value) & named
