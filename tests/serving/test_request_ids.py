"""Every answer carries an id, the caller's own where it can be used."""

from __future__ import annotations

import asyncio
import re

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from serving.errors import add_error_handlers
from serving.request_ids import RequestIds, current_request_id
from tests.serving.answers import assert_problem
from tests.serving.small_app import client_of

OURS = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    add_error_handlers(app)

    @app.get("/seen")
    async def seen() -> str:
        return current_request_id.get()

    @app.get("/seen-in-a-thread")
    def in_thread() -> str:
        return current_request_id.get()

    @app.get("/refused")
    async def refused() -> None:
        raise HTTPException(404, "gone")

    @app.get("/fault")
    async def fault() -> None:
        raise KeyError("a fault")

    app.add_middleware(RequestIds)
    return client_of(app)


@pytest.mark.parametrize("given", ["a", "!~", "x" * 128, "0af7651916cd43dd-8448eb211c80319c"])
@pytest.mark.parametrize("path", ["/seen", "/seen-in-a-thread"])
def test_a_usable_id_comes_back_and_is_known_within(
    client: TestClient, given: str, path: str
) -> None:
    answer = client.get(path, headers={"x-request-id": given})
    assert (answer.headers["x-request-id"], answer.json()) == (given, given)


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "tab\tbed", "\x7f", "café"])
def test_an_unusable_id_is_replaced(client: TestClient, given: str) -> None:
    answer = client.get("/seen", headers=[(b"x-request-id", given.encode("latin-1"))])
    assert OURS.fullmatch(answer.headers["x-request-id"])
    assert answer.json() == answer.headers["x-request-id"]


def test_no_id_or_two_are_replaced_by_one_of_its_own(client: TestClient) -> None:
    answers = [client.get("/seen"), client.get("/seen"), client.get("/seen", headers=TWO)]
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == 3
    assert all(OURS.fullmatch(found) for found in ids)


TWO = [("x-request-id", "one"), ("x-request-id", "two")]


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [("/nothing", 404, "unknown"), ("/refused", 404, "unknown"), ("/fault", 500, "internal")],
)
def test_an_error_carries_the_id_too(client: TestClient, path: str, status: int, kind: str) -> None:
    answer = client.get(path, headers={"x-request-id": "mine"})
    assert_problem(answer, status, kind)
    assert answer.headers.get_list("x-request-id") == ["mine"]


def test_a_fault_is_raised_again_for_the_server_to_log(client: TestClient) -> None:
    with pytest.raises(KeyError), TestClient(client.app) as strict:
        strict.get("/fault")


def test_outside_of_a_request_there_is_no_id() -> None:
    seen: list[str] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(current_request_id.get())

    async def never() -> Message:
        raise AssertionError("nothing is read")

    async def drop(message: Message) -> None:
        return None

    async def scenario() -> None:
        scope = {"type": "http", "headers": [(b"x-request-id", b"mine")]}
        await RequestIds(inner)(scope, never, drop)
        seen.append(current_request_id.get())

    asyncio.run(scenario())
    assert seen == ["mine", ""]
