"""Changes that wait at the same moment are written together, and no request suffers another's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from data.store.changes import Change, PutBlock, PutGroup, PutMember, create_community
from data.store.connect import Store, open_store
from data.store.schema import log
from engine.errors import StoreUnavailableError, UnknownError, UnknownReferenceError
from serving.telling import TOGETHER, Teller

pytestmark = pytest.mark.alone

NOW = 1_700_000_000.0
TOWN = "town"


@pytest.fixture
def town(store: Store) -> Store:
    create_community(store, TOWN, NOW)
    return store


def told(store: Store, *requests: Sequence[Change]) -> list[int | BaseException]:
    """Tell of several requests' changes at one moment, and return what became of each."""
    teller = Teller(store, lambda: NOW)

    async def all_at_once() -> list[int | BaseException]:
        telling: list[Coroutine[Any, Any, int]] = [teller.tell(TOWN, one) for one in requests]
        return await asyncio.gather(*telling, return_exceptions=True)

    return asyncio.run(all_at_once())


def names_in(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(connection.scalars(select(log.c.key).order_by(log.c.seq)))


def test_whoever_comes_while_one_is_written_is_written_with_the_others(town: Store) -> None:
    ends = told(town, *([PutMember(f"m{n}")] for n in range(TOGETHER + 3)))

    # All that came at one moment are one transaction: its end is what each is told. Three are
    # beyond what goes together, and follow.
    assert ends == [TOGETHER] * TOGETHER + [TOGETHER + 3] * 3
    assert names_in(town) == [f"m{n}" for n in range(TOGETHER + 3)]


def test_a_request_that_is_refused_takes_no_other_with_it(town: Store) -> None:
    blocked: list[Change] = [PutGroup("bakers"), PutBlock("ann", "nobody")]

    ends = told(town, [PutMember("ann")], blocked, [PutMember("bo")])

    assert ends[0] == 1
    assert isinstance(ends[1], UnknownReferenceError)
    assert "change 1" in str(ends[1])  # by its own count
    assert ends[2] == 2
    assert names_in(town) == ["ann", "bo"]  # all or none: no bakers


def test_changes_that_follow_from_one_another_are_made_in_their_order(town: Store) -> None:
    ends = told(town, [PutMember("ann"), PutMember("bo")], [PutBlock("ann", "bo")])

    assert ends == [3, 3]


def test_a_caller_who_has_gone_keeps_nobody_waiting(town: Store) -> None:
    teller = Teller(town, lambda: NOW)

    async def one_goes() -> int:
        gone = asyncio.create_task(teller.tell(TOWN, [PutMember("ann")]))
        stays = asyncio.create_task(teller.tell(TOWN, [PutMember("bo")]))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert asyncio.run(one_goes()) >= 1
    assert names_in(town) == ["ann", "bo"]


def test_everybody_is_told_when_the_store_does_not_answer(tmp_path: Path) -> None:
    store = open_store(tmp_path / "belong.sqlite3", timeout_s=0.2)
    create_community(store, TOWN, NOW)
    other = open_store(tmp_path / "belong.sqlite3")
    with other.writing():
        start = time.monotonic()
        ends = told(store, *([PutMember(f"m{n}")] for n in range(30)))
    assert [type(end) for end in ends] == [StoreUnavailableError] * 30
    assert time.monotonic() - start < 30 * 0.2 / 2  # once for all, not one after the other
    assert told(store, [PutMember("ann")]) == [1]  # and nothing is stuck after it
    other.close()
    store.close()


def test_without_a_store_or_a_community_changes_are_refused(town: Store) -> None:
    with pytest.raises(UnknownError, match="keeps no changes"):
        asyncio.run(Teller(None).tell(TOWN, [PutMember("ann")]))
    with pytest.raises(UnknownError, match="no community"):
        asyncio.run(Teller(town).tell("nowhere", [PutMember("ann")]))
    with town.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(log)) == 0
