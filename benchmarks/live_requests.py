"""Changes as HTTP requests: how each is sent, and what an answer means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from benchmarks.live_truth import Told
from engine.errors import SettingError

DONE = frozenset({200, 202})
BUSY = frozenset({429, 503})
"""Answers that say: try again."""

PATIENCE_S = 30.0
"""Seconds after which an answer is no longer waited for."""


async def send(session: aiohttp.ClientSession, root: str, told: Told) -> dict[str, Any] | None:
    """Send changes and return the acknowledgement, None if there is none (yet).

    Args:
        session: Through which connection.
        root: The address of the community.
        told: The changes.

    Raises:
        SettingError: They were refused for good: either side has a mistake.
    """
    method, path, body = request_of(told)
    headers = {"Idempotency-Key": told.key} if told.key else {}
    try:
        async with session.request(
            method, URL(root + path, encoded=True), data=body, headers=headers
        ) as response:
            answer = await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
    if response.status in BUSY:
        return None
    if response.status not in DONE:
        raise SettingError(f"{method} {path} was answered {response.status}: {answer[:300]!r}")
    found: dict[str, Any] = json.loads(answer)
    return found


def session_of_one() -> aiohttp.ClientSession:
    """Return a client that keeps one connection."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=1),
        timeout=aiohttp.ClientTimeout(total=30),
        headers={"Content-Type": "application/json"},
    )


def request_of(told: Told) -> tuple[str, str, bytes | None]:
    """Return method, path below the community and body of a request.

    >>> request_of(Told(({"change": "put_block", "member": "a/b", "other": "c"},), {}))
    ('PUT', '/members/a%2Fb/blocks/c', None)
    >>> request_of(Told(({"change": "put_member", "member": "a", "text": "Hi"},), {}))
    ('PUT', '/members/a', b'{"text": "Hi"}')
    """
    if told.many:
        return "POST", "/changes", "\n".join(map(json.dumps, told.lines)).encode()
    line = dict(told.lines[0])
    verb, _, kind = line.pop("change").partition("_")
    method = "DELETE" if verb == "delete" else "PUT"
    if "id" in line:
        return method, f"/{kind}s/{quote(line['id'], safe='')}", None
    names = PATHS[kind][1]
    path = PATHS[kind][0].format(*(quote(line.pop(name), safe="") for name in names))
    return method, path, json.dumps(line).encode() if line else None


PATHS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "member": ("/members/{}", ("member",)),
    "group": ("/groups/{}", ("group",)),
    "post": ("/posts/{}", ("post",)),
    "membership": ("/groups/{}/members/{}", ("group", "member")),
    "block": ("/members/{}/blocks/{}", ("member", "other")),
    "preferences": ("/members/{}/preferences", ("member",)),
}
"""Where each kind of change is told, and which of its fields are in the path."""
