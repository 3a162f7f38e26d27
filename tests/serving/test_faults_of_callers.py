"""Callers who send half a request, or never take their answer, keep nobody else waiting."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import Response

from serving.connections import Patience, PatientHttpTools
from serving.errors import add_error_handlers
from serving.intake import Intake
from serving.request_ids import RequestIds
from serving.shedding import LoadShedding, Room
from tests.serving.running import wait_until

pytestmark = pytest.mark.alone

LARGE = 30_000_000
"""Bytes of an answer that fits into no buffer."""

BODY_S, HEAD_S, TAKEN_S = 0.8, 0.4, 0.8
"""Longer than what a busy machine needs to look up, much shorter than the tests wait."""

SOON_S = 5.0
HEAD = b"POST /length HTTP/1.1\r\nhost: x\r\n"


def small(room: Room) -> FastAPI:
    app = FastAPI()
    add_error_handlers(app)

    @app.post("/length")
    async def length(request: Request) -> int:
        return len(await request.body())

    @app.get("/large")
    async def large() -> Response:
        return Response(bytes(LARGE))

    @app.get("/slow")
    async def slow() -> int:
        await asyncio.sleep(60)
        return 0

    app.add_middleware(Intake, body_s=BODY_S)
    app.add_middleware(LoadShedding, room=room)
    app.add_middleware(RequestIds)
    return app


@dataclass(frozen=True)
class Running:
    """A server of one room, in this process."""

    server: uvicorn.Server
    port: int

    @property
    def connections(self) -> int:
        return len(self.server.server_state.connections)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=SOON_S)

    def ask(self, sent: bytes) -> tuple[int, dict[str, Any] | int]:
        """Send something and return the status and the body of the answer."""
        with self.connect() as connection:
            connection.sendall(sent)
            return answer_on(connection)


def answer_on(connection: socket.socket) -> tuple[int, dict[str, Any] | int]:
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65_536)
        assert part, "hung up without an answer"
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65_536)
    return int(head.split()[1]), json.loads(body)


@contextmanager
def running(room: Room, patience: Patience) -> Iterator[Running]:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as listening:
        protocol: Any = partial(PatientHttpTools, patience=patience)
        config = uvicorn.Config(small(room), http=protocol, ws="none", log_level="critical")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        wait_until(lambda: server.started)
        yield Running(server, listening.getsockname()[1])
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def one() -> Iterator[Running]:
    """A server that answers one request at a time: whoever keeps it keeps it from all."""
    room = Room(handled=1, queued=50, wait_s=SOON_S, sending=3, answer_s=0.5)
    with running(room, Patience(HEAD_S, TAKEN_S, connections=20)) as server:
        yield server


def ended(connection: socket.socket) -> float:
    """Return the seconds until a connection is hung up on."""
    begun = time.monotonic()
    try:
        while connection.recv(65_536):
            pass
    except ConnectionResetError:
        pass
    return time.monotonic() - begun


WHOLE = HEAD + b"content-length: 3\r\n\r\nabc"


@pytest.mark.parametrize("start", [b"", b"POST /le", HEAD, HEAD + b"x: ", b"\r\n"])
def test_who_never_ends_a_head_is_hung_up_on(one: Running, start: bytes) -> None:
    with one.connect() as connection:
        connection.sendall(start)
        assert one.ask(WHOLE) == (200, 3)
        assert HEAD_S / 2 < ended(connection) < SOON_S


def test_half_a_head_after_an_answer_is_hung_up_on_as_well(one: Running) -> None:
    with one.connect() as connection:
        connection.sendall(WHOLE)
        assert answer_on(connection) == (200, 3)
        connection.sendall(HEAD)
        assert HEAD_S / 2 < ended(connection) < SOON_S


def test_a_head_that_comes_in_time_byte_by_byte_is_answered(one: Running) -> None:
    with one.connect() as connection:
        for place in range(len(WHOLE)):
            connection.sendall(WHOLE[place : place + 1])
        assert answer_on(connection) == (200, 3)


@pytest.mark.parametrize("framing", [b"content-length: 3", b"transfer-encoding: chunked"])
def test_half_a_body_is_answered_408_and_keeps_nobody_waiting(one: Running, framing: bytes) -> None:
    body = b"a" if framing.startswith(b"content") else b"1\r\na\r\n"
    with ExitStack() as open_:
        halves = [open_.enter_context(one.connect()) for _ in range(3)]
        for half in halves:
            half.sendall(HEAD + framing + b"\r\n\r\n" + body)
        begun = time.monotonic()
        assert one.ask(WHOLE) == (200, 3)
        assert time.monotonic() - begun < BODY_S / 2  # it did not wait for them
        for half in halves:
            status, told = answer_on(half)
            assert (status, kind_of(told)) == (408, "late-body")
            assert ended(half) < SOON_S


def test_a_body_that_comes_slowly_but_in_time_is_read_whole(one: Running) -> None:
    with one.connect() as connection:
        connection.sendall(HEAD + b"content-length: 4\r\n\r\n")
        for _ in range(4):
            time.sleep(BODY_S / 6)
            connection.sendall(b"x")
        assert answer_on(connection) == (200, 4)


def test_more_slow_bodies_than_there_is_room_for_are_refused_and_whole_ones_are_not(
    one: Running,
) -> None:
    with ExitStack() as open_:
        halves = [open_.enter_context(one.connect()) for _ in range(5)]
        for half in halves:
            half.sendall(HEAD + b"content-length: 3\r\n\r\na")
        assert one.ask(WHOLE) == (200, 3)
        told = [answer_on(half) for half in halves]
    kinds = sorted(kind_of(body) for _, body in told)
    assert kinds == ["late-body"] * 3 + ["overloaded"] * 2


def test_who_never_takes_an_answer_is_hung_up_on_and_keeps_nobody_waiting(one: Running) -> None:
    with one.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        # Several in a row: the second waits until the first is taken.
        connection.sendall(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n" * 3)
        time.sleep(TAKEN_S / 8)
        begun = time.monotonic()
        assert one.ask(WHOLE) == (200, 3)
        assert time.monotonic() - begun < TAKEN_S / 2  # it did not wait for that
        wait_until(lambda: one.connections == 0)
        assert time.monotonic() - begun < SOON_S


def test_who_takes_an_answer_slowly_gets_all_of_it(one: Running) -> None:
    with one.connect() as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        received, begun = 0, time.monotonic()
        while part := connection.recv(1_000_000):
            received += len(part)
            due = received / LARGE * 3 * TAKEN_S
            time.sleep(max(0.0, begun + due - time.monotonic()))
        assert received > LARGE
        assert time.monotonic() - begun > 2 * TAKEN_S


def test_with_too_many_connections_whoever_waits_longest_goes() -> None:
    with ExitStack() as open_:
        one = open_.enter_context(running(Room(), Patience(head_s=60, connections=5)))
        silent = []
        for count in range(5):
            silent.append(open_.enter_context(one.connect()))
            wait_until(partial(lambda there: one.connections == there, count + 1))
            time.sleep(0.02)  # the event loop counts milliseconds
        assert one.ask(WHOLE) == (200, 3)
        assert ended(silent[0]) < SOON_S
        silent[4].sendall(WHOLE)
        assert answer_on(silent[4]) == (200, 3)


def test_with_too_many_connections_that_are_all_answered_the_newcomer_is_refused() -> None:
    room = Room(handled=2, wait_s=SOON_S)
    with running(room, Patience(connections=1)) as server, server.connect() as busy:
        busy.sendall(HEAD + b"content-length: 3\r\n\r\n")
        time.sleep(0.1)
        with server.connect() as newcomer:
            status, told = answer_on(newcomer)
        assert (status, kind_of(told)) == (503, "overloaded")
        busy.sendall(b"abc")
        assert answer_on(busy) == (200, 3)


def test_an_answer_that_takes_too_long_is_given_up_and_makes_room(one: Running) -> None:
    begun = time.monotonic()
    status, told = one.ask(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (status, kind_of(told)) == (503, "too-slow")
    assert time.monotonic() - begun < SOON_S
    assert one.ask(WHOLE) == (200, 3)


def kind_of(told: dict[str, Any] | int) -> str:
    assert isinstance(told, dict)
    return str(told["type"]).rpartition(":")[2]
