"""Who might answer a post, which posts wait for an answer, and which conversations to join."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from belong.client.answers import Slate
from belong.client.call import Call, Repeat, json_of, path_in
from belong.client.open_posts import OpenPosts, PostsToJoin
from belong.client.reading import read


def responders_to_post(
    community: str, post: str, limit: int = 5, min_sequence: int = 0
) -> Call[Slate]:
    """Return the members who are likely to answer a post well, best first.

    Args:
        community: Its name.
        post: The id of a public post that begins a conversation.
        limit: Most people wanted, 3 to 10.
        min_sequence: As of `asking.groups_for`.
    """
    path = path_in(community, "posts", post, "recommendations", "members")
    return Call("GET", path, partial(read, Slate), {"limit": limit, "min_sequence": min_sequence})


def responders_to_text(  # noqa: PLR0913 - what a question is
    community: str,
    text: str,
    limit: int = 5,
    title: str = "",
    groups: Iterable[str] = (),
    member: str | None = None,
    audience: str | None = None,
    min_sequence: int = 0,
) -> Call[Slate]:
    """Return the members who are likely to answer something that has not been posted yet.

    It is sent once only.

    Args:
        community: Its name.
        text: What is asked.
        limit: Most people wanted, 3 to 10.
        title: Its title.
        groups: Ids of the public groups in which it is to be asked.
        member: Who asks, if they are a member.
        audience: The band of somebody who is none. Where a community has bands, people of the
            same band are named and, if none is given, nobody.
        min_sequence: As of `asking.groups_for`.
    """
    told = {"member": member, "audience": audience}
    body = {"title": title, "text": text, "groups": list(groups), "limit": limit}
    return Call(
        "POST",
        path_in(community, "recommendations", "responders"),
        partial(read, Slate),
        {"min_sequence": min_sequence},
        json_of(body | {name: one for name, one in told.items() if one is not None}),
        repeat=Repeat.NEVER,
    )


def unanswered_posts(
    community: str, limit: int = 10, member: str | None = None, min_sequence: int = 0
) -> Call[OpenPosts]:
    """Return public posts that nobody has answered: newcomers' first.

    Args:
        community: Its name.
        limit: Most posts wanted, 1 to 100.
        member: Who looks: what they may not see, wrote or muted is left out.
        min_sequence: As of `asking.groups_for`.
    """
    query = {"limit": limit, "member": member, "min_sequence": min_sequence}
    return Call("GET", path_in(community, "posts", "unanswered"), partial(read, OpenPosts), query)


def posts_to_join(
    community: str, member: str, limit: int = 10, min_sequence: int = 0
) -> Call[PostsToJoin]:
    """Return conversations in which a member's voice fits and is wanted, best first.

    Args:
        community: Its name.
        member: The member's id.
        limit: Most posts wanted, 1 to 100.
        min_sequence: As of `asking.groups_for`.
    """
    path = path_in(community, "members", member, "recommendations", "posts")
    query = {"limit": limit, "min_sequence": min_sequence}
    return Call("GET", path, partial(read, PostsToJoin), query)
