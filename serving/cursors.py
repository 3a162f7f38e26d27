"""One slate, page by page: a cursor names a slate that is kept, and how far it has been shown.

It is kept in the store, so that every worker knows it, or in this worker where there is no store;
after 15 minutes, or once anybody was forgotten, it is gone. The cursor itself holds no ids. What
was settled with the first page is the order; whether something may be shown is asked again with
each, so a block made in between holds.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from data.store.pages import KEPT_S, Paged, keep_paged, read_paged
from engine.errors import GoneError
from engine.facts import Written
from engine.wanted import Wanted
from serving.live import Live
from serving.paths import LimitParameter, MinSequence
from serving.schemas import Recommendations
from serving.slates import Asked, Purpose, Slates

MAX_PAGED = 200
"""Items of one slate at most, all its pages together."""

KEPT = 1_000
"""Slates this worker keeps itself at most, where there is no store."""

CURSOR = re.compile(r"(?P<slate>[0-9a-f]{32})\.(?P<shown>[0-9]{1,3})")

PAGES = (
    "Settle a slate of up to 200 items and return its first page with a `cursor` for the next; "
    "it is kept for 15 minutes."
)
CURSORS = (
    "The `cursor` that came with the page before: go on with its slate. It takes no filters. "
    "410 after 15 minutes."
)

GONE = "cursor: it is not known, or older than 15 minutes: begin again with pages=true"


@dataclass(frozen=True, slots=True)
class Page:
    """Which page is asked for.

    Attributes:
        limit: Items on it at most.
        min_sequence: The change that must be known.
        pages: Whether more pages may be asked for, so that the slate is kept.
        cursor: What the page before gave; '' for the first.
    """

    limit: int
    min_sequence: int
    pages: bool
    cursor: str


# FastAPI runs what is not async in a thread: on a busy server that takes longer than an answer.
async def _page(
    limit: LimitParameter = 10,
    min_sequence: MinSequence = 0,
    pages: Annotated[bool, Query(description=PAGES)] = False,
    cursor: Annotated[str, Query(max_length=64, description=CURSORS)] = "",
) -> Page:
    return Page(limit, min_sequence, pages, cursor)


PageAsked = Annotated[Page, Depends(_page)]


class Pages:
    """Keeps slates that are shown page by page. For one event loop."""

    def __init__(self, slates: Slates, clock: Callable[[], float] = time.time) -> None:
        self._slates = slates
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, Asked, Paged]] = OrderedDict()

    async def first(self, live: Live, asked: Asked, page: Page, wanted: Wanted) -> Recommendations:
        """Return the first page, and keep the slate if there are more.

        Raises:
            UnknownError: There is no such member.
            BehindError: Somebody was forgotten just now.
            StoreUnavailableError: The slate cannot be kept.
        """
        known = live.applied
        recommender = self._slates.answering(asked, await live.now(page.min_sequence))
        viewer = str(asked.viewer)
        ids = recommender.ids_for(_kind(asked), viewer, MAX_PAGED, wanted)
        slate = Paged(viewer, asked.purpose.value, tuple(ids))
        name = secrets.token_hex(16)
        if len(ids) > page.limit:
            await self._keep(live, (name, slate), asked, max(known, page.min_sequence))
        return await self._shown(live, asked, page, (name, 0, slate))

    async def after(self, live: Live, asked: Asked, page: Page) -> Recommendations:
        """Return the page that a cursor names.

        Raises:
            GoneError: Nothing is kept by it for this member and purpose.
            UnknownError: There is no such member.
            StoreUnavailableError: What is kept cannot be read.
        """
        parts = CURSOR.fullmatch(page.cursor)
        slate = await self._find(live, asked, parts["slate"]) if parts else None
        told = None if slate is None else (slate.viewer, slate.purpose)
        if parts is None or slate is None or told != (asked.viewer, asked.purpose.value):
            raise GoneError(GONE)
        return await self._shown(live, asked, page, (parts["slate"], int(parts["shown"]), slate))

    async def _shown(
        self, live: Live, asked: Asked, page: Page, at: tuple[str, int, Paged]
    ) -> Recommendations:
        name, shown, slate = at
        recommender = self._slates.answering(asked, await live.now(page.min_sequence))
        left = slate.items[shown:]
        answer = recommender.shown_of(_kind(asked), slate.viewer, left, page.limit)
        told = self._slates.tell(asked, recommender, answer)
        reached = shown + 1 + left.index(answer.items[-1].id) if answer.items else len(slate.items)
        if len(answer.items) == page.limit and reached < len(slate.items):
            told.cursor = f"{name}.{reached}"
        return told

    async def _keep(self, live: Live, one: tuple[str, Paged], asked: Asked, known: int) -> None:
        if live.store is not None:
            now = self._clock()
            await asyncio.to_thread(keep_paged, live.store, live.name, one, known, now)
            return
        self._kept[one[0]] = (self._clock(), asked, one[1])
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    async def _find(self, live: Live, asked: Asked, name: str) -> Paged | None:
        if live.store is not None:
            now = self._clock()
            return await asyncio.to_thread(read_paged, live.store, live.name, name, now)
        kept = self._kept.get(name)
        if kept is None or self._clock() - kept[0] > KEPT_S or kept[1] != asked:
            return None
        return kept[2]


def _kind(asked: Asked) -> Written:
    return Written.GROUP if asked.purpose is Purpose.GROUPS else Written.MEMBER
