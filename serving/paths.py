"""The paths of the interface, and the parameters they share."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, unquote_to_bytes

from fastapi import Path, Query
from starlette.convertors import Convertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.settings import MAX_LIMIT


class Id(Convertor[str]):
    """One segment of a path, percent-decoded: ids are any strings, slashes included."""

    regex = "[^/]*"

    def convert(self, value: str) -> str:
        """Return what the segment stands for; what is no text stands for nothing there is."""
        raw = unquote_to_bytes(value)
        try:
            return raw.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return raw.decode("utf-8", "replace")

    def to_string(self, value: str) -> str:
        """Return the segment that stands for an id."""
        return quote(value.encode("utf-8", "surrogatepass"), safe="")


register_url_convertor("id", Id())


class RawPaths:
    """Lets routes see a path as it was sent.

    A server decodes the whole path first: then the member `a/preferences` and the preferences of
    `a` would be one and the same.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with the path as it was sent."""
        raw = scope.get("raw_path")
        if scope["type"] == "http" and raw:
            scope["path"] = raw.decode("latin-1")
        await self.app(scope, receive, send)


COMMUNITY = "/v1/communities/{community:id}"
MEMBER = COMMUNITY + "/members/{member:id}"
GROUP = COMMUNITY + "/groups/{group:id}"
POST = COMMUNITY + "/posts/{post:id}"
MEMBERSHIP = GROUP + "/members/{member:id}"
BLOCK = MEMBER + "/blocks/{other:id}"

CommunityName = Annotated[str, Path(description="The community's name.", examples=["town"])]
MemberId = Annotated[str, Path(description="The member's id, percent-encoded.")]
OtherId = Annotated[str, Path(description="The other member's id, percent-encoded.")]
GroupId = Annotated[str, Path(description="The group's id, percent-encoded.")]
PostId = Annotated[str, Path(description="The post's id, percent-encoded.")]
LimitParameter = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items wanted at most.")]
MinSequence = Annotated[
    int,
    Query(
        ge=0,
        le=2**53,
        description="Answer with this change and all before it, as its acknowledgement numbered "
        "it; 503 if that takes more than two seconds.",
    ),
]
