"""A server whose clock is set back grants nothing that was over, and goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from fastapi.testclient import TestClient
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from data.store.api_key import ApiKey, KeyScope
from engine.domain import DAY_S
from serving.keys import KeyNeeded
from serving.limits import Buckets, RateLimit
from serving.steady import SteadyClock
from tests.serving.small_app import FakeKeys, small_app

NOW = 1_700_000_000.0


@dataclass
class Clock:
    """A clock that can be set."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("back", [3_600.0, DAY_S])
def test_time_goes_on_where_it_was_when_the_clock_is_set_back(back: float) -> None:
    wall, going = Clock(), Clock(5.0)
    steady = SteadyClock(wall, going)
    assert steady() == NOW
    wall.now, going.now = NOW + 10, 15.0
    assert steady() == NOW + 10
    wall.now, going.now = NOW + 11 - back, 16.0
    assert steady() == NOW + 11
    wall.now, going.now = NOW + 12 - back, 17.0
    assert steady() == NOW + 12
    wall.now, going.now = NOW + DAY_S, 18.0  # set forward: that is believed
    assert steady() == NOW + DAY_S


class Ending(FakeKeys):
    """Keys that know when they end."""

    def find(self, presented: str, now: float) -> ApiKey | None:
        found = super().find(presented, now)
        return found if found is not None and found.valid_at(now) else None


def test_a_key_whose_grace_is_over_stays_refused_when_the_clock_is_set_back() -> None:
    wall, going = Clock(), Clock(0.0)
    keys = Ending()
    header = keys.add("k", KeyScope.READ)
    keys.keys["k"] = replace(keys.keys["k"], revoked_ts=NOW + 60)

    async def fine(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("fine")(scope, receive, send)

    app = small_app(keys)
    needed = KeyNeeded(fine, keys, loopback=False, clock=SteadyClock(wall, going))

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        await needed({**scope, "app": app}, receive, send)

    client = TestClient(asked)

    def status() -> int:
        path = "/v1/communities/town/members/ana/recommendations/groups"
        return client.get(path, headers={"authorization": header}).status_code

    assert status() == 200
    wall.now, going.now = NOW + 61, 61.0
    assert status() == 401
    wall.now, going.now = NOW + 62 - DAY_S, 62.0
    assert status() == 401


def test_a_bucket_neither_fills_nor_stays_empty_because_a_clock_was_set_back() -> None:
    clock = Clock()
    buckets = Buckets(RateLimit(requests_per_s=1, burst=2), clock)
    assert [buckets.take("k").allowed for _ in range(3)] == [True, True, False]
    clock.now -= DAY_S
    assert not buckets.take("k").allowed
    clock.now += 1
    assert buckets.take("k").allowed
