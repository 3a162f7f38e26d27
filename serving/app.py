"""The HTTP interface: a thin layer that turns requests into queries and answers into JSON."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from fastapi import FastAPI, Request

from data.store.connect import open_store
from data.store.key_finder import KeyFinder, key_finder
from engine.errors import BelongError, StoreUnavailableError
from serving.background import follow, keep_embedding
from serving.batch import add_batch
from serving.changes import add_changes
from serving.communities import Communities
from serving.document import complete, operation_id
from serving.entrance import add_entrance
from serving.errors import PROBLEMS, BodyLimit, ProblemResponse, add_error_handlers, problem
from serving.experiments import Experiments, add_experiments, keep_known
from serving.feedback import add_feedback
from serving.invitations import add_invitations
from serving.keys import NoKeys, is_loopback, may_see
from serving.ledger import Ledger
from serving.limits import RateLimit
from serving.metrics import Metrics, add_metrics, observe_community
from serving.paths import RawPaths
from serving.rank import add_rank
from serving.receipts import add_receipts
from serving.recommendations import add_recommendations
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


def create_app(settings: ServeSettings) -> FastAPI:
    """Return the application; bundles are loaded in the background while it starts.

    Raises:
        StoreUnavailableError: The store cannot be opened.
    """
    store = open_store(settings.store) if settings.store else None
    communities = Communities(settings.bundles, again_s=10 * settings.poll_s, store=store)
    metrics = Metrics()
    ledger, experiments = Ledger(store, settings.ledger_days), Experiments(store)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(_watch(communities, settings.poll_s)),
            asyncio.create_task(_measure(communities, metrics, settings.poll_s)),
        ]
        if store is not None:
            tasks.append(asyncio.create_task(follow(communities)))
            tasks.append(asyncio.create_task(keep_embedding(communities, store)))
            tasks.append(asyncio.create_task(keep_known(experiments, settings.poll_s)))
        ledger.start()
        # Of several workers, one that has not loaded yet would answer 503 beside those that have:
        # it begins to listen when it can answer, or when loading takes unusually long.
        await asyncio.to_thread(communities.looked.wait, settings.patience_s)
        yield
        for task in tasks:
            task.cancel()
        await asyncio.to_thread(ledger.stop)

    app = Api(
        title="Belong",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        generate_unique_id_function=operation_id,
    )
    add_error_handlers(app)
    keys = NoKeys() if store is None else key_finder(store)
    _add_health(app, communities, keys)
    add_metrics(app, metrics)
    slates = Slates(metrics, ledger=ledger, experiments=experiments)
    add_recommendations(app, communities, slates)
    add_rank(app, communities, slates)
    add_batch(app, communities, slates)
    add_invitations(app, communities, slates)
    add_changes(app, store)
    add_feedback(app, store, settings.hold_days)
    add_experiments(app, store, experiments)
    add_receipts(app, communities, store)
    app.add_middleware(BodyLimit)
    room = Room(settings.handled, settings.queued, settings.wait_s)
    limit = RateLimit(settings.requests_per_s, settings.burst)
    add_entrance(app, keys, is_loopback(settings.host), metrics, room, limit)
    app.add_middleware(RawPaths)
    trace_requests(app, os.environ)
    return app


async def _watch(communities: Communities, poll_s: float) -> None:
    while True:
        try:
            await asyncio.to_thread(communities.refresh)
        except Exception:  # whatever happens to the disk, what is loaded goes on answering
            log.exception("bundles could not be looked at")
        await asyncio.sleep(poll_s)


async def _measure(communities: Communities, metrics: Metrics, every_s: float) -> None:
    while True:
        for name, live in communities.loaded():
            try:
                lag = live.head().last - live.applied
            except BelongError:
                continue  # the store does not answer, which has its own signs
            made = datetime.fromisoformat(live.bundle.manifest.created_at).timestamp()
            observe_community(metrics, name, live.overlay_size, lag, made)
        await asyncio.sleep(every_s)


def _add_health(app: FastAPI, communities: Communities, keys: KeyFinder) -> None:
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
        return Readiness(communities=len(communities.loaded()))

    @app.get("/v1/communities", tags=["communities"], summary="Which communities are served?")
    async def list_communities(request: Request) -> CommunityList:
        cards = [
            CommunityCard(
                community=name,
                version=live.bundle.manifest.version,
                sequence=live.applied,
                members=live.members,
                groups=live.groups,
            )
            for name, live in communities.loaded()
            if may_see(request.scope, name)
        ]
        return CommunityList(communities=cards)
