"""How often a key may ask: a bucket of tokens each, refilled as time goes by.

The buckets live in the memory of one worker process: with n workers a key may ask up to n times
as often in all, as its connections happen to spread.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import SettingError
from serving.errors import refusal
from serving.keys import key_of

MOST_BUCKETS = 10_000
"""Keys remembered at most; who has not asked for longest is forgotten, and starts full again."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How often one key may ask one worker.

    Attributes:
        requests_per_s: Tokens a second.
        burst: Tokens a full bucket holds, at least 1: requests that may come at one moment.
    """

    requests_per_s: float = 500.0
    burst: int = 1_000

    def __post_init__(self) -> None:
        """Refuse numbers without a meaning."""
        if not (self.requests_per_s > 0 and math.isfinite(self.requests_per_s) and self.burst >= 1):
            raise SettingError(f"a rate above 0 and a burst of at least 1, got {self}")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What became of one request.

    Attributes:
        allowed: Whether it may go on.
        remaining: Requests that might follow at once.
        reset_s: Whole seconds until the bucket is full.
        retry_after_s: Whole seconds until the next may come; 0 if it may at once.
    """

    allowed: bool
    remaining: int
    reset_s: int
    retry_after_s: int


class Buckets:
    """A bucket of tokens for each key; every request takes one."""

    def __init__(
        self,
        limit: RateLimit,
        clock: Callable[[], float] = time.monotonic,
        most: int = MOST_BUCKETS,
    ) -> None:
        self.limit = limit
        self.clock = clock
        self.most = most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, when

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._buckets)

    def take(self, key_id: str) -> Allowance:
        """Take a token of the key, if there is one.

        A clock that was set back refills nothing for that once; it never takes a token away.
        """
        rate, burst = self.limit.requests_per_s, self.limit.burst
        now = self.clock()
        tokens, then = self._buckets.pop(key_id, (float(burst), now))
        tokens = min(burst, tokens + max(0.0, now - then) * rate)
        allowed = tokens >= 1
        tokens -= allowed
        self._buckets[key_id] = (tokens, now)
        if len(self._buckets) > self.most:
            self._buckets.popitem(last=False)
        wait = 0 if tokens >= 1 else max(1, math.ceil((1 - tokens) / rate))
        return Allowance(allowed, int(tokens), math.ceil((burst - tokens) / rate), wait)


class RateLimits:
    """Refuses a key that asks too often, and tells every caller with a key how it stands.

    It stands behind `KeyNeeded`: only keys that are valid have a bucket, so that made-up ones can
    neither fill the memory nor use up another's tokens. Without a key there is no limit: then the
    server listens on loopback only.
    """

    def __init__(self, app: ASGIApp, buckets: Buckets) -> None:
        self.app = app
        self.buckets = buckets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429."""
        key = key_of(scope) if scope["type"] == "http" else None
        if key is None:
            await self.app(scope, receive, send)
            return
        allowance = self.buckets.take(key.id)
        told = [
            (b"ratelimit-limit", b"%d" % self.buckets.limit.burst),
            (b"ratelimit-remaining", b"%d" % allowance.remaining),
            (b"ratelimit-reset", b"%d" % allowance.reset_s),
        ]

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *told]}
            await send(message)

        if allowance.allowed:
            await self.app(scope, receive, telling)
            return
        wait = str(allowance.retry_after_s)
        refused = refusal("too-many", f"Go on in {wait} s.", {"retry-after": wait})
        await refused(scope, receive, telling)
