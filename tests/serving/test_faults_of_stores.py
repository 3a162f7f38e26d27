"""A server whose store goes away, falls silent or is full: clear answers, and no hand needed."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from benchmarks.live_place import Place, copied_place
from benchmarks.server import Server, running_server
from serving.shedding import Room
from tests.postgres import Server as Postgres
from tests.serving.running import wait_until
from tests.slow_network import Network, network

pytestmark = pytest.mark.alone

ANA = "/members/ana/recommendations/groups"
RECOVERED_S = 8.0
BOUND_S = Room().answer_s + 2
HEALTHY_S = 1.0
"""How soon a healthy process says so, on a busy machine."""

DISK_MB = 6


@dataclass(frozen=True)
class Answer:
    """What came back, and after how long."""

    status: int
    kind: str
    retry_after: str | None
    seconds: float


@dataclass(frozen=True)
class Asker:
    """Asks one server about one community."""

    server: Server
    place: Place

    def ask(self, path: str, method: str = "GET", body: dict[str, Any] | None = None) -> Answer:
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        try:
            sent = None if body is None else json.dumps(body).encode()
            connection.request(method, path, sent, {"content-type": "application/json"})
            answer = connection.getresponse()
            told = json.loads(answer.read())
        finally:
            connection.close()
        kind = str(told.get("type", "")).rpartition(":")[2]
        took = time.monotonic() - begun
        return Answer(answer.status, kind, answer.getheader("retry-after"), took)

    def read(self) -> Answer:
        return self.ask(self.place.root + ANA)

    def write(self, member: str, text: str = "") -> Answer:
        return self.ask(f"{self.place.root}/members/{member}", "PUT", {"text": text})

    def health(self) -> Answer:
        return self.ask("/healthz")

    def recovers(self) -> None:
        """Wait until both reading and writing are answered again, not long."""
        begun = time.monotonic()
        wait_until(lambda: self.read().status == 200 and self.write("back").status == 200)
        assert time.monotonic() - begun < RECOVERED_S


@pytest.fixture(scope="module")
def net(postgres_server: Postgres) -> Iterator[Network]:
    with network(f"{postgres_server.folder}/.s.PGSQL.5432") as made:
        yield made


@pytest.fixture(scope="module")
def far(
    net: Network,
    postgres_server: Postgres,
    world_bundles: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Asker]:
    """A server whose PostgreSQL is reached over a network."""
    database = postgres_server.new_database().partition("@/")[2].partition("?")[0]
    url = f"postgresql://postgres@127.0.0.1:{net.port}/{database}?gssencmode=disable"
    place = copied_place(world_bundles, None, tmp_path_factory.mktemp("far"), url)
    with running_server(place.bundles, store=url) as server:
        asker = Asker(server, place)
        asker.recovers()
        yield asker
        net.mend()


def is_told(answer: Answer) -> bool:
    """Return whether a store's trouble was told of as it must be."""
    return (answer.status, answer.kind) == (503, "store") and answer.retry_after is not None


def test_while_the_database_is_gone_nothing_stale_is_told_and_when_it_is_back_all_goes_on(
    far: Asker, postgres_server: Postgres
) -> None:
    assert (far.read().status, far.write("ann").status) == (200, 200)
    postgres_server.stop()
    try:
        answers = [far.read() for _ in range(5)] + [far.write("bo") for _ in range(3)]
        assert [is_told(one) for one in answers] == [True] * 8, answers
        assert max(one.seconds for one in answers) < BOUND_S
        assert far.health().status == 200
        assert far.health().seconds < HEALTHY_S
    finally:
        postgres_server.start()
    far.recovers()
    database = far.place.store.rpartition("/")[2].partition("?")[0]
    with psycopg.connect(postgres_server.url(database)) as connection:
        kept = connection.execute("SELECT id FROM members WHERE id IN ('ann', 'back')").fetchall()
        count = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        connections = connection.execute(count, (database,)).fetchone()
    assert len(kept) == 2  # what was acknowledged before and after
    assert connections is not None
    assert connections[0] <= 12


def test_a_silent_database_holds_up_neither_the_process_nor_any_answer_for_long(
    net: Network, far: Asker
) -> None:
    far.recovers()
    net.swallow()
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(far.read) for _ in range(6)]
        healthy = []
        while not all(one.done() for one in asked):
            healthy.append(far.health())
            time.sleep(0.1)
        answers = [one.result() for one in asked]
    net.mend()
    assert {one.status for one in answers} == {503}
    assert {one.kind for one in answers} <= {"store", "too-slow", "overloaded"}
    assert all(one.retry_after for one in answers)
    assert max(one.seconds for one in answers) < BOUND_S
    assert {one.status for one in healthy} == {200}
    assert max(one.seconds for one in healthy) < HEALTHY_S
    far.recovers()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Give a disk of a few megabytes; skip where nobody may make one."""
    folder.mkdir()
    size = f"size={DISK_MB}m"
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_refuses_changes_and_goes_on_by_itself_when_there_is_room(
    world_bundles: Path, tmp_path: Path
) -> None:
    if os.getuid() != 0:
        pytest.skip("a small disk can be mounted by root alone")
    with small_disk(tmp_path / "disk") as disk:
        place = copied_place(world_bundles, None, tmp_path, str(disk / "belong.sqlite3"))
        with running_server(place.bundles, store=place.store) as server:
            asker = Asker(server, place)
            assert asker.write("ann").status == 200
            (disk / "filler").write_bytes(bytes(room_left(disk) - 100_000))
            told = [asker.write(f"m{n}", "y" * 9_000) for n in range(40)]
            refused = [one for one in told if one.status != 200]
            assert refused, "the disk was not full"
            assert {(one.status, one.kind) for one in refused} == {(503, "full")}
            assert all(one.retry_after for one in refused)
            assert {asker.read().status for _ in range(5)} == {200}
            (disk / "filler").unlink()
            asker.recovers()
            acknowledged = [f"m{n}" for n, one in enumerate(told) if one.status == 200]
            statuses = {
                asker.ask(f"{place.root}/members/{one}/export").status for one in acknowledged
            }
            assert statuses <= {200}


def room_left(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize
