"""When the client tries again, how long it waits, and what it never sends twice."""

from __future__ import annotations

from random import Random
from typing import Any

import httpx
import pytest

from belong.client import (
    Acknowledged,
    Client,
    Event,
    Feedback,
    Group,
    ItemKind,
    Leave,
    RefusedError,
    TryAgainError,
    UnreachableError,
    UnreadableError,
    asking,
    overseeing,
    telling,
)
from belong.client.call import Call
from tests.belong.client_wire import BOTH, SLATE, Send, Wire, by_waiting, done, problem

MANY = {"sequence": 7, "changes": 1, "repeated": True}
COUNTED = {"sequence": 7, "events": 1, "new": 0}
LEAVE = telling.leave("town", "ana", "bakers")
LOST = [
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("late"),
    httpx.ReadTimeout("late"),
    httpx.ReadError("reset"),
    httpx.WriteError("reset"),
    httpx.RemoteProtocolError("half an answer"),
]
BUSY = [problem(408, "late-body"), problem(429, "too-many"), problem(503, "behind")]
HARMLESS: list[tuple[Call[Any], object]] = [
    (asking.groups_for("town", "ana"), SLATE),
    (telling.put_group("town", "bakers", Group()), {"sequence": 7}),
    (LEAVE, {"sequence": 7}),
    (telling.send_changes("town", [Leave("ana", "bakers")]), MANY),
    (telling.send_changes("town", [Leave("ana", "bakers")], "mine"), MANY),
    (telling.feedback("town", [Feedback("r", "m", "i", ItemKind.GROUP, Event.SHOWN)]), COUNTED),
]


@pytest.mark.parametrize("send", BOTH)
@pytest.mark.parametrize("failure", [*LOST, *BUSY])
@pytest.mark.parametrize(("call", "body"), HARMLESS)
def test_what_does_no_harm_twice_is_sent_again_as_it_was(
    send: Send, failure: httpx.Response | Exception, call: Call[Any], body: object
) -> None:
    wire = Wire(failure, done(body))
    assert send(wire, call) is not None
    first, second = wire.requests
    assert first.content == second.content
    assert first.headers == second.headers  # the idempotency key and the request's id included
    assert ("idempotency-key" in first.headers) is first.url.path.endswith("/changes")
    assert len(wire.waits) == 1


@pytest.mark.parametrize("send", BOTH)
@pytest.mark.parametrize("failure", [*LOST, *BUSY])
@pytest.mark.parametrize(
    "call",
    [
        asking.groups_for_text("town", "hi"),
        asking.members_for_text("town", "hi"),
        asking.groups_for_many("town", ["ana"]),
        asking.rank_members("town", "ana", ["bo"]),
        overseeing.clear_reports("town", "ana"),
    ],
)
def test_a_post_without_a_key_is_never_sent_twice(
    send: Send, failure: httpx.Response | Exception, call: Call[Any]
) -> None:
    wire = Wire(failure, done(SLATE))
    with pytest.raises((UnreachableError, TryAgainError)):
        send(wire, call)
    assert (len(wire.requests), wire.waits) == (1, [])


@pytest.mark.parametrize(
    "failure",
    [
        problem(500, "internal"),
        problem(404, "unknown"),
        httpx.Response(502),
        httpx.LocalProtocolError("ours"),
        httpx.UnsupportedProtocol("ours"),
        httpx.DecodingError("theirs"),
    ],
)
def test_what_will_not_pass_by_itself_is_not_tried_again(
    failure: httpx.Response | Exception,
) -> None:
    wire = Wire(failure, done())
    with pytest.raises((RefusedError, UnreadableError, UnreachableError)):
        by_waiting(wire, LEAVE)
    assert len(wire.requests) == 1


@pytest.mark.parametrize("send", BOTH)
def test_it_gives_up_after_as_many_retries_as_it_was_given(send: Send) -> None:
    wire = Wire(*[httpx.ConnectError("refused")] * 5)
    with pytest.raises(UnreachableError, match="ConnectError") as caught:
        send(wire, LEAVE)
    assert len(wire.requests) == 4
    assert caught.value.problem is None
    assert caught.value.request_id == wire.requests[0].headers["x-request-id"]
    assert "https://belong.example" in str(caught.value)


def test_without_retries_it_asks_once() -> None:
    wire = Wire(problem(503, "behind"))
    with pytest.raises(TryAgainError) as caught:
        by_waiting(wire, LEAVE, retries=0)
    assert caught.value.problem.type == "urn:belong:problem:behind"
    assert caught.value.retry_after_s is None


def test_waits_double_with_half_of_each_left_to_chance() -> None:
    wire = Wire(*[httpx.ConnectError("refused")] * 9)
    with pytest.raises(UnreachableError):
        by_waiting(wire, LEAVE, retries=8)
    longest = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0]
    assert all(most / 2 <= wait <= most for wait, most in zip(wire.waits, longest, strict=True))
    assert len({wait / most for wait, most in zip(wire.waits, longest, strict=True)}) == 8


@pytest.mark.parametrize("send", BOTH)
def test_it_never_comes_back_before_it_was_asked_to(send: Send) -> None:
    busy = problem(429, "too-many", **{"retry-after": "3"})
    wire = Wire(busy, busy, done())
    assert send(wire, LEAVE) == Acknowledged(7)
    assert [3 <= wait <= 3.2 for wait in wire.waits] == [True, True]
    assert wire.waits[0] != wire.waits[1]


@pytest.mark.parametrize("asked", ["11", "86400", "1e300"])
def test_asked_to_wait_for_long_it_tells_rather_than_waits(asked: str) -> None:
    wire = Wire(problem(503, "overloaded", **{"retry-after": asked}), done())
    with pytest.raises(TryAgainError) as caught:
        by_waiting(wire, LEAVE)
    assert caught.value.retry_after_s == float(asked)
    assert wire.waits == []


@pytest.mark.parametrize("asked", ["", "soon", "-1", "nan", "inf", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_retry_after_that_is_no_number_is_as_none(asked: str) -> None:
    wire = Wire(problem(503, "overloaded", **{"retry-after": asked}), done())
    assert by_waiting(wire, LEAVE) == Acknowledged(7)
    assert 0.05 <= wire.waits[0] <= 0.1


def test_a_busy_proxy_is_waited_for_too() -> None:
    wire = Wire(httpx.Response(503, text="<html>"), done())
    assert by_waiting(wire, LEAVE) == Acknowledged(7)
    wire = Wire(httpx.Response(503, text="<html>"))
    with pytest.raises(TryAgainError) as caught:
        by_waiting(wire, LEAVE, retries=0)
    assert caught.value.problem.status == 503


def test_each_call_has_an_id_and_a_key_of_its_own() -> None:
    wire = Wire(done(MANY), done(MANY))
    transport = httpx.MockTransport(wire.answer)
    with Client("https://belong.example", transport=transport, random=Random(1)) as client:
        for _ in range(2):
            client.send_changes("town", [Leave("ana", "bakers")])
    for name in ("x-request-id", "idempotency-key"):
        assert len({request.headers[name] for request in wire.requests}) == 2
