"""Who may ask what: the key of a request, and what it is refused for.

Without any key in the store everything is allowed, because then the server listens on loopback
only (`may_bind`). With the first key that ends, in every worker, from the next request on.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from collections.abc import Callable
from typing import Final

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from data.store.api_key import ApiKey
from data.store.key_finder import KeyFinder
from engine.errors import SettingError, StoreUnavailableError
from serving.access import Access, Chosen, chosen_route
from serving.errors import ProblemResponse, absent_community, refusal

log = logging.getLogger(__name__)

KEY: Final = "belong.key"
CHOSEN: Final = "belong.chosen"
"""Where in a request's scope its key and what will answer it are found."""

NO_KEY = refusal(
    "no-key",
    "Send a valid key: Authorization: Bearer belong_…",
    {"www-authenticate": 'Bearer realm="belong"'},
)
STORE = refusal("store", "Keys cannot be looked up now: try again.", {"retry-after": "1"})
EVERYWHERE = refusal("scope", "This takes a key for all communities.")
SCOPES = {
    access: refusal("scope", f"This takes a key with the scope {access.value!r}.")
    for access in Access
}


class NoKeys:
    """The keys of a server without a store: there are none."""

    waits = False

    def find(self, presented: str, now: float) -> ApiKey | None:
        """Return None."""
        return None

    def any(self) -> bool:
        """Return False."""
        return False

    def close(self) -> None:
        """Do nothing."""


def may_bind(host: str, has_keys: bool) -> None:
    """Refuse to be reached from elsewhere while nobody needs a key.

    Raises:
        SettingError: There is no key, and `host` is not of this machine alone.
    """
    if not has_keys and not is_loopback(host):
        raise SettingError(
            f"without any key, Belong listens on this machine only, not on {host}: "
            "make one with belong keys create, or leave --host out"
        )


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "", "town")]
    [True, True, True, False, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def key_of(scope: Scope) -> ApiKey | None:
    """Return the key of a request that passed `KeyNeeded`; None if it needed none."""
    found: ApiKey | None = scope.get(KEY)
    return found


def route_of(scope: Scope) -> str:
    """Return the template of the route that answers; '' if none does, or none was looked for."""
    chosen: Chosen | None = scope.get(CHOSEN)
    return chosen.template if chosen else ""


def may_see(scope: Scope, community: str) -> bool:
    """Return whether a request may learn of a community: for lists of several."""
    key = key_of(scope)
    return key is None or key.covers(community)


class KeyNeeded:
    """Passes on only requests with a valid key, and those that need none; the others get 401.

    It asks the store every time, so that a key that was revoked is refused at once; if the store
    does not answer, neither does it: 503.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: KeyFinder,
        loopback: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.app = app
        self.keys = keys
        self.loopback = loopback
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its key and what will answer it, or refuse it."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        if scope["type"] == "http":
            app: FastAPI = scope["app"]
            chosen = scope[CHOSEN] = chosen_route(app, scope)
            refused = None if chosen.access is Access.OPEN else await self._refused(scope)
            if refused is not None:
                await refused(scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _refused(self, scope: Scope) -> ProblemResponse | None:
        """Return with what the request is refused, None if it is not; note its key."""
        try:
            if self.loopback and not await self._any():
                return None
            key = scope[KEY] = await self._key(scope)
        except StoreUnavailableError as error:
            log.error("keys cannot be looked up: %s", error)
            return STORE
        return NO_KEY if key is None else None

    async def _any(self) -> bool:
        if self.keys.waits:
            return await asyncio.to_thread(self.keys.any)
        return self.keys.any()

    async def _key(self, scope: Scope) -> ApiKey | None:
        presented = bearer(scope["headers"])
        if presented is None:
            return None
        if self.keys.waits:
            return await asyncio.to_thread(self.keys.find, presented, self.clock())
        return self.keys.find(presented, self.clock())


class ScopeNeeded:
    """Passes on only what the key of a request allows.

    404 for a community that the key is not for, there or not; 403 without the scope. It stands
    behind `KeyNeeded`; what passed that without a key is allowed everything.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        key = key_of(scope)
        refused = None if key is None else why_refused(key, scope[CHOSEN])
        await (refused or self.app)(scope, receive, send)


def why_refused(key: ApiKey, chosen: Chosen) -> ProblemResponse | None:
    """Return with what a valid key is refused at a route, None if it is allowed.

    A community that the key is not for is answered for as one that is not there, and before
    anything else is said, so that the answer never depends on whether it is.
    """
    if chosen.community is not None and not key.covers(chosen.community):
        return refusal("unknown", absent_community(chosen.community))
    if chosen.access is Access.ANY_KEY:
        return None
    if chosen.access.value not in key.scopes:
        return SCOPES[chosen.access]
    of_all = chosen.access is Access.OPERATOR and chosen.community is None
    return EVERYWHERE if of_all and not key.covers_every_community else None


def bearer(headers: list[tuple[bytes, bytes]]) -> str | None:
    """Return what stands behind ``Bearer``, None if nothing does or there are several.

    >>> bearer([(b"authorization", b"Bearer belong_1_2")])
    'belong_1_2'
    """
    given = [value for name, value in headers if name == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, presented = given[0].partition(b" ")
    if scheme.lower() != b"bearer" or not presented:
        return None
    return presented.strip().decode("latin-1")
