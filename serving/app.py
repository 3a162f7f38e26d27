"""The HTTP interface: a thin layer that turns requests into queries and answers into JSON."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import Depends, FastAPI, Request

from data.store.connect import Store, open_store
from data.store.key_finder import KeyFinder, key_finder
from data.store.log import heads
from engine.errors import BelongError, StoreUnavailableError
from serving.background import follow, keep_embedding
from serving.batch import add_batch
from serving.changes import add_changes
from serving.communities import Communities, OnDemand
from serving.discoveries import add_discoveries
from serving.document import complete, operation_id
from serving.entrance import add_entrance
from serving.errors import PROBLEMS, BodyLimit, ProblemResponse, add_error_handlers, problem
from serving.experiments import Experiments, add_experiments, keep_known
from serving.feedback import add_feedback
from serving.invitations import add_invitations
from serving.keys import NoKeys, is_loopback, may_see
from serving.ledger import Ledger
from serving.limits import RateLimit
from serving.live import Live
from serving.metrics import Metrics, add_metrics, observe_community
from serving.outline import Outline
from serving.paths import RawPaths
from serving.queries import only_known_queries
from serving.rank import add_rank
from serving.receipts import add_receipts
from serving.recommendations import add_recommendations
from serving.responders import add_responders
from serving.rounds import add_rounds
from serving.schemas import Communities as CommunityList
from serving.schemas import CommunityCard, Health, Readiness
from serving.settings import ServeSettings
from serving.shedding import Room
from serving.slates import Slates
from serving.tracing import trace_requests

log = logging.getLogger(__name__)

DESCRIPTION = (
    "Belong finds, for each member of a community, the groups where they would belong and the "
    "people they would be glad to meet, and says why."
)


class Api(FastAPI):
    """The application, whose document knows what every route may answer."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            self.openapi_schema = complete(super().openapi())
        return self.openapi_schema


def nothing() -> None:
    """Do nothing."""


def create_app(
    settings: ServeSettings,
    once_loaded: Callable[[], None] = nothing,
    answering: Communities | None = None,
) -> FastAPI:
    """Return the application; bundles are loaded in the background while it starts.

    Args:
        settings: What an operator chose.
        once_loaded: Called when it begins to listen.
        answering: What answers, None for the bundles that the settings name.

    Raises:
        StoreUnavailableError: The store cannot be opened.
    """
    store = open_store(settings.store) if settings.store else None
    metrics = Metrics()
    communities = answering or Communities(
        settings.bundles, metrics, 10 * settings.poll_s, store, _on_demand(settings)
    )
    ledger, experiments = Ledger(store, settings.ledger_days), Experiments(store)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(_watch(communities, settings.poll_s)),
            asyncio.create_task(_measure(communities, metrics, settings.poll_s)),
        ]
        if store is not None:
            embedded = asyncio.Event()
            tasks.append(asyncio.create_task(follow(communities, embedded)))
            tasks.append(asyncio.create_task(keep_embedding(communities, store, embedded)))
            tasks.append(asyncio.create_task(keep_known(experiments, settings.poll_s)))
        ledger.start()
        # Of several workers, one that has not loaded yet would answer 503 beside those that have:
        # it begins to listen when it can answer, or when loading takes unusually long.
        await asyncio.to_thread(communities.looked.wait, settings.patience_s)
        once_loaded()
        yield
        for task in tasks:
            task.cancel()
        communities.close()
        await asyncio.to_thread(ledger.stop)

    app = Api(
        title="Belong",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        generate_unique_id_function=operation_id,
        dependencies=[Depends(only_known_queries)],
    )
    add_error_handlers(app)
    keys = NoKeys() if store is None else key_finder(store)
    _add_health(app, communities, keys, store)
    add_metrics(app, metrics)
    slates = Slates(metrics, ledger=ledger, experiments=experiments)
    add_recommendations(app, communities, slates)
    add_rank(app, communities, slates)
    add_batch(app, communities, slates)
    add_invitations(app, communities, slates)
    add_responders(app, communities, slates, metrics)
    add_changes(app, store)
    add_feedback(app, store, settings.hold_days)
    add_experiments(app, store, experiments)
    add_rounds(app, communities, store)
    add_discoveries(app, communities)
    add_receipts(app, communities, store)
    app.add_middleware(BodyLimit)
    room = Room(settings.handled, settings.queued, settings.wait_s)
    limit = RateLimit(settings.requests_per_s, settings.burst)
    add_entrance(app, keys, is_loopback(settings.host), metrics, room, limit)
    app.add_middleware(RawPaths)
    trace_requests(app, os.environ)
    return app


