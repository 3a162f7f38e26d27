"""Rounds over HTTP: a host plans one, looks at it, and commits it.

Planning takes from milliseconds to half a minute, in a thread of its own, one round at a time in
each worker. Whoever waits is told after a while that it goes on; the round can be looked at under
its id until then and after.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import FastAPI, Path, Query

from data.store.connect import Store
from data.store.rounds import KeptRound, begin_round, kept_round, note_problem
from engine.errors import BehindError, BelongError, UnknownError, UserError
from engine.recommender import Recommender
from serving.communities import Communities
from serving.errors import CHANGE_PROBLEMS, PROBLEMS
from serving.live import Live
from serving.paths import COMMUNITY, CommunityName
from serving.round_schemas import RoundBody, RoundCard
from serving.round_work import (
    MOST_ON_PAGE,
    PAGE,
    Window,
    card_of,
    committed,
    diff_of,
    plan_and_keep,
)

log = logging.getLogger(__name__)

ROUNDS = COMMUNITY + "/rounds"
RoundId = Annotated[str, Path(description="As the plan was answered.")]
Limit = Annotated[
    int, Query(ge=1, le=MOST_ON_PAGE, description="Matches on one page; also people left out.")
]
Offset = Annotated[int, Query(ge=0, le=2**53, description="Where the page begins: next_offset.")]

WAIT_S = 8.0
"""Seconds a request waits for its plan, before it is told that planning goes on."""

TRIES = 5
"""How often a commit is tried while changes keep coming in that it must know."""

BROKEN = "planning it failed: the log of the server has more; plan another one"


@dataclass
class _Desk:
    """Where rounds are planned and committed, off the event loop."""

    communities: Communities
    store: Store | None
    clock: Callable[[], float]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    going_on: set[asyncio.Task[KeptRound]] = field(default_factory=set)

    @property
    def kept(self) -> Store:
        if self.store is None:
            raise UnknownError("this server keeps no rounds: start it with --store")
        return self.store

    async def recommender(self, community: str) -> Recommender:
        async with self.communities.asked(community) as live:
            return await live.now()

    async def plan(self, live: Live, community: str, body: RoundBody) -> KeptRound:
        """Return a round once it is planned, or as it is when that takes long."""
        now = self.clock()
        recommender = await live.now()
        one = await asyncio.to_thread(
            begin_round, self.kept, community, body.name, body.settings(), now
        )
        task = asyncio.create_task(self._planned(recommender, (community, one), body, now))
        self.going_on.add(task)
        task.add_done_callback(self.going_on.discard)
        task.add_done_callback(_heard)
        done, _ = await asyncio.wait([task], timeout=WAIT_S)
        if not done:
            return await asyncio.to_thread(kept_round, self.kept, community, one)
        error = task.exception()
        if isinstance(error, UserError):  # the host hears of it, so nothing needs to be kept
            await asyncio.to_thread(note_problem, self.kept, community, one, "")
        return task.result()

    async def _planned(
        self, recommender: Recommender, place: tuple[str, str], body: RoundBody, now: float
    ) -> KeptRound:
        async with self.turn:
            try:
                return await asyncio.to_thread(
                    plan_and_keep, recommender, self.kept, place, body, now
                )
            except BaseException as error:
                why = str(error) if isinstance(error, UserError) else BROKEN
                await asyncio.to_thread(note_problem, self.kept, *place, why)
                raise

    async def card(
        self, found: KeptRound, community: str, recommender: Recommender, window: Window
    ) -> RoundCard:
        return await asyncio.to_thread(card_of, found, community, recommender, window, self.clock())

    async def commit(self, community: str, round_id: str) -> tuple[KeptRound, Recommender]:
        """Commit a round with what is known now, and know more if that is not enough."""
        for turn in range(TRIES):
            recommender = await self.recommender(community)
            try:
                place = community, round_id
                found = await asyncio.to_thread(
                    committed, recommender, self.kept, place, self.clock()
                )
            except BehindError:
                if turn == TRIES - 1:
                    raise
            else:
                return found, recommender
        raise AssertionError("unreachable")


def _heard(task: asyncio.Task[KeptRound]) -> None:
    """Take note of an error nobody waits for any more; it stands in the round."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, BelongError):
        log.error("a round could not be planned", exc_info=error)


def add_rounds(
    app: FastAPI,
    communities: Communities,
    store: Store | None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Let hosts introduce a whole community at once."""
    desk = _Desk(communities, store, clock)

    @app.post(
        ROUNDS,
        tags=["rounds"],
        summary="Plan a round: who would meet whom. Nothing changes until it is committed",
        responses=CHANGE_PROBLEMS,
    )
    async def plan_round(
        community: CommunityName, body: RoundBody, limit: Limit = PAGE
    ) -> RoundCard:
        async with communities.asked(community) as live:
            found = await desk.plan(live, community, body)
            recommender = await live.now()
        return await desk.card(found, community, recommender, Window(0, limit))

    @app.get(ROUNDS + "/{round:id}", tags=["rounds"], summary="A round", responses=PROBLEMS)
    async def get_round(
        community: CommunityName,
        round: RoundId,
        limit: Limit = PAGE,
        offset: Offset = 0,
        diff: Annotated[str, Query(description="The id of another round to compare with.")] = "",
    ) -> RoundCard:
        recommender = await desk.recommender(community)
        found = await asyncio.to_thread(kept_round, desk.kept, community, round)
        card = await desk.card(found, community, recommender, Window(offset, limit))
        if diff:
            other = await asyncio.to_thread(kept_round, desk.kept, community, diff)
            card.diff = diff_of(found, other)
        return card

    @app.post(
        ROUNDS + "/{round:id}/commit",
        tags=["rounds"],
        summary="Make a plan so; a second time changes nothing",
        responses=CHANGE_PROBLEMS,
    )
    async def commit_round(
        community: CommunityName,
        round: RoundId,
        limit: Limit = PAGE,
    ) -> RoundCard:
        found, recommender = await desk.commit(community, round)
        return await desk.card(found, community, recommender, Window(0, limit))
