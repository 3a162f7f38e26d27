"""What each change does to a community."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from itertools import groupby

from sqlalchemy import Table

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
from data.store.draft import Draft
from data.store.erasure import erase_within
from data.store.log import Turn
from data.store.rows import Row
from data.store.schema import (
    authors,
    blocks,
    groups,
    members,
    memberships,
    participations,
    post_groups,
    posts,
)
from engine.domain import ANY_BAND, Visibility
from engine.errors import UnknownReferenceError

OPEN = Visibility.PUBLIC.value
STRICTEST = (Visibility.SECRET.value, Visibility.PRIVATE.value, OPEN)

NEW_MEMBER: Row = {
    "audience": ANY_BAND,
    "created_ts": None,
    "discoverable": True,
    "open_to_introductions": True,
    "weekly_introductions": 5.0,
    "muted_groups": None,
    "muted_topics": None,
    "extra": None,
}
"""What holds of a member before they have said anything."""


def take_effect(turn: Turn, changes: Sequence[Change]) -> None:
    """Make checked changes so, in order.

    Raises:
        UnknownReferenceError: A change names a member or a group that is not there.
    """
    numbered = enumerate(changes)
    # Forgetting reaches beyond what a draft holds, so it divides what comes before and after it.
    for forgets, run in groupby(numbered, lambda one: isinstance(one[1], DeleteMember)):
        if forgets:
            for _, change in run:
                assert isinstance(change, DeleteMember)
                erase_within(turn, change.id)
            continue
        draft, together = Draft(turn), list(run)
        _look(draft, [change for _, change in together])
        for index, change in together:
            _effect(change, draft, index)
        draft.save()


def _look(draft: Draft, changes: list[Change]) -> None:
    """Read everything the changes touch or refer to."""

    def ids(kind: type[PutMember | PutGroup | DeleteGroup | DeletePost]) -> list[str]:
        return [change.id for change in changes if isinstance(change, kind)]

    ended, deleted = ids(DeleteGroup), ids(DeletePost)
    written = [change for change in changes if isinstance(change, PutPost)]
    wishes = [change.member for change in changes if isinstance(change, PutPreferences)]
    joins = [change for change in changes if isinstance(change, PutMembership | DeleteMembership)]
    refusals = [change for change in changes if isinstance(change, PutBlock | DeleteBlock)]
    draft.look(members, [(one,) for one in (*ids(PutMember), *wishes)])
    draft.look(groups, [(one,) for one in (*ids(PutGroup), *ended)])
    draft.look(memberships, [(change.member, change.group) for change in joins])
    draft.look(blocks, [(change.member, change.other) for change in refusals])
    draft.look_inside(ended)
    draft.look_at_posts([*(post.id for post in written), *deleted])
    draft.look_at_answers(deleted)
    people = [one for post in written for one in (*post.members, *post.participants)]
    sides = [one for change in refusals for one in (change.member, change.other)]
    draft.look_for(members, [*people, *sides, *(change.member for change in joins)])
    places = [one for post in written for one in post.groups]
    draft.look_for(groups, [*places, *(change.group for change in joins)])
    draft.look_for(posts, [post.parent for post in written if post.parent is not None])


def _require(draft: Draft, table: Table, one: str, index: int) -> None:
    if not draft.there(table, one):
        kind = table.name.removesuffix("s")
        raise UnknownReferenceError(f"change {index}: there is no {kind} {one!r}; tell of it first")


@singledispatch
def _effect(change: Change, draft: Draft, index: int) -> None:
    raise TypeError(f"change {index} is a {type(change).__name__}, which is no change")


@_effect.register
def _(change: PutMember, draft: Draft, index: int) -> None:
    was = draft.row(members, change.id)
    if change.audience is not None:
        draft.turn.bands = True
    created = change.created_ts
    if created is None:
        created = draft.turn.now if was is None else was["created_ts"]
    draft.put(
        members,
        {
            **(was or NEW_MEMBER),
            "id": change.id,
            "name": change.name,
            "text": change.text,
            "seeking": change.seeking,
            "offering": change.offering,
            "language": change.language,
            "place": change.place,
            "audience": change.audience or (None if draft.turn.bands else ANY_BAND),
            "created_ts": created,
        },
    )


@_effect.register
def _(change: PutPreferences, draft: Draft, index: int) -> None:
    _require(draft, members, change.member, index)
    told = {
        "discoverable": change.discoverable,
        "open_to_introductions": change.open_to_introductions,
        "weekly_introductions": change.weekly_introductions,
        "muted_topics": None if change.muted_topics is None else list(change.muted_topics),
        "muted_groups": None if change.muted_groups is None else list(change.muted_groups),
    }
    was = draft.row(members, change.member) or {}
    draft.put(members, {**was, **{name: one for name, one in told.items() if one is not None}})


@_effect.register
def _(change: PutGroup, draft: Draft, index: int) -> None:
    was = draft.row(groups, change.id)
    created = change.created_ts
    if created is None:
        created = draft.turn.now if was is None else was["created_ts"]
    draft.put(
        groups,
        {
            "id": change.id,
            "name": change.name,
            "text": change.text,
            "visibility": change.visibility,
            "capacity": change.capacity,
            "language": change.language,
            "place": change.place,
            "created_ts": created,
            "extra": None if was is None else was["extra"],
        },
    )


@_effect.register
def _(change: DeleteGroup, draft: Draft, index: int) -> None:
    group = draft.row(groups, change.id)
    if group is None:
        return
    for key, row in draft.rows(memberships):
        if row["group"] == change.id:
            draft.drop(memberships, *key)
    for (post,), row in draft.rows(posts):
        standing = draft.linked(post_groups, post)
        if change.id in standing:
            draft.link(post_groups, post, standing - {change.id})
            seen = min(row["visibility"], group["visibility"], key=STRICTEST.index)
            draft.put(posts, {**row, "visibility": seen})
    draft.drop(groups, change.id)


@_effect.register
def _(change: PutPost, draft: Draft, index: int) -> None:
    for member in (*change.members, *change.participants):
        _require(draft, members, member, index)
    for group in change.groups:
        _require(draft, groups, group, index)
    was = draft.row(posts, change.id)
    written = change.ts
    if written is None:
        written = draft.turn.now if was is None else was["ts"]
    known = change.parent not in (None, change.id) and draft.there(posts, str(change.parent))
    draft.put(
        posts,
        {
            "id": change.id,
            "title": change.title,
            "text": change.text,
            "visibility": change.visibility,
            "ts": written,
            "parent": change.parent if known else None,
            "extra": None if was is None else was["extra"],
        },
    )
    draft.link(authors, change.id, change.members)
    draft.link(post_groups, change.id, change.groups)
    draft.link(participations, change.id, {*change.participants} - {*change.members})


@_effect.register
def _(change: DeletePost, draft: Draft, index: int) -> None:
    if draft.row(posts, change.id) is None:
        return
    for _, row in draft.rows(posts):
        if row["parent"] == change.id:
            draft.put(posts, {**row, "parent": None})
    draft.drop(posts, change.id)


@_effect.register
def _(change: PutMembership, draft: Draft, index: int) -> None:
    _require(draft, members, change.member, index)
    _require(draft, groups, change.group, index)
    was = draft.row(memberships, change.member, change.group)
    times: Row = {"first_ts": draft.turn.now, "n": None, **(was or {}), "left_ts": None}
    if change.first_ts is not None:
        came_back = was is not None and was["left_ts"] is not None and was["first_ts"] is not None
        times["first_ts"] = (
            min(change.first_ts, times["first_ts"]) if came_back else change.first_ts
        )
    draft.put(memberships, {**times, "member": change.member, "group": change.group})


@_effect.register
def _(change: DeleteMembership, draft: Draft, index: int) -> None:
    was = draft.row(memberships, change.member, change.group)
    if was is not None and was["left_ts"] is None:
        draft.put(memberships, {**was, "left_ts": draft.turn.now})


@_effect.register
def _(change: PutBlock, draft: Draft, index: int) -> None:
    _require(draft, members, change.member, index)
    _require(draft, members, change.other, index)
    draft.put(blocks, {"member": change.member, "other": change.other})


@_effect.register
def _(change: DeleteBlock, draft: Draft, index: int) -> None:
    draft.drop(blocks, change.member, change.other)
