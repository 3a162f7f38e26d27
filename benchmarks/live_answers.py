"""Slates as they were answered, and whether two of them are the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
from yarl import URL

from benchmarks.live_requests import BUSY
from benchmarks.load import HOST
from engine.errors import SettingError

LIMIT = 20
"""Items asked for."""

CLOSE = 1e-4
"""Scores that differ by less are the same: sums of floats depend on their order."""

CONNECTIONS = 4
AGAIN_S = 0.05
ATTEMPTS = 100


@dataclass(frozen=True, slots=True)
class Slate:
    """What was answered, but for what is never the same twice.

    Attributes:
        ids: Best first.
        scores: As many.
        reasons: Of each item, as it was told.
    """

    ids: tuple[str, ...]
    scores: tuple[float, ...]
    reasons: tuple[str, ...]

    @classmethod
    def of(cls, answer: dict[str, Any]) -> Self:
        """Return the slate in an answer."""
        items = answer["items"]
        return cls(
            tuple(item["id"] for item in items),
            tuple(item["score"] for item in items),
            tuple(json.dumps(item["reasons"]) for item in items),
        )


def same(one: Slate | None, other: Slate | None) -> bool:
    """Return whether two slates show the same for the same reasons.

    >>> same(Slate(("a", "b"), (1.0, 0.5), ("", "")), Slate(("a", "b"), (1.0, 0.50001), ("", "")))
    True
    >>> same(Slate(("a", "b"), (1.0, 0.5), ("", "")), Slate(("b", "a"), (1.0, 0.5), ("", "")))
    False
    >>> same(None, None), same(None, Slate((), (), ()))
    (True, False)
    """
    if one is None or other is None:
        return one is other
    if (one.ids, one.reasons) != (other.ids, other.reasons):
        return False
    return all(abs(a - b) < CLOSE for a, b in zip(one.scores, other.scores, strict=True))


class Asker:
    """Asks a server for slates over a few connections.

    Args:
        port: Where it listens on this machine.
        root: The path of the community.
    """

    def __init__(self, port: int, root: str) -> None:
        self._root = f"http://{HOST}:{port}{root}"

    async def __aenter__(self) -> Self:
        """Connect."""
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        timeout = aiohttp.ClientTimeout(total=30)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        """Hang up."""
        await self._session.close()

    async def slates(
        self, asked: Sequence[tuple[str, str]], min_sequence: int = 0
    ) -> list[Slate | None]:
        """Return what is suggested, None to somebody unknown.

        Args:
            asked: Members, each with ``groups`` or ``members``.
            min_sequence: The change that must be known.

        Raises:
            SettingError: It is not answered as it should be.
        """
        return await asyncio.gather(*(self._slate(*one, min_sequence) for one in asked))

    async def _slate(self, member: str, what: str, min_sequence: int) -> Slate | None:
        path = f"/members/{quote(member, safe='')}/recommendations/{what}"
        url = URL(f"{self._root}{path}?limit={LIMIT}&min_sequence={min_sequence}", encoded=True)
        for _ in range(ATTEMPTS):
            async with self._session.get(url) as response:
                answer = await response.read()
            if response.status == 200:
                return Slate.of(json.loads(answer))
            if response.status == 404:
                return None
            if response.status not in BUSY:
                break
            await asyncio.sleep(AGAIN_S)
        raise SettingError(f"{path} was answered {response.status}: {answer[:300]!r}")
