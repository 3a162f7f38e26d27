"""What is read of a request at all, by the middleware and by the protocol under it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from serving.intake import MOST_HEADER_BYTES, MOST_HEADERS, BoundedHttpTools, Intake
from tests.serving.answers import assert_problem
from tests.serving.small_app import client_of

MANY = 50_000_000
"""Bytes an attacker is ready to send."""


def echo() -> FastAPI:
    app = FastAPI()

    @app.post("/length")
    async def length(request: Request) -> int:
        return len(await request.body())

    app.add_middleware(Intake)
    return app


@pytest.fixture
def client() -> TestClient:
    return client_of(echo())


@pytest.mark.parametrize(
    "coding", ["gzip", "GZIP", "br", "deflate", "zstd", "identity, gzip", "x", "gzip;q=0"]
)
def test_a_compressed_body_is_refused_unread(client: TestClient, coding: str) -> None:
    answer = client.post("/length", content=b"x", headers={"content-encoding": coding})
    assert_problem(answer, 415, "encoded")


@pytest.mark.parametrize("coding", ["identity", "Identity", "", "identity, identity"])
def test_a_body_sent_as_it_is_is_read(client: TestClient, coding: str) -> None:
    answer = client.post("/length", content=b"xyz", headers={"content-encoding": coding})
    assert answer.json() == 3


def test_a_transfer_coding_that_compresses_is_refused(client: TestClient) -> None:
    headers = {"transfer-encoding": "gzip, chunked"}
    assert_problem(client.post("/length", content=b"x", headers=headers), 415, "encoded")


def test_headers_are_read_up_to_a_number_and_a_size(client: TestClient) -> None:
    usual = len(client.post("/length").request.headers)
    for extra, status in ((MOST_HEADERS - usual, 200), (MOST_HEADERS - usual + 1, 431)):
        headers = {f"x-{number}": "1" for number in range(extra)}
        assert client.post("/length", headers=headers).status_code == status
    most = {"x": "1" * (MOST_HEADER_BYTES - 1_000)}
    assert client.post("/length", headers=most).status_code == 200
    answer = client.post("/length", headers={"x": "1" * MOST_HEADER_BYTES})
    assert_problem(answer, 431, "headers")
    assert answer.headers["connection"] == "close"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server with the bounded protocol, in this process."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        config = uvicorn.Config(echo(), http=BoundedHttpTools, ws="none", log_level="critical")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


def sent(port: int, start: bytes, piece: bytes = b"", most: int = 0) -> tuple[bytes, int]:
    """Send a start, then pieces for ever; return the answer and the bytes sent until hung up on."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        total = len(start)
        try:
            connection.sendall(start)
            while total < most:
                connection.sendall(piece)
                total += len(piece)
        except OSError:
            pass
        answer = b""
        try:
            while part := connection.recv(65_536):
                answer += part
        except OSError:
            pass
        return answer, total


HEAD = b"POST /length HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (HEAD + b"x: ", b"1" * 4_096),
        (HEAD, b"x: " + b"1" * 1_000 + b"\r\n"),
        (HEAD, b"x: 1\r\n"),
        (b"POST /", b"x" * 4_096),
        (CHUNKED + b"x: ", b"1" * 4_096),
        (CHUNKED, b"x: 1\r\n" * 100),
    ],
    ids=["one long header", "long headers", "short headers", "path", "trailer", "trailers"],
)
def test_a_head_or_a_trailer_that_never_ends_is_hung_up_on(
    port: int, start: bytes, piece: bytes
) -> None:
    _, total = sent(port, start, piece, MANY)
    assert total < MANY / 4  # what the kernel buffers is sent as well


def test_what_is_too_long_is_told_so(port: int) -> None:
    answer, _ = sent(port, HEAD + b"x: " + b"1" * 65_500)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"urn:belong:problem:headers" in answer


def test_a_large_body_is_not_taken_for_a_head(port: int) -> None:
    size = 900_000
    head = HEAD + b"content-length: %d\r\n\r\n" % size
    answer, _ = sent(port, head, b"x" * 50_000, size + len(head))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"%d" % size)


def test_a_body_in_tiny_chunks_and_requests_in_a_row_are_read(port: int) -> None:
    body = b"1\r\nx\r\n" * 30_000 + b"0\r\n\r\n"
    answer, _ = sent(port, HEAD + b"transfer-encoding: chunked\r\n\r\n" + body)
    assert answer.endswith(b"30000")
    again = HEAD.replace(b"connection: close\r\n", b"content-length: 0\r\n\r\n")
    answer, _ = sent(port, again * 3_000 + HEAD + b"content-length: 0\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 ") == 3_001
