"""What the log says of a request, and what it never says."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel, Field

from data.store.api_key import ApiKey, KeyScope
from serving.entrance import add_entrance
from serving.errors import add_error_handlers
from serving.limits import RateLimit
from serving.logs import OURS, log_as_json
from serving.metrics import Metrics
from serving.request_ids import current_request_id
from serving.shedding import Room
from tests.serving.small_app import FakeKeys, ask, client_of, small_app

REQUEST = {"time", "level", "request_id", "method", "route", "status", "milliseconds", "key"}
MEMBER = "/v1/communities/{community}/members/{member}"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What is logged while a test runs; logging is put back as it was."""
    root = logging.getLogger()
    before = root.handlers, root.level
    written = io.StringIO()
    log_as_json(written)
    yield written
    root.handlers = before[0]
    root.setLevel(before[1])
    for ours in OURS:
        logging.getLogger(ours).setLevel(logging.NOTSET)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def requests(stream: io.StringIO) -> list[dict[str, Any]]:
    return [line for line in lines(stream) if "route" in line]


def test_a_request_is_one_line_with_its_route_and_key(stream: io.StringIO) -> None:
    keys = FakeKeys()
    key = keys.add("k", KeyScope.WRITE)
    client = client_of(small_app(keys))
    ask(client, f"PUT {MEMBER}", key, **{"x-request-id": "mine"})
    (line,) = requests(stream)
    assert set(line) == REQUEST
    told = {
        name: line[name] for name in ("level", "request_id", "method", "route", "status", "key")
    }
    assert told == {
        "level": "info",
        "request_id": "mine",
        "method": "PUT",
        "route": MEMBER,
        "status": 200,
        "key": "id-of-k",
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["time"])
    assert 0 < line["milliseconds"] < 10_000


def test_refusals_and_unknown_paths_are_logged_too(stream: io.StringIO) -> None:
    keys = FakeKeys()
    key = keys.add("k", KeyScope.READ)
    client = client_of(small_app(keys))
    ask(client, f"PUT {MEMBER}", key)
    ask(client, f"PUT {MEMBER}", "Bearer wrong")
    ask(client, "GET /nothing", key)
    client.request("BREW", "/v1/communities", headers={"authorization": key})
    ask(client, "GET /healthz", **{"content-encoding": "gzip"})
    told = [
        (line["method"], line["route"], line["status"], line["key"]) for line in requests(stream)
    ]
    assert told == [
        ("PUT", MEMBER, 403, "id-of-k"),
        ("PUT", MEMBER, 401, ""),
        ("GET", "", 404, "id-of-k"),
        ("other", "/v1/communities", 405, "id-of-k"),
        ("GET", "", 415, ""),
    ]


class Said(BaseModel):
    text: str = Field(max_length=100)


def told_app(keys: FakeKeys) -> FastAPI:
    """Return an app that quotes what it is told in every error it makes."""
    app = FastAPI()
    add_error_handlers(app)

    @app.put("/v1/communities/{community}/members/{member}")
    async def put(community: str, member: str, said: Said, request: Request, how: str) -> str:
        words = f"{community} {member} {said.text} {request.url} {dict(request.headers)}"
        if how == "refused":
            raise HTTPException(404, words)
        if how == "fault":
            try:
                raise KeyError(words)
            except KeyError as error:
                raise ValueError(words) from error
        if how == "logged":
            logging.getLogger("serving.app").exception("it failed", exc_info=KeyError(words))
        return words

    add_entrance(app, keys, False, Metrics(), Room(), RateLimit())
    return app


@pytest.mark.parametrize("how", ["answered", "refused", "fault", "logged", "xuniquehow"])
@pytest.mark.parametrize("text", ["xuniquetext", "xuniquetext" * 20])
def test_nothing_a_member_is_or_says_is_logged(stream: io.StringIO, how: str, text: str) -> None:
    keys = FakeKeys()
    keys.keys["xuniquesecret"] = ApiKey(
        "k1", "xuniquename", frozenset(KeyScope), frozenset(["*"]), 0.0
    )
    client = client_of(told_app(keys))
    for key in ("xuniquesecret", "xuniquewrong"):
        client.put(
            "/v1/communities/town/members/xuniquemember",
            params={"how": how, "q": "xuniquequery"},
            json={"text": text},
            headers={
                "authorization": f"Bearer {key}",
                "cookie": "a=xuniquecookie",
                "user-agent": "xuniqueagent",
                "idempotency-key": "xuniqueidempotency",
            },
        )
    client.get("/xuniquepath", headers={"authorization": "Bearer xuniquesecret"})
    assert len(requests(stream)) == 3
    assert "xunique" not in stream.getvalue()
    if how == "fault" and len(text) < 100:
        assert requests(stream)[0]["status"] == 500


def test_an_error_is_told_by_its_type_and_place(stream: io.StringIO) -> None:
    def fails() -> None:
        raise KeyError("m1")

    token = current_request_id.set("mine")
    try:
        fails()
    except KeyError:
        logging.getLogger("serving.x").exception("bundles could not be looked at")
    current_request_id.reset(token)
    (line,) = lines(stream)
    assert line["error"] == "KeyError"
    assert line["at"][-1].endswith(" fails")
    assert (line["logger"], line["level"], line["request_id"]) == ("serving.x", "error", "mine")
    assert line["message"] == "bundles could not be looked at"


def test_the_cause_of_an_error_is_told_by_its_type(stream: io.StringIO) -> None:
    try:
        try:
            raise KeyError("m1")
        except KeyError as error:
            raise ValueError("m1") from error
    except ValueError:
        logging.getLogger("serving.x").exception("no")
    (line,) = lines(stream)
    assert (line["error"], line["because_of"]) == ("ValueError", "KeyError")
    assert "m1" not in stream.getvalue()


def test_what_asyncio_says_of_a_task_is_cut_after_its_first_line(stream: io.StringIO) -> None:
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: m1")
    logging.getLogger("serving.run").error("Traceback:\n  why it could not start")
    messages = [line["message"] for line in lines(stream)]
    assert messages == [
        "Task exception was never retrieved",
        "Traceback:\n  why it could not start",
    ]


def test_the_daily_work_of_libraries_is_not_told_their_warnings_are(stream: io.StringIO) -> None:
    for name in ("httpx2", "serving.app", "belong.requests"):
        logging.getLogger(name).info("m1 of %s", name)
        logging.getLogger(name).warning("mind")
    told = [(line["logger"], line["level"]) for line in lines(stream)]
    assert told == [
        ("httpx2", "warning"),
        ("serving.app", "info"),
        ("serving.app", "warning"),
        ("belong.requests", "info"),
        ("belong.requests", "warning"),
    ]
