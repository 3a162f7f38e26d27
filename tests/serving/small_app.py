"""An app with every route there is a rule for, each answering at once, behind an entrance."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2
from fastapi import FastAPI
from fastapi.testclient import TestClient

from data.store.api_key import EVERY_COMMUNITY, ApiKey, KeyScope
from engine.errors import StoreUnavailableError, UnknownError
from serving.access import ROUTES, Access
from serving.entrance import add_entrance
from serving.errors import absent_community, add_error_handlers
from serving.limits import RateLimit
from serving.metrics import Metrics, add_metrics
from serving.shedding import Room

TOWN = "town"
BY_FRAMEWORK = {"GET /docs", "GET /redoc", "GET /openapi.json", "GET /metrics"}
LISTED = [(route, access) for access, routes in ROUTES.items() for route in routes]
OF_COMMUNITY = [route for route, _ in LISTED if "{community}" in route]
ONLY_LOOPBACK, FROM_ANYWHERE = True, False


@dataclass
class FakeKeys:
    """Keys by what is presented, as a store would know them."""

    keys: dict[str, ApiKey] = field(default_factory=dict)
    gone: bool = False
    waits: bool = False

    def add(self, presented: str, *scopes: KeyScope, where: str = EVERY_COMMUNITY) -> str:
        """Add a key and return the header that presents it."""
        key = ApiKey(f"id-of-{presented}", "x", frozenset(scopes), frozenset([where]), 0.0)
        self.keys[presented] = key
        return f"Bearer {presented}"

    def find(self, presented: str, now: float) -> ApiKey | None:
        if self.gone:
            raise StoreUnavailableError("the store is gone")
        return self.keys.get(presented)

    def any(self) -> bool:
        if self.gone:
            raise StoreUnavailableError("the store is gone")
        return bool(self.keys)

    def close(self) -> None:
        return None


def small_app(
    keys: FakeKeys,
    loopback: bool = FROM_ANYWHERE,
    limit: RateLimit | None = None,
    metrics: Metrics | None = None,
) -> FastAPI:
    """Return the app; one community is there, the town."""
    app = FastAPI()
    add_error_handlers(app)
    for route, _ in LISTED:
        if route not in BY_FRAMEWORK:
            method, path = route.split(" ")
            path = path.replace("{member}", "{member:path}")
            app.add_api_route(path, _endpoint("{community}" in path), methods=[method])
    numbers = metrics or Metrics()
    add_metrics(app, numbers)
    add_entrance(app, keys, loopback, numbers, Room(), limit or RateLimit(1e6, 10**6))
    return app


def _endpoint(of_community: bool) -> Callable[..., object]:
    async def found(community: str) -> dict[str, str]:
        if community != TOWN:
            raise UnknownError(absent_community(community))
        return {"community": community}

    async def plain() -> dict[str, str]:
        return {}

    return found if of_community else plain


def client_of(app: FastAPI) -> TestClient:
    """Return a client that takes a fault of the server for an answer, as over the network."""
    return TestClient(app, raise_server_exceptions=False)


def ask(
    client: TestClient, route: str, key: str = "", community: str = TOWN, **headers: str
) -> httpx2.Response:
    """Ask for a listed route."""
    method, path = route.split(" ")
    path = re.sub(r"\{[^}]*\}", "x", path.replace("{community}", community))
    given = {"authorization": key} if key else {}
    return client.request(method, path, headers=given | headers)


def scope_for(access: Access) -> KeyScope:
    """Return the scope that is enough for what a route needs."""
    return KeyScope.READ if access is Access.OPEN else KeyScope(access.value)
