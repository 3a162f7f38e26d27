"""A wire that answers from a script, and both clients over it, told apart by nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from random import Random
from typing import Any, TypeVar, cast

import httpx

from belong.client import AsyncClient, Client
from belong.client.call import Call

T = TypeVar("T")

Scripted = httpx.Response | Exception
KEY = "belong_0123456789ab_" + "5ec12e7" * 9
SLATE = {
    "recommendation_id": "r1",
    "community": "town",
    "version": "v1",
    "items": [
        {
            "id": "bakers",
            "name": "Bakers",
            "score": 1,
            "probability": None,
            "reasons": [{"kind": "shared_interest", "text": "Bread.", "evidence": ["p1"]}],
        }
    ],
}


def problem(status: int, kind: str, **headers: str) -> httpx.Response:
    """Return a refusal of Belong's."""
    body = {
        "type": f"urn:belong:problem:{kind}",
        "title": "No.",
        "status": status,
        "detail": "as it happens",
    }
    media = {"content-type": "application/problem+json", "x-request-id": "theirs"}
    return httpx.Response(status, json=body, headers=media | headers)


def done(body: object = None) -> httpx.Response:
    """Return an answer of Belong's, a change's acknowledgement unless told otherwise."""
    return httpx.Response(200, json={"sequence": 7} if body is None else body)


class Wire:
    """Takes requests, and answers each with what comes next."""

    def __init__(self, *script: Scripted) -> None:
        self._script: Iterator[Scripted] = iter(script)
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = next(self._script)
        if isinstance(answer, Exception):
            raise answer
        # Anew each time: an answer belongs to the request it was given to.
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def request(self) -> httpx.Request:
        """The only request there was."""
        (request,) = self.requests
        return request


Send = Callable[[Wire, Call[Any]], Any]


def by_waiting(wire: Wire, call: Call[T], retries: int = 3) -> T:
    """Send a call with the client that waits."""
    with Client(
        "https://belong.example/api/",
        KEY,
        retries=retries,
        transport=httpx.MockTransport(wire.answer),
        sleep=wire.waits.append,
        random=Random(1),
    ) as client:
        return client.send(call)


def by_awaiting(wire: Wire, call: Call[T], retries: int = 3) -> T:
    """Send a call with the client that is awaited."""

    async def sleep(seconds: float) -> None:
        wire.waits.append(seconds)

    async def sent() -> T:
        async with AsyncClient(
            "https://belong.example/api/",
            KEY,
            retries=retries,
            transport=httpx.MockTransport(wire.answer),
            sleep=sleep,
            random=Random(1),
        ) as client:
            return await client.send(call)

    return asyncio.run(sent())


BOTH = (by_waiting, by_awaiting)


def methods_of(client: type) -> dict[str, Callable[..., Any]]:
    """Return what a client can do, by name."""
    return {
        name: cast(Callable[..., Any], method)
        for name, method in vars(client).items()
        if callable(method) and not name.startswith("_")
    }


def finished(answer: Any) -> Any:  # noqa: ANN401 - an answer or one to be awaited
    """Return an answer, whichever client's."""

    async def awaited(one: Awaitable[Any]) -> Any:  # noqa: ANN401
        return await one

    return asyncio.run(awaited(answer)) if isinstance(answer, Awaitable) else answer


def bodies(requests: Sequence[httpx.Request]) -> list[bytes]:
    """Return what was sent."""
    return [request.content for request in requests]
