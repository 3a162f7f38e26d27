"""Whom and what Belong suggests: slates, pages of them, many at once, candidates in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from belong.client.answers import Batch, BatchAnswer, Ranked, Slate
from belong.client.call import Call, QueryValue, Repeat, given, json_of, path_in
from belong.client.filters import GroupFilters, MemberFilters
from belong.client.reading import read

BATCH_PATIENCE_S = 60.0
"""Seconds to wait for the slates of many members at least: they come all together."""


def groups_for(
    community: str,
    member: str,
    limit: int = 10,
    min_sequence: int = 0,
    filters: GroupFilters | None = None,
    again: str | None = None,
) -> Call[Slate]:
    """Return groups where a member would belong, best first.

    Args:
        community: Its name.
        member: The member's id.
        limit: Most suggestions wanted, 1 to 100.
        min_sequence: The change that must be known: the `sequence` of an acknowledgement.
        filters: Which groups are wanted; None for any.
        again: The `recommendation_id` of an earlier slate of the same sort for this member, none
            of whose items are wanted; `AbsentError` if it is not known, or not any more.
    """
    query = _query(limit, min_sequence, again=again)
    return _slate("groups", community, member, {**query, **given(filters)})


def members_for(
    community: str,
    member: str,
    limit: int = 10,
    min_sequence: int = 0,
    filters: MemberFilters | None = None,
    again: str | None = None,
) -> Call[Slate]:
    """Return people a member would be glad to meet, best first; arguments as of `groups_for`."""
    query = _query(limit, min_sequence, again=again)
    return _slate("members", community, member, {**query, **given(filters)})


def groups_first_page(
    community: str,
    member: str,
    limit: int = 10,
    min_sequence: int = 0,
    filters: GroupFilters | None = None,
    again: str | None = None,
) -> Call[Slate]:
    """Settle the order of up to 200 groups for a member, and return the first page of them.

    Its `cursor` leads to the next one, for 15 minutes; it is None on the last page. Arguments as
    of `groups_for`; `limit` is the most on one page.
    """
    query = _query(limit, min_sequence, again=again, pages=True)
    return _slate("groups", community, member, {**query, **given(filters)})


def members_first_page(
    community: str,
    member: str,
    limit: int = 10,
    min_sequence: int = 0,
    filters: MemberFilters | None = None,
    again: str | None = None,
) -> Call[Slate]:
    """Settle the order of up to 200 people for a member; otherwise as `groups_first_page`."""
    query = _query(limit, min_sequence, again=again, pages=True)
    return _slate("members", community, member, {**query, **given(filters)})


def groups_next_page(
    community: str, member: str, cursor: str, limit: int = 10, min_sequence: int = 0
) -> Call[Slate]:
    """Return the page of groups that follows; what may not be shown any more is left out.

    Args:
        community: Its name.
        member: The member for whom the first page was.
        cursor: Of the page before; `AbsentError` if it is too old.
        limit: Most suggestions on this page, 1 to 100.
        min_sequence: As of `groups_for`.
    """
    return _slate("groups", community, member, _query(limit, min_sequence, cursor=cursor))


def members_next_page(
    community: str, member: str, cursor: str, limit: int = 10, min_sequence: int = 0
) -> Call[Slate]:
    """Return the page of people that follows; otherwise as `groups_next_page`."""
    return _slate("members", community, member, _query(limit, min_sequence, cursor=cursor))


def groups_for_text(
    community: str, text: str, limit: int = 10, filters: GroupFilters | None = None
) -> Call[Slate]:
    """Return groups for someone known only by what they say.

    It is sent once only: a POST without an idempotency key.

    Args:
        community: Its name.
        text: What they say.
        limit: Most suggestions wanted, 1 to 100.
        filters: Which groups are wanted; None for any.
    """
    body = {"text": text, "limit": limit, **given(filters)}
    return _asked(path_in(community, "recommendations", "groups"), body)


def members_for_text(
    community: str,
    text: str,
    limit: int = 10,
    audience: str | None = None,
    filters: MemberFilters | None = None,
) -> Call[Slate]:
    """Return people for someone known only by what they say.

    Args:
        community: Its name.
        text: What they say.
        limit: Most suggestions wanted, 1 to 100.
        audience: Their band, such as adult. Where a community has bands, people of the same band
            are suggested and, if none is given, nobody.
        filters: Which people are wanted; None for any.
    """
    band = {} if audience is None else {"audience": audience}
    body = {"text": text, "limit": limit, **band, **given(filters)}
    return _asked(path_in(community, "recommendations", "members"), body)


def groups_for_many(
    community: str, members: Iterable[str], limit: int = 10, min_sequence: int = 0
) -> Call[tuple[BatchAnswer, ...]]:
    """Return groups for each of many members, such as for a digest.

    It is sent once only, and waited for a minute at least.

    Args:
        community: Its name.
        members: 1 to 1,000 ids. Who is unknown has a problem in place of a slate.
        limit: Most suggestions for each, 1 to 25.
        min_sequence: As of `groups_for`.

    Returns:
        An answer for each, in their order.
    """
    return _batch("groups", community, members, limit, min_sequence)


def members_for_many(
    community: str, members: Iterable[str], limit: int = 10, min_sequence: int = 0
) -> Call[tuple[BatchAnswer, ...]]:
    """Return people for each of many members; otherwise as `groups_for_many`."""
    return _batch("members", community, members, limit, min_sequence)


def rank_groups(
    community: str, member: str, candidates: Iterable[str], min_sequence: int = 0
) -> Call[Ranked]:
    """Return groups of the caller's choice in the order that suits a member.

    It is sent once only.

    Args:
        community: Its name.
        member: The member's id.
        candidates: 1 to 500 ids. What is unknown or may not be shown is `left_out`.
        min_sequence: As of `groups_for`.
    """
    return _ranked("groups", community, member, candidates, min_sequence)


def rank_members(
    community: str, member: str, candidates: Iterable[str], min_sequence: int = 0
) -> Call[Ranked]:
    """Return people of the caller's choice in the order that suits a member, as `rank_groups`."""
    return _ranked("members", community, member, candidates, min_sequence)


