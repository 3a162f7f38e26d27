"""What Belong is told: what has changed, and what became of suggestions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from functools import partial

from belong.client import changes as told
from belong.client.answers import (
    Acknowledged,
    ErasureBegun,
    FeedbackAcknowledged,
    ManyAcknowledged,
)
from belong.client.call import LINES, Call, Repeat, json_of, path_in
from belong.client.changes import Change, Group, Post, Preferences, Profile
from belong.client.feedback import Feedback
from belong.client.reading import read


def put_member(community: str, member: str, profile: Profile) -> Call[Acknowledged]:
    """Tell that a member is new or has changed their profile; their preferences stay."""
    return _change(community, told.PutMember(member, profile))


def delete_member(community: str, member: str) -> Call[ErasureBegun]:
    """Have a member forgotten, with all that is held on them."""
    change = told.DeleteMember(member)
    path = path_in(community, *change.path())
    return Call(change.method, path, partial(read, ErasureBegun))


def put_preferences(community: str, member: str, preferences: Preferences) -> Call[Acknowledged]:
    """Tell what a member wants; what is None stays as it is."""
    return _change(community, told.PutPreferences(member, preferences))


def block(community: str, member: str, other: str) -> Call[Acknowledged]:
    """Tell that a member does not want to meet another, nor to be shown to them."""
    return _change(community, told.Block(member, other))


def unblock(community: str, member: str, other: str) -> Call[Acknowledged]:
    """Tell that a member takes a block back."""
    return _change(community, told.Unblock(member, other))


def put_group(community: str, group: str, about: Group) -> Call[Acknowledged]:
    """Tell that a group is new or has changed."""
    return _change(community, told.PutGroup(group, about))


def delete_group(community: str, group: str) -> Call[Acknowledged]:
    """Tell that a group has ended."""
    return _change(community, told.DeleteGroup(group))


def join(
    community: str, member: str, group: str, since_ts: float | None = None
) -> Call[Acknowledged]:
    """Tell that a member has joined a group; since when, in unix seconds, if not now."""
    return _change(community, told.Join(member, group, since_ts))


def leave(community: str, member: str, group: str) -> Call[Acknowledged]:
    """Tell that a member has left a group."""
    return _change(community, told.Leave(member, group))


def put_post(community: str, post: str, about: Post) -> Call[Acknowledged]:
    """Tell that a post is new or has changed."""
    return _change(community, told.PutPost(post, about))


def delete_post(community: str, post: str) -> Call[Acknowledged]:
    """Tell that a post is gone."""
    return _change(community, told.DeletePost(post))


def send_changes(
    community: str, changes: Iterable[Change], idempotency_key: str | None = None
) -> Call[ManyAcknowledged]:
    """Tell many changes at once, in their order: all are made or none.

    Args:
        community: Its name.
        changes: 1 to 1,000, together up to 5 MB.
        idempotency_key: What stands for these very changes, 1 to 255 visible ASCII characters;
            give one to be able to send them again in another call. The client makes one of its
            own otherwise, so that its retries make them once.
    """
    return Call(
        "POST",
        path_in(community, "changes"),
        partial(read, ManyAcknowledged),
        content=b"\n".join(json_of(change.line()) for change in changes),
        content_type=LINES,
        repeat=Repeat.UNDER_ONE_KEY,
        idempotency_key=idempotency_key,
    )


def feedback(community: str, events: Iterable[Feedback]) -> Call[FeedbackAcknowledged]:
    """Tell what became of suggestions; an event that is told again counts once.

    Args:
        community: Its name.
        events: 1 to 1,000.
    """
    return Call(
        "POST",
        path_in(community, "feedback"),
        partial(read, FeedbackAcknowledged),
        content=json_of([asdict(event) for event in events]),
    )


def _change(community: str, change: Change) -> Call[Acknowledged]:
    body = change.body()
    return Call(
        change.method,
        path_in(community, *change.path()),
        partial(read, Acknowledged),
        content=None if body is None else json_of(body),
    )
