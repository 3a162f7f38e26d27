"""One thing that can be asked of Belong, as a value: what is sent, and how the answer is read.

`asking.py`, `telling.py` and `overseeing.py` make them, the clients send them; nothing about a
request is written down twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, fields
from enum import Enum, auto
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from urllib.parse import quote

T = TypeVar("T")

JSON, LINES = "application/json", "application/x-ndjson"

QueryValue = str | int | bool | Sequence[str] | None


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
        read: Makes the answer of what `json.loads` returned, or of None for an answer without a
            body; raises `ShapeError`.
        query: Names and values; a list is sent value by value, what is None is not sent.
        content: The body, None for none.
        content_type: Of the body.
        repeat: Whether it may be sent again.
        idempotency_key: Under which it is sent; the client makes one where `repeat` needs it.
        patience_s: Seconds to wait for the answer, if that is more than the client waits.
    """

    method: str
    path: str
    read: Callable[[object], T]
    query: Mapping[str, QueryValue] | None = None
    content: bytes | None = None
    content_type: str = JSON
    repeat: Repeat = Repeat.HARMLESS
    idempotency_key: str | None = None
    patience_s: float = 0.0


def path_in(community: str, *segments: str) -> str:
    """Return a path below a community; all names as they are.

    >>> path_in("town", "members", "a/b")
    '/v1/communities/town/members/a%2Fb'
    """
    return "/v1/communities/" + "/".join(segment(one) for one in (community, *segments))


def segment(name: str) -> str:
    """Return an id as one segment of a path, whatever it holds.

    >>> segment("a/b?"), segment(".."), segment("café")
    ('a%2Fb%3F', '%2E%2E', 'caf%C3%A9')
    """
    # A path loses `.` and `..` on its way: they go encoded.
    return quote(name.encode("utf-8", "surrogatepass"), safe="").replace(".", "%2E")


def json_of(value: object) -> bytes:
    """Return a body of JSON.

    Raises:
        ValueError: A number is none.
    """
    return json.dumps(value, allow_nan=False).encode("ascii")


class Record(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


def given(value: Record | None) -> dict[str, Any]:
    """Return the fields of a dataclass by name, but for those that are None.

    >>> from belong.client.changes import Profile
    >>> given(Profile(text="I bake."))
    {'text': 'I bake.'}
    """
    if value is None:
        return {}
    told = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: one for name, one in told.items() if one is not None}
