"""A database that is slow, silent or full is told of in time, and used again once it can be."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from data.store.changes import PutMember, apply_changes, create_community
from data.store.connect import ANSWER_S, Store, open_store
from data.store.head import SILENT_S
from data.store.key_finder import key_finder
from engine.errors import StoreFullError, StoreUnavailableError
from tests.postgres import Server
from tests.slow_network import Network, network

pytestmark = pytest.mark.alone

TIMEOUT_S = 0.4
BOUND_S = TIMEOUT_S + ANSWER_S
CONNECT_S = 2.0
"""What the driver takes to give up connecting, which follows when a kept connection has gone."""

SLACK_S = 1.5
"""For a busy machine."""


@pytest.fixture(scope="module")
def net(postgres_server: Server) -> Iterator[Network]:
    with network(f"{postgres_server.folder}/.s.PGSQL.5432") as made:
        yield made


@pytest.fixture
def far(net: Network, postgres_url: str) -> Iterator[Store]:
    """A store behind a network, with a town, and with connections that are in use."""
    database = postgres_url.partition("@/")[2].partition("?")[0]
    url = f"postgresql://postgres@127.0.0.1:{net.port}/{database}?gssencmode=disable"
    store = open_store(url, timeout_s=5.0)
    create_community(store, "town", 1.0)
    store.close()
    store = open_store(url, timeout_s=TIMEOUT_S)
    assert store.head_of("town") == 0
    apply_changes(store, "town", [PutMember("ann")], 2.0)
    yield store
    net.mend()
    store.close()


def test_a_network_that_swallows_everything_is_noticed_in_time(net: Network, far: Store) -> None:
    net.swallow()
    begun = time.monotonic()
    with pytest.raises(StoreUnavailableError, match="no answer within"):
        far.head_of("town")
    assert TIMEOUT_S < time.monotonic() - begun < BOUND_S + SLACK_S


def test_after_silence_all_is_as_before_and_nothing_half_done(net: Network, far: Store) -> None:
    net.swallow()
    begun = time.monotonic()
    with pytest.raises(StoreUnavailableError, match=r"no answer within|connection timeout"):
        apply_changes(far, "town", [PutMember("bo")], 3.0)
    assert TIMEOUT_S < time.monotonic() - begun < BOUND_S + CONNECT_S + SLACK_S
    net.mend()
    assert far.head_of("town") in {1, 2}  # nobody can know whether it arrived
    apply_changes(far, "town", [PutMember("bo")], 4.0)
    apply_changes(far, "town", [PutMember("cy")], 4.0)
    assert far.head_of("town") == 3


def test_many_who_wait_for_a_silent_database_are_all_told_in_time_and_hold_few_connections(
    net: Network, far: Store, postgres_server: Server
) -> None:
    net.swallow()
    begun = time.monotonic()
    took: list[float] = []

    def ask(place: int) -> None:
        with pytest.raises(StoreUnavailableError):
            far.head_of("town") if place % 2 else key_finder(far).any()
        took.append(time.monotonic() - begun)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(ask, range(12)))
    assert max(took) < BOUND_S + CONNECT_S + SLACK_S
    net.mend()
    time.sleep(SILENT_S)  # for so long nobody asks again
    begun = time.monotonic()
    assert far.head_of("town") == 1
    assert key_finder(far).any() is False
    assert time.monotonic() - begun < SLACK_S
    time.sleep(0.1)
    name = str(far.engine.url.database)
    with psycopg.connect(postgres_server.url("postgres")) as connection:
        mine = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        found = connection.execute(mine, (name,)).fetchone()
    assert found is not None
    assert found[0] < 12


def test_a_database_that_is_merely_slow_is_waited_for(net: Network, far: Store) -> None:
    net.delay_s = TIMEOUT_S / 4
    begun = time.monotonic()
    assert far.head_of("town") == 1
    assert TIMEOUT_S / 2 < time.monotonic() - begun < BOUND_S


def test_upkeep_is_waited_for_as_long_as_it_takes(postgres_url: str) -> None:
    store = open_store(postgres_url, timeout_s=0.1)
    with store.unbound() as connection:
        connection.execute(text(f"SELECT pg_sleep({0.3 + ANSWER_S})"))
    store.close()


def filled(path: Path) -> tuple[Store, int]:
    """Return a store of a town that has not one page left, and how many pages it has."""
    store = open_store(path)
    create_community(store, "town", 1.0)
    for number in range(20):
        apply_changes(store, "town", [PutMember(f"m{number}", text="x" * 2_000)], 2.0)
    return store, limit_pages(store, None)


def limit_pages(store: Store, most: int | None) -> int:
    """Allow a file so many pages, None for those it has, in every connection; return how many.

    SQLite says then what it says of a full disk: the same code, from the same place.
    """
    with store.reading() as connection:
        has = int(str(connection.exec_driver_sql("PRAGMA page_count").scalar()))
    allowed = has if most is None else most
    pool = store.engine.pool
    raw: list[sqlite3.Connection] = []
    held = [pool.connect() for _ in range(8)]
    for one in held:
        raw.append(one.dbapi_connection)  # type: ignore[arg-type]
        raw[-1].execute(f"PRAGMA max_page_count = {allowed}")
        one.close()
    return has


def tell(store: Store, number: int) -> int:
    return apply_changes(store, "town", [PutMember(f"n{number}", text="y" * 5_000)], 3.0)


def tells(store: Store, number: int) -> bool:
    """Tell something and return whether it was acknowledged."""
    try:
        tell(store, number)
    except StoreFullError:
        return False
    return True


def test_a_full_disk_is_told_as_such_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    store, _ = filled(tmp_path / "b.sqlite3")
    acknowledged = 0
    while tells(store, acknowledged) and acknowledged < 100:
        acknowledged += 1
    with pytest.raises(StoreFullError, match="full"):
        tell(store, acknowledged)
    assert store.head_of("town") == 20 + acknowledged  # reading goes on
    with store.reading() as connection:
        told = connection.scalar(text("SELECT count(*) FROM members WHERE id LIKE 'n%'"))
    assert told == acknowledged
    limit_pages(store, 1_000_000)
    assert tell(store, acknowledged) == 21 + acknowledged  # nobody had to do anything
    store.close()


def test_writers_that_all_meet_a_full_disk_are_all_told_and_block_nobody(tmp_path: Path) -> None:
    store, _ = filled(tmp_path / "b.sqlite3")
    ends: list[bool] = []
    lock = threading.Lock()

    def write(writer: int) -> None:
        for number in range(20):
            end = tells(store, 100 * writer + number)
            with lock:
                ends.append(end)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert not all(ends)
    assert store.head_of("town") == 20 + sum(ends)
    store.close()
