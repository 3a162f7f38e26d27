"""One slate, page by page: what comes, what no longer may, and when it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from data.store.changes import DeleteBlock, PutMember, apply_changes
from data.store.connect import Store, open_store
from data.store.erasure import erase_member
from data.store.import_export import import_community
from data.store.pages import KEPT_S, Paged, keep_paged, read_paged
from data.store.schema import pages
from engine.errors import BehindError, GoneError
from engine.wanted import ANYTHING
from serving.cursors import Page, Pages
from serving.live import Live
from serving.metrics import Metrics
from serving.settings import ServeSettings
from serving.slates import Asked, Purpose, Slates
from tests.live_facts import bundle_of
from tests.serving.answers import assert_problem, ids_of
from tests.serving.test_changes import HERE, done, groups, people, prepared, serving
from tests.world import NOW, community, world

ANA = f"{HERE}/members/ana/recommendations"


@pytest.fixture
def settings(world_bundles: Path, tmp_path: Path) -> ServeSettings:
    return prepared(world_bundles, tmp_path)


@pytest.fixture
def live(settings: ServeSettings) -> Iterator[TestClient]:
    with serving(settings) as client:
        yield client


def all_pages(client: TestClient, path: str, limit: int, **query: Any) -> list[list[str]]:  # noqa: ANN401
    answer = client.get(path, params={"pages": True, "limit": limit, **query})
    found = [ids_of(answer)]
    while cursor := answer.json()["cursor"]:
        answer = client.get(path, params={"cursor": cursor, "limit": limit})
        found.append(ids_of(answer))
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_the_pages_together_are_everything_once(live: TestClient, limit: int) -> None:
    for kind, everything in (("groups", groups(live, "ana")), ("members", people(live, "ana"))):
        found = all_pages(live, f"{ANA}/{kind}", limit)
        assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
        shown = [one for page in found for one in page]
        assert sorted(shown) == sorted(everything)


def test_a_page_has_what_filters_left_of_the_slate(live: TestClient) -> None:
    found = all_pages(live, f"{ANA}/groups", 1, exclude=["launch-site"], max_size=3)
    assert sorted(one for page in found for one in page) == ["new-pad", "oven-talk"]


def test_a_block_between_two_pages_holds(live: TestClient) -> None:
    everyone = [one for page in all_pages(live, f"{ANA}/members", 1) for one in page]
    first = live.get(f"{ANA}/members", params={"pages": True, "limit": 1})
    done(live.put(f"{HERE}/members/{everyone[1]}/blocks/ana"))
    second = live.get(f"{ANA}/members", params={"cursor": first.json()["cursor"], "limit": 1})
    assert ids_of(second) == everyone[2:3]


def test_another_worker_knows_the_cursor(live: TestClient, settings: ServeSettings) -> None:
    first = live.get(f"{ANA}/groups", params={"pages": True, "limit": 1}).json()
    with serving(settings) as other:
        answer = other.get(f"{ANA}/groups", params={"cursor": first["cursor"]})
        assert set(ids_of(answer)) == set(groups(live, "ana")) - {first["items"][0]["id"]}


def test_a_cursor_names_no_one_and_is_of_one_member_and_purpose(live: TestClient) -> None:
    cursor = live.get(f"{ANA}/groups", params={"pages": True, "limit": 1}).json()["cursor"]
    assert len(cursor) == 34
    for path in (f"{ANA}/members", f"{ANA}/groups".replace("ana", "bo")):
        assert_problem(live.get(path, params={"cursor": cursor}), 410, "gone")
    for wrong in ("x", cursor[:-2], cursor + "x", "0" * 32 + ".1", "../" + cursor):
        assert_problem(live.get(f"{ANA}/groups", params={"cursor": wrong}), 410, "gone")
    beyond = live.get(f"{ANA}/groups", params={"cursor": cursor[:-1] + "999"})
    assert (ids_of(beyond), beyond.json()["cursor"]) == ([], None)


def test_when_anybody_is_forgotten_slates_are_gone(live: TestClient) -> None:
    cursor = live.get(f"{ANA}/groups", params={"pages": True, "limit": 1}).json()["cursor"]
    done(live.delete(f"{HERE}/members/nia"))
    assert_problem(live.get(f"{ANA}/groups", params={"cursor": cursor}), 410, "gone")


@pytest.mark.parametrize(
    "also", [{"exclude": "bo"}, {"place": "x"}, {"again": "x"}, {"pages": True}, {"min_size": 1}]
)
def test_a_cursor_takes_no_filters(live: TestClient, also: dict[str, Any]) -> None:
    cursor = live.get(f"{ANA}/groups", params={"pages": True, "limit": 1}).json()["cursor"]
    answer = live.get(f"{ANA}/groups", params={"cursor": cursor, **also})
    assert_problem(answer, 422, "invalid")


def test_a_slate_that_fits_on_its_page_is_not_kept(
    live: TestClient, settings: ServeSettings
) -> None:
    def kept() -> int:
        store = open_store(str(settings.store))
        with store.reading() as connection:
            found = connection.scalar(select(func.count()).select_from(pages))
        store.close()
        return int(found or 0)

    answer = live.get(f"{ANA}/groups", params={"pages": True, "limit": 50}).json()
    assert answer["cursor"] is None
    assert live.get(f"{ANA}/groups", params={"limit": 1}).json()["cursor"] is None
    assert kept() == 0
    assert live.get(f"{ANA}/groups", params={"pages": True, "limit": 1}).json()["cursor"]
    assert kept() == 1


def test_a_slate_is_kept_for_a_quarter_of_an_hour(store: Store) -> None:
    import_community(store, community(), NOW)
    head = store.head_of("world")
    slate = Paged("ana", "groups", ("launch-site", "oven-talk"))
    keep_paged(store, "world", ("one", slate), head, NOW)
    assert read_paged(store, "world", "one", NOW + KEPT_S) == slate
    assert read_paged(store, "world", "one", NOW + KEPT_S + 1) is None
    assert read_paged(store, "elsewhere", "one", NOW) is None
    keep_paged(store, "world", ("two", slate), head, NOW + KEPT_S + 1)
    assert read_paged(store, "world", "one", NOW) is None  # it is not there any more


def test_a_slate_from_before_somebody_was_forgotten_is_not_kept(store: Store) -> None:
    import_community(store, community(), NOW)
    before = store.head_of("world")
    slate = Paged("ana", "members", ("nia",))
    keep_paged(store, "world", ("one", slate), before, NOW)
    erase_member(store, "world", "nia", NOW)
    assert read_paged(store, "world", "one", NOW) is None
    with pytest.raises(BehindError):
        keep_paged(store, "world", ("two", slate), before, NOW)
    keep_paged(store, "world", ("two", slate), store.head_of("world"), NOW)
    apply_changes(store, "world", [PutMember("nia"), DeleteBlock("ana", "fay")], NOW)
    assert read_paged(store, "world", "two", NOW) == slate


def test_without_a_store_a_worker_keeps_slates_itself_and_not_for_longer() -> None:
    now = [1_000.0]
    paged = Pages(Slates(Metrics()), clock=lambda: now[0])
    live, asked = (
        Live("world", bundle_of(world().snapshot), None),
        Asked("world", Purpose.GROUPS, "ana"),
    )

    def page(cursor: str = "") -> Page:
        return Page(limit=1, min_sequence=0, pages=not cursor, cursor=cursor)

    first = asyncio.run(paged.first(live, asked, page(), ANYTHING))
    second = asyncio.run(paged.after(live, asked, page(str(first.cursor))))
    assert [item.id for item in first.items] != [item.id for item in second.items]
    now[0] += KEPT_S + 1
    with pytest.raises(GoneError):
        asyncio.run(paged.after(live, asked, page(str(first.cursor))))
