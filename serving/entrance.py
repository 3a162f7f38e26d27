"""What every request passes on its way in, in the one order that makes sense."""

from __future__ import annotations

from fastapi import FastAPI

from data.store.key_finder import KeyFinder
from serving.intake import Intake
from serving.keys import KeyNeeded, ScopeNeeded
from serving.limits import Buckets, RateLimit, RateLimits
from serving.logs import RequestLog
from serving.metrics import MeasuredRequests, Metrics
from serving.request_ids import RequestIds
from serving.shedding import LoadShedding, Room
from serving.steady import SteadyClock


def add_entrance(
    app: FastAPI,
    keys: KeyFinder,
    loopback: bool,
    metrics: Metrics,
    room: Room,
    limit: RateLimit,
) -> None:
    """Put every request to an app through its entrance.

    From the outside inwards: an id; counting and logging, of refusals too; load shedding, before
    anything is spent; the bounds of a head, and of how long a body may take; the key; its rate; its
    scopes.

    Args:
        app: The application, not yet running, with whatever else it is wrapped in.
        keys: The keys there are.
        loopback: Whether only this machine can reach the server; then no key is needed until
            there is one.
        metrics: Where requests are counted.
        room: How many requests are taken on at once.
        limit: How often one key may ask.
    """
    app.add_middleware(ScopeNeeded)
    app.add_middleware(RateLimits, buckets=Buckets(limit))
    app.add_middleware(KeyNeeded, keys=keys, loopback=loopback, clock=SteadyClock())
    app.add_middleware(Intake)
    app.add_middleware(LoadShedding, room=room)
    app.add_middleware(RequestLog)
    app.add_middleware(MeasuredRequests, metrics=metrics)
    app.add_middleware(RequestIds)
