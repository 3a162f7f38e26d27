"""Each thing that can be asked of Belong, as a value: what is sent, and how the answer is read.

The clients send these; nothing about a request is written down twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import Enum, auto
from functools import partial
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from belong.client import changes as told
from belong.client.answers import (
    Acknowledged,
    Communities,
    Community,
    Erasure,
    ErasureBegun,
    FeedbackAcknowledged,
    ManyAcknowledged,
    Slate,
)
from belong.client.changes import Change, Group, Post, Preferences, Profile
from belong.client.feedback import Feedback
from belong.client.reading import read

T = TypeVar("T")

JSON, LINES = "application/json", "application/x-ndjson"


class Repeat(Enum):
    """Whether a request may be sent again when nobody knows what became of it."""

    HARMLESS = auto()
    UNDER_ONE_KEY = auto()
    NEVER = auto()


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request and the reading of its answer.

    Attributes:
        method: Of HTTP.
        path: Percent-encoded, from the root of Belong.
        read: Makes the answer of what `json.loads` returned; raises `ShapeError`.
        query: Names and values.
        content: The body, None for none.
        content_type: Of the body.
        repeat: Whether it may be sent again.
        idempotency_key: Under which it is sent; the client makes one where `repeat` needs it.
    """

    method: str
    path: str
    read: Callable[[object], T]
    query: Mapping[str, int] | None = None
    content: bytes | None = None
    content_type: str = JSON
    repeat: Repeat = Repeat.HARMLESS
    idempotency_key: str | None = None


def groups_for(community: str, member: str, limit: int = 10, min_sequence: int = 0) -> Call[Slate]:
    """Return groups where a member would belong, best first.

    Args:
        community: Its name.
        member: The member's id.
        limit: Most suggestions wanted, 1 to 100.
        min_sequence: The change that must be known: the `sequence` of an acknowledgement.
    """
    return _slate_for("groups", community, member, limit, min_sequence)


def members_for(community: str, member: str, limit: int = 10, min_sequence: int = 0) -> Call[Slate]:
    """Return people a member would be glad to meet, best first; arguments as of `groups_for`."""
    return _slate_for("members", community, member, limit, min_sequence)


def groups_for_text(community: str, text: str, limit: int = 10) -> Call[Slate]:
    """Return groups for someone known only by what they say.

    It is sent once only: a POST without an idempotency key.
    """
    return _slate_of("groups", community, {"text": text, "limit": limit})


def members_for_text(
    community: str, text: str, limit: int = 10, audience: str | None = None
) -> Call[Slate]:
    """Return people for someone known only by what they say.

    Args:
        community: Its name.
        text: What they say.
        limit: Most suggestions wanted, 1 to 100.
        audience: Their band, such as adult. Where a community has bands, people of the same band
            are suggested and, if none is given, nobody.
    """
    body = {"text": text, "limit": limit, "audience": audience}
    return _slate_of("members", community, body)


def communities() -> Call[tuple[Community, ...]]:
    """Return the communities that are served and that the key may see."""
    return Call("GET", "/v1/communities", lambda answer: read(Communities, answer).communities)


def put_member(community: str, member: str, profile: Profile) -> Call[Acknowledged]:
    """Tell that a member is new or has changed their profile; their preferences stay."""
    return _change(community, told.PutMember(member, profile))


def delete_member(community: str, member: str) -> Call[ErasureBegun]:
    """Have a member forgotten, with all that is held on them."""
    change = told.DeleteMember(member)
    path = _path(community, *change.path())
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
        _path(community, "changes"),
        partial(read, ManyAcknowledged),
        content=b"\n".join(_json(change.line()) for change in changes),
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
        _path(community, "feedback"),
        partial(read, FeedbackAcknowledged),
        content=_json([asdict(event) for event in events]),
        repeat=Repeat.UNDER_ONE_KEY,
    )


def erasure(community: str, erasure_id: str) -> Call[Erasure]:
    """Return the receipt of someone's being forgotten. It takes an operator's key."""
    return Call("GET", _path(community, "erasures", erasure_id), partial(read, Erasure))


def export_member(community: str, member: str) -> Call[Mapping[str, object]]:
    """Return all that is held on a member. It takes an operator's key."""
    return Call("GET", _path(community, "members", member, "export"), _mapping)


def segment(name: str) -> str:
    """Return an id as one segment of a path, whatever it holds.

    >>> segment("a/b?"), segment(".."), segment("café")
    ('a%2Fb%3F', '%2E%2E', 'caf%C3%A9')
    """
    # A path loses `.` and `..` on its way: they go encoded.
    return quote(name.encode("utf-8", "surrogatepass"), safe="").replace(".", "%2E")


def _path(community: str, *segments: str) -> str:
    return "/v1/communities/" + "/".join(segment(one) for one in (community, *segments))


def _json(value: object) -> bytes:
    return json.dumps(value, allow_nan=False).encode("ascii")


def _mapping(answer: object) -> Mapping[str, object]:
    return read(Mapping[str, object], answer)  # type: ignore[type-abstract]


def _slate_for(
    kind: str, community: str, member: str, limit: int, min_sequence: int
) -> Call[Slate]:
    path = _path(community, "members", member, "recommendations", kind)
    query = {"limit": limit, "min_sequence": min_sequence}
    return Call("GET", path, partial(read, Slate), query)


def _slate_of(kind: str, community: str, body: Mapping[str, Any]) -> Call[Slate]:
    return Call(
        "POST",
        _path(community, "recommendations", kind),
        partial(read, Slate),
        content=_json({name: value for name, value in body.items() if value is not None}),
        repeat=Repeat.NEVER,
    )


def _change(community: str, change: Change) -> Call[Acknowledged]:
    body = change.body()
    return Call(
        change.method,
        _path(community, *change.path()),
        partial(read, Acknowledged),
        content=None if body is None else _json(body),
    )
