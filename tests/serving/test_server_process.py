"""The real server: a process of its own on a loopback port."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import pytest

from tests.odd_world import IDS, NAME
from tests.serving.running import wait_until

GROUPS = "/v1/communities/world/members/ana/recommendations/groups"
STOP_S = 20

HEAVY = ("torch", "sentence_transformers", "sklearn", "polars", "transformers", "pyarrow")

TRAINING_ALONE = (*HEAVY, "threadpoolctl", "orjson", "stop_words", "onnx", "psutil")
"""What `pip install belong[serve]` does not bring, or not for certain."""

SERVE_WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(sys.argv.pop(1).split()))
import serving.run
from belong.cli import main
main(["serve", "--help"])
"""

ANSWER_EVERYTHING = """
import json, sys, time
from pathlib import Path
from fastapi.testclient import TestClient
from serving.app import create_app
from serving.settings import ServeSettings

with TestClient(create_app(ServeSettings(Path(sys.argv[1])))) as client:
    while client.get("/readyz").status_code != 200:
        time.sleep(0.05)
    base = "/v1/communities/world"
    text = {"text": "rockets and sourdough"}
    for kind in ("groups", "members"):
        assert client.get(f"{base}/members/ana/recommendations/{kind}").json()["items"]
    assert client.post(f"{base}/recommendations/groups", json=text).json()["items"]
    text["audience"] = "adult"
    assert client.post(f"{base}/recommendations/members", json=text).json()["items"]
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def is_ready(port: int) -> bool:
    try:
        return ask(port, "/readyz")[0] == 200
    except OSError:
        return False


def test_a_server_is_installed_without_what_training_needs() -> None:
    words = [sys.executable, "-c", SERVE_WITHOUT, " ".join(TRAINING_ALONE)]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert "--bundles" in ended.stdout


@dataclass(frozen=True)
class Server:
    """A server that runs, and the files it writes to: nobody reads a pipe until it ends."""

    process: subprocess.Popen[bytes]
    port: int
    out: Path
    err: Path

    def assert_ended_well(self) -> None:
        self.process.wait(timeout=STOP_S)
        err = self.err.read_text("utf-8")
        assert self.process.returncode == 0, err
        assert "Traceback" not in err
        assert self.out.read_text("utf-8") == ""


@contextmanager
def server(bundles: Path, *options: str) -> Iterator[Server]:
    """Start `belong serve` in a process group of its own and wait until it is ready."""
    port = free_port()
    command = [sys.executable, "-m", "belong", "serve", "--bundles", str(bundles)]
    with TemporaryDirectory() as told:
        out, err = Path(told) / "out", Path(told) / "err"
        with out.open("wb") as to_out, err.open("wb") as to_err:
            process = subprocess.Popen(
                [*command, "--port", str(port), *options],
                stdout=to_out,
                stderr=to_err,
                start_new_session=True,
            )
        try:
            wait_until(lambda: process.poll() is not None or is_ready(port))
            assert process.poll() is None, err.read_text("utf-8")
            yield Server(process, port, out, err)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_it_becomes_ready_answers_and_ends_on_sigterm(served: Path) -> None:
    with server(served) as one:
        process, port = one.process, one.port
        status, body = ask(port, GROUPS)
        assert (status, body["items"][0]["id"]) == (200, "launch-site")
        text = json.dumps({"text": "my levain and the crumb of sourdough"}).encode()
        status, body = ask(port, "/v1/communities/world/recommendations/groups", "POST", text)
        assert status == 200
        assert body["items"][0]["id"] in {"bakers", "oven-talk"}
        assert ask(port, "/v1/communities/world/members/x/recommendations/groups")[0] == 404
        for member in IDS:
            name = f"{quote(NAME, safe='')}/members/{quote(member, safe='')}"
            status, body = ask(port, f"/v1/communities/{name}/recommendations/groups")
            assert status == 200, (member[:80], body)
        process.send_signal(signal.SIGTERM)
        one.assert_ended_well()


def test_a_body_announced_too_large_is_refused_before_it_is_sent(world_bundles: Path) -> None:
    with server(world_bundles) as one:
        process, port = one.process, one.port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.putrequest("POST", "/v1/communities/world/recommendations/groups")
        connection.putheader("content-length", str(10**10))
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("connection")) == (413, "close")
        connection.close()
        # Ctrl-C in a terminal.
        os.killpg(process.pid, signal.SIGINT)
        one.assert_ended_well()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_two_workers_answer_and_end_together(world_bundles: Path, number: signal.Signals) -> None:
    with server(world_bundles, "--workers", "2") as one:
        process, port = one.process, one.port
        # Workers become ready one by one; the second may still be loading.
        wait_until(lambda: all(is_ready(port) for _ in range(10)))
        for _ in range(10):
            status, body = ask(port, GROUPS)
            assert (status, body["items"][0]["id"]) == (200, "launch-site")
        # A service manager tells the parent, Ctrl-C tells the whole group.
        if number == signal.SIGTERM:
            process.send_signal(number)
        else:
            os.killpg(process.pid, number)
        one.assert_ended_well()


def test_a_port_that_is_taken_is_told_in_one_sentence(world_bundles: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        command = [sys.executable, "-m", "belong", "serve", "--port", port]
        ended = subprocess.run(
            [*command, "--bundles", str(world_bundles)], capture_output=True, text=True, timeout=30
        )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr


def test_a_server_imports_nothing_of_training(world_bundles: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ANSWER_EVERYTHING, str(world_bundles)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    loaded = json.loads(ended.stdout)
    assert "onnxruntime" in loaded
    assert not {"training", *HEAVY} & set(loaded)