def _on_demand(settings: ServeSettings) -> OnDemand | None:
    """Return how communities are loaded when they are asked, None if all are from the start."""
    if settings.memory_limit is None:
        return None
    # Those that wait for a load must leave room for those that need not.
    waiting = max(1, settings.handled // 4)
    return OnDemand(settings.memory_limit, settings.load_wait_s, waiting)


async def _watch(communities: Communities, poll_s: float) -> None:
    while True:
        try:
            await asyncio.to_thread(communities.refresh)
        except Exception:  # whatever happens to the disk, what is loaded goes on answering
            log.exception("bundles could not be looked at")
        await asyncio.sleep(poll_s)


async def _measure(communities: Communities, metrics: Metrics, every_s: float) -> None:
    while True:
        # The store may be on another machine, which may take its time.
        await asyncio.to_thread(_measure_all, communities, metrics)
        await asyncio.sleep(every_s)


def _measure_all(communities: Communities, metrics: Metrics) -> None:
    here = dict(communities.loaded())
    for outline in communities.known():
        live, changed, lag = here.get(outline.name), 0, 0
        if live is not None:
            try:
                changed, lag = live.overlay_size, live.head().last - live.applied
            except BelongError:
                continue  # the store does not answer, which has its own signs
        observe_community(metrics, outline.name, changed, lag, outline.created_ts)


def _add_health(
    app: FastAPI, communities: Communities, keys: KeyFinder, store: Store | None
) -> None:
    @app.get("/healthz", tags=["health"], summary="Is the process alive?")
    async def healthz() -> Health:
        return Health()

    @app.get(
        "/readyz",
        tags=["health"],
        summary="Can it answer?",
        response_model=Readiness,
        responses={503: PROBLEMS[503]},
    )
    async def readyz() -> Readiness | ProblemResponse:
        try:
            guarded = await asyncio.to_thread(keys.any) if keys.waits else keys.any()
        except StoreUnavailableError:
            return problem("not-ready", 503, "the store does not answer")
        why = communities.why_not_ready(named=not guarded)
        if why:
            return problem("not-ready", 503, why)
        return Readiness(communities=len(communities.known()))

    @app.get("/v1/communities", tags=["communities"], summary="Which communities are served?")
    async def list_communities(request: Request) -> CommunityList:
        outlines = [one for one in communities.known() if may_see(request.scope, one.name)]
        here = dict(communities.loaded())
        away = any(one.name not in here for one in outlines)
        last = await asyncio.to_thread(_heads, store) if store is not None and away else {}
        cards = [_card(one, here.get(one.name), last.get(one.name, 0)) for one in outlines]
        return CommunityList(communities=cards)


def _heads(store: Store) -> dict[str, int]:
    """Return how far logs have come, nothing of them while the store does not answer."""
    with suppress(StoreUnavailableError), store.reading() as connection:
        return heads(connection)
    return {}


def _card(outline: Outline, live: Live | None, head: int) -> CommunityCard:
    """Return what is told of a community.

    What is not in memory is told as its bundle has it; it will know the whole log once it answers.
    """
    if live is None:
        return CommunityCard(
            community=outline.name,
            version=outline.version,
            sequence=max(head, outline.watermark),
            members=outline.members,
            groups=outline.groups,
        )
    return CommunityCard(
        community=outline.name,
        version=live.bundle.manifest.version,
        sequence=live.applied,
        members=live.members,
        groups=live.groups,
    )