def members_to_invite(
    community: str, group: str, limit: int = 10, min_sequence: int = 0
) -> Call[Slate]:
    """Return people whom the host of a group might invite. It takes a host's key.

    Args:
        community: Its name.
        group: The group's id.
        limit: Most suggestions wanted, 1 to 100.
        min_sequence: As of `groups_for`.
    """
    path = path_in(community, "groups", group, "recommendations", "members")
    return Call("GET", path, partial(read, Slate), _query(limit, min_sequence))


def _query(limit: int, min_sequence: int, **more: QueryValue) -> dict[str, QueryValue]:
    return {"limit": limit, "min_sequence": min_sequence, **more}


def _slate(kind: str, community: str, member: str, query: Mapping[str, QueryValue]) -> Call[Slate]:
    path = path_in(community, "members", member, "recommendations", kind)
    return Call("GET", path, partial(read, Slate), query)


def _asked(path: str, body: Mapping[str, object]) -> Call[Slate]:
    return Call("POST", path, partial(read, Slate), content=json_of(body), repeat=Repeat.NEVER)


def _batch(
    kind: str, community: str, members: Iterable[str], limit: int, min_sequence: int
) -> Call[tuple[BatchAnswer, ...]]:
    return Call(
        "POST",
        path_in(community, "recommendations", "batch"),
        lambda answer: read(Batch, answer).answers,
        {"min_sequence": min_sequence},
        json_of({"members": list(members), "purpose": kind, "limit": limit}),
        repeat=Repeat.NEVER,
        patience_s=BATCH_PATIENCE_S,
    )


def _ranked(
    kind: str, community: str, member: str, candidates: Iterable[str], min_sequence: int
) -> Call[Ranked]:
    return Call(
        "POST",
        path_in(community, "rank", kind),
        partial(read, Ranked),
        {"min_sequence": min_sequence},
        json_of({"member": member, "candidates": list(candidates)}),
        repeat=Repeat.NEVER,
    )
