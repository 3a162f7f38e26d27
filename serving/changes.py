"""Changes over HTTP: each is durable when it is acknowledged, and says how something is now."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from data.store.changes import (
    Change,
    DeleteBlock,
    DeleteGroup,
    DeleteMembership,
    DeletePost,
    PutBlock,
    PutMembership,
)
from data.store.connect import Store
from data.store.erasure import erase_member
from data.store.once import apply_once
from serving.bodies import (
    LINE,
    MAX_CHANGES,
    Accepted,
    AcceptedErasure,
    AcceptedMany,
    GroupBody,
    MemberBody,
    MembershipBody,
    PostBody,
    PreferencesBody,
)
from serving.errors import CHANGE_PROBLEMS, CHANGES_PROBLEMS, PROBLEMS
from serving.paths import (
    BLOCK,
    COMMUNITY,
    GROUP,
    MEMBER,
    MEMBERSHIP,
    POST,
    CommunityName,
    GroupId,
    MemberId,
    OtherId,
    PostId,
)
from serving.telling import Teller

LINES = "application/x-ndjson"

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Any string of yours. The same one with the same body is done once.",
    ),
]


def add_changes(app: FastAPI, store: Store | None, clock: Callable[[], float] = time.time) -> None:
    """Let platforms tell what has changed."""
    teller = Teller(store, clock)
    _add_members(app, teller)
    _add_groups(app, teller)
    _add_many(app, teller)


async def _told(teller: Teller, community: str, change: Change) -> Accepted:
    return Accepted(sequence=await teller.tell(community, [change]))


def _add_members(app: FastAPI, teller: Teller) -> None:
    def route(method: str, path: str, summary: str) -> Callable[..., Any]:
        return app.api_route(
            path, methods=[method], tags=["changes"], summary=summary, responses=CHANGE_PROBLEMS
        )

    @route("PUT", MEMBER + "/preferences", "What a member wants")
    async def put_preferences(
        community: CommunityName, member: MemberId, body: PreferencesBody
    ) -> Accepted:
        return await _told(teller, community, body.as_change(member))

    @route("PUT", BLOCK, "A member blocks another")
    async def put_block(community: CommunityName, member: MemberId, other: OtherId) -> Accepted:
        return await _told(teller, community, PutBlock(member, other))

    @route("DELETE", BLOCK, "A member no longer blocks another")
    async def delete_block(community: CommunityName, member: MemberId, other: OtherId) -> Accepted:
        return await _told(teller, community, DeleteBlock(member, other))

    @route("PUT", MEMBER, "A member is new, or their profile has changed")
    async def put_member(community: CommunityName, member: MemberId, body: MemberBody) -> Accepted:
        return await _told(teller, community, body.as_change(member))

    @app.delete(
        MEMBER, tags=["changes"], summary="Forget a member", responses=PROBLEMS, status_code=202
    )
    async def delete_member(community: CommunityName, member: MemberId) -> AcceptedErasure:
        found = await teller.writing(erase_member, teller.store, community, member, teller.clock())
        return AcceptedErasure(sequence=found.seq, erasure_id=found.id)


def _add_groups(app: FastAPI, teller: Teller) -> None:
    def route(method: str, path: str, summary: str) -> Callable[..., Any]:
        return app.api_route(
            path, methods=[method], tags=["changes"], summary=summary, responses=CHANGE_PROBLEMS
        )

    @route("PUT", MEMBERSHIP, "A member joins a group")
    async def put_membership(
        community: CommunityName,
        group: GroupId,
        member: MemberId,
        body: MembershipBody | None = None,
    ) -> Accepted:
        since = body.first_ts if body else None
        return await _told(teller, community, PutMembership(member, group, since))

    @route("DELETE", MEMBERSHIP, "A member leaves a group")
    async def delete_membership(
        community: CommunityName, group: GroupId, member: MemberId
    ) -> Accepted:
        return await _told(teller, community, DeleteMembership(member, group))

    @route("PUT", GROUP, "A group is new, or has changed")
    async def put_group(community: CommunityName, group: GroupId, body: GroupBody) -> Accepted:
        return await _told(teller, community, body.as_change(group))

    @route("DELETE", GROUP, "A group ends")
    async def delete_group(community: CommunityName, group: GroupId) -> Accepted:
        return await _told(teller, community, DeleteGroup(group))

    @route("PUT", POST, "A post is new, or has changed")
    async def put_post(community: CommunityName, post: PostId, body: PostBody) -> Accepted:
        return await _told(teller, community, body.as_change(post))

    @route("DELETE", POST, "A post is gone")
    async def delete_post(community: CommunityName, post: PostId) -> Accepted:
        return await _told(teller, community, DeletePost(post))


def _add_many(app: FastAPI, teller: Teller) -> None:
    lines = {"schema": {"type": "string", "description": "One `Change` a line, as JSON."}}

    @app.post(
        COMMUNITY + "/changes",
        tags=["changes"],
        summary="Many changes at once, all or none",
        responses=CHANGES_PROBLEMS,
        openapi_extra={"requestBody": {"required": True, "content": {LINES: lines}}},
    )
    async def post_changes(
        community: CommunityName, request: Request, key: IdempotencyKey = None
    ) -> AcceptedMany:
        body = await request.body()
        changes = changes_of(body)
        if key is None:
            head = await teller.tell(community, changes)
            return AcceptedMany(sequence=head, changes=len(changes), repeated=False)
        digest = hashlib.sha256(body).hexdigest()
        head, repeated = await teller.writing(
            apply_once, teller.store, community, changes, teller.clock(), (key, digest)
        )
        return AcceptedMany(sequence=head, changes=len(changes), repeated=repeated)


def changes_of(body: bytes) -> list[Change]:
    """Return the changes of JSON lines.

    Raises:
        RequestValidationError: There are too many or none, or one cannot be understood: where.
    """
    rows = [(place, line) for place, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    if not 1 <= len(rows) <= MAX_CHANGES:
        raise _invalid("body", f"expected 1 to {MAX_CHANGES} lines, got {len(rows)}")
    changes = []
    for place, line in rows:
        try:
            changes.append(LINE.validate_json(line).told())
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in ("line", place, *first["loc"]))
            raise _invalid(where, first["msg"]) from None
        except (UnicodeDecodeError, json.JSONDecodeError):
            raise _invalid(f"line.{place}", "not JSON") from None
    return changes


def _invalid(where: str, message: str) -> RequestValidationError:
    return RequestValidationError(
        [{"loc": where.split("."), "msg": message, "type": "value_error"}]
    )
