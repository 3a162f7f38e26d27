"""Whether the values of a change are within their limits, before anything is looked up."""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch

from data.store.changes import (
    Change,
    DeleteBlock,
    DeleteGroup,
    DeleteMember,
    DeleteMembership,
    DeletePost,
    PutBlock,
    PutGroup,
    PutMember,
    PutMembership,
    PutPost,
    PutPreferences,
)
from data.store.values import (
    MOST_MUTED,
    checked_band,
    checked_id,
    checked_number,
    checked_text,
    checked_time,
    checked_visibility,
)
from engine.errors import DataError


def checked(index: int, change: Change, now: float) -> Change:
    """Return a change with every value as the store keeps it.

    Args:
        index: Its place among its likes, for the message.
        change: As it was told.
        now: Unix seconds, by which dates are judged.

    Raises:
        DataError: A value is out of its limits; the message begins with the index.
    """
    try:
        return _checked(change, now)
    except DataError as error:
        raise DataError(f"change {index}: {error}") from error


@singledispatch
def _checked(change: Change, now: float) -> Change:
    raise TypeError(f"{type(change).__name__} at {now} is no change")


@_checked.register
def _(change: PutMember, now: float) -> Change:
    checked_id(change.id, "member")
    return replace(
        change,
        **{
            name: checked_text(getattr(change, name), name)
            for name in ("name", "text", "seeking", "offering", "language", "place")
        },
        audience=checked_band(change.audience),
        created_ts=checked_time(change.created_ts, "created_ts", now),
    )


@_checked.register
def _(change: PutGroup, now: float) -> Change:
    checked_id(change.id, "group")
    texts = {
        name: checked_text(getattr(change, name), name)
        for name in ("name", "text", "language", "place")
    }
    return replace(
        change,
        # As when a folder is read; or else a folder would not come back as it was written.
        **{**texts, "name": texts["name"] or checked_text(change.id, "name")},
        visibility=checked_visibility(change.visibility),
        capacity=checked_number(change.capacity, "capacity"),
        created_ts=checked_time(change.created_ts, "created_ts", now),
    )


@_checked.register
def _(change: PutPost, now: float) -> Change:
    checked_id(change.id, "post")
    for member in (*change.members, *change.participants):
        checked_id(member, "member")
    for group in change.groups:
        checked_id(group, "group")
    if change.parent is not None:
        checked_id(change.parent, "post")
    return replace(
        change,
        title=checked_text(change.title, "title"),
        text=checked_text(change.text, "text"),
        ts=checked_time(change.ts, "ts", now),
        visibility=checked_visibility(change.visibility),
    )


@_checked.register
def _(change: PutMembership, now: float) -> Change:
    checked_id(change.member, "member")
    checked_id(change.group, "group")
    return replace(change, first_ts=checked_time(change.first_ts, "first_ts", now))


@_checked.register
def _(change: PutBlock, now: float) -> Change:
    checked_id(change.member, "member")
    checked_id(change.other, "member")
    if change.member == change.other:
        raise DataError("a member cannot block themself")
    return change


@_checked.register
def _(change: PutPreferences, now: float) -> Change:
    checked_id(change.member, "member")
    topics, muted = change.muted_topics, change.muted_groups
    for what, several in (("muted_topics", topics), ("muted_groups", muted)):
        if several is not None and len(several) > MOST_MUTED:
            raise DataError(f"{what} holds {len(several)}, more than the {MOST_MUTED} allowed")
    return replace(
        change,
        weekly_introductions=checked_number(change.weekly_introductions, "weekly_introductions"),
        muted_topics=None if topics is None else tuple(checked_id(t, "topic") for t in topics),
        muted_groups=None if muted is None else tuple(checked_id(g, "group") for g in muted),
    )


@_checked.register(DeleteMember)
@_checked.register(DeleteGroup)
@_checked.register(DeletePost)
def _(change: DeleteMember | DeleteGroup | DeletePost, now: float) -> Change:
    checked_id(change.id, type(change).__name__.removeprefix("Delete").lower())
    return change


@_checked.register
def _(change: DeleteMembership, now: float) -> Change:
    checked_id(change.member, "member")
    checked_id(change.group, "group")
    return change


@_checked.register
def _(change: DeleteBlock, now: float) -> Change:
    checked_id(change.member, "member")
    checked_id(change.other, "member")
    return change
