"""How often a key may ask: a bucket each, whatever the clock does."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.store.api_key import KeyScope
from engine.errors import SettingError
from serving.limits import Allowance, Buckets, RateLimit
from tests.serving.answers import assert_problem
from tests.serving.small_app import ONLY_LOOPBACK, FakeKeys, ask, client_of, small_app


@dataclass
class Clock:
    """A clock that stands still until it is set."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_allowed_then_as_many_as_the_rate_refills() -> None:
    clock = Clock()
    buckets = Buckets(RateLimit(2, 3), clock)
    assert [buckets.take("a").allowed for _ in range(5)] == [True, True, True, False, False]
    clock.now += 1
    assert [buckets.take("a").allowed for _ in range(3)] == [True, True, False]


def test_a_long_pause_fills_the_bucket_and_no_more() -> None:
    clock = Clock()
    buckets = Buckets(RateLimit(2, 3), clock)
    buckets.take("a")
    clock.now += 1e9
    assert sum(buckets.take("a").allowed for _ in range(9)) == 3


def test_it_is_told_how_one_stands() -> None:
    buckets = Buckets(RateLimit(0.5, 2), Clock())
    assert [buckets.take("a") for _ in range(3)] == [
        Allowance(True, 1, 2, 0),
        Allowance(True, 0, 4, 2),
        Allowance(False, 0, 4, 2),
    ]


def test_after_the_time_told_the_next_one_may_come() -> None:
    clock = Clock()
    buckets = Buckets(RateLimit(0.3, 1), clock)
    buckets.take("a")
    refused = buckets.take("a")
    clock.now += refused.retry_after_s - 1
    assert not buckets.take("a").allowed
    clock.now += 1
    assert buckets.take("a").allowed


def test_keys_do_not_use_up_each_others_tokens() -> None:
    buckets = Buckets(RateLimit(1, 1), Clock())
    assert [buckets.take(key).allowed for key in "abab"] == [True, True, False, False]


def test_a_clock_set_back_locks_nobody_out_and_gives_nothing_away() -> None:
    clock = Clock(1e9)
    buckets = Buckets(RateLimit(1, 2), clock)
    buckets.take("a")
    clock.now = 0
    assert [buckets.take("a").allowed for _ in range(2)] == [True, False]
    clock.now = 1
    assert [buckets.take("a").allowed for _ in range(2)] == [True, False]


@given(
    st.lists(st.floats(-1e6, 1e6), max_size=60),
    st.floats(0.01, 1e4),
    st.integers(1, 50),
)
def test_never_more_is_allowed_than_the_burst_and_what_time_refilled(
    steps: list[float], rate: float, burst: int
) -> None:
    clock = Clock()
    buckets = Buckets(RateLimit(rate, burst), clock)
    passed = allowed = 0.0
    for step in steps:
        clock.now += step
        passed += max(0.0, step)
        told = buckets.take("a")
        allowed += told.allowed
        assert 0 <= told.remaining <= burst
        assert told.allowed or told.retry_after_s >= 1
        assert told.reset_s >= 0
    assert allowed <= burst + passed * rate + 1e-6


def test_memory_is_bounded_and_those_who_ask_are_remembered() -> None:
    buckets = Buckets(RateLimit(1e-9, 1), Clock(), most=3)
    buckets.take("busy")
    for number in range(100):
        assert [buckets.take(str(number)).allowed for _ in range(2)] == [True, False]
        assert not buckets.take("busy").allowed
    assert len(buckets) == 3


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (math.inf, 1), (math.nan, 1), (1, 0)])
def test_a_limit_without_a_meaning_is_refused(rate: float, burst: int) -> None:
    with pytest.raises(SettingError):
        RateLimit(rate, burst)


def test_a_key_that_asks_too_often_gets_429_and_every_answer_says_how_it_stands() -> None:
    keys = FakeKeys()
    busy, other = keys.add("b", KeyScope.READ), keys.add("o", KeyScope.READ)
    client = client_of(small_app(keys, limit=RateLimit(0.001, 3)))
    first = ask(client, "GET /v1/communities", busy)
    assert [first.headers[f"ratelimit-{name}"] for name in ("limit", "remaining", "reset")] == [
        "3",
        "2",
        "1000",
    ]
    # Refusals take a token too: guessing what there is costs as much as asking.
    forbidden = ask(client, "POST /v1/communities/{community}/changes", busy)
    assert (forbidden.status_code, forbidden.headers["ratelimit-remaining"]) == (403, "1")
    ask(client, "GET /v1/communities", busy)
    refused = ask(client, "GET /v1/communities", busy)
    assert_problem(refused, 429, "too-many")
    assert 900 <= int(refused.headers["retry-after"]) <= 1000
    assert refused.headers["ratelimit-remaining"] == "0"
    assert ask(client, "GET /v1/communities", other).status_code == 200


def test_without_a_key_or_on_an_open_route_there_is_no_limit() -> None:
    keys = FakeKeys()
    client = client_of(small_app(keys, ONLY_LOOPBACK, limit=RateLimit(0.001, 1)))
    answers = [ask(client, "GET /v1/communities") for _ in range(3)]
    keys.add("r", KeyScope.READ)
    answers += [ask(client, "GET /healthz") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert not any("ratelimit-limit" in answer.headers for answer in answers)


def test_a_made_up_key_has_no_bucket() -> None:
    keys = FakeKeys()
    keys.add("r", KeyScope.READ)
    client = client_of(small_app(keys, limit=RateLimit(0.001, 1)))
    answers = [ask(client, "GET /v1/communities", "Bearer made-up") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {401}
