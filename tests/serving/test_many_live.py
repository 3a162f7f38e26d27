"""What changes in communities that are not in memory holds from their first answer on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from data.store.api_key import KeyScope
from data.store.connect import Store, open_store
from data.store.import_export import import_community
from data.store.keys import create_key
from data.store.vectors import embedded_up_to
from engine.manifest import MANIFEST
from serving.outline import outline_of
from serving.settings import ServeSettings
from tests.serving.answers import assert_problem, ids_of
from tests.serving.many import many_bundles, name_of
from tests.serving.running import copied, replace_file, wait_until
from tests.serving.test_changes import done, serving
from tests.world import BREAD, NOW, community, world

ROOMS = [name_of(number) for number in range(3)]
FIRST, SECOND, THIRD = (f"/v1/communities/{name}" for name in ROOMS)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three communities in one store, each the world, and their bundles; to be copied."""
    folder = tmp_path_factory.mktemp("live")
    registry = many_bundles(folder / "bundles", len(ROOMS), world().snapshot)
    store = open_store(folder / "belong.sqlite3")
    for name in ROOMS:
        head = import_community(store, replace(community(), name=name), NOW)
        manifest = registry.current(name) / MANIFEST
        told = json.loads(manifest.read_text("utf-8"))
        told |= {"watermark": head, "sizes": {"members": 14, "groups": 9}}
        replace_file(manifest, json.dumps(told).encode())
    store.close()
    return folder


@pytest.fixture
def store(prepared: Path, tmp_path: Path) -> Iterator[Store]:
    """The store of the server, for looking and for keys."""
    (tmp_path / "belong.sqlite3").write_bytes((prepared / "belong.sqlite3").read_bytes())
    store = open_store(tmp_path / "belong.sqlite3")
    yield store
    store.close()


@pytest.fixture
def settings(prepared: Path, tmp_path: Path, store: Store) -> ServeSettings:
    """Settings with room for one community."""
    registry = copied(prepared / "bundles", tmp_path / "bundles")
    one = outline_of(ROOMS[0], registry.current(ROOMS[0]))
    return ServeSettings(
        registry.bundles,
        poll_s=0.05,
        store=str(tmp_path / "belong.sqlite3"),
        memory_limit=one.size + one.encoder_size + 200_000,
    )


@pytest.fixture
def client(settings: ServeSettings) -> Iterator[TestClient]:
    """A server with room for one."""
    with serving(settings) as client:
        yield client


def people(client: TestClient, where: str, member: str = "ana") -> list[str]:
    return ids_of(client.get(f"{where}/members/{member}/recommendations/members?limit=50"))


def groups(client: TestClient, where: str) -> list[str]:
    return ids_of(client.get(f"{where}/members/ana/recommendations/groups?limit=50"))


def test_what_restricts_holds_though_it_came_while_its_community_was_away(
    client: TestClient,
) -> None:
    assert "bo" in people(client, FIRST)
    assert "bo" in people(client, SECOND)  # the first has left
    done(client.put(f"{FIRST}/members/ana/blocks/bo"))
    done(client.put(f"{FIRST}/members/ana/preferences", json={"muted_groups": ["oven-talk"]}))
    event = {"recommendation_id": "r", "member": "ana", "item_kind": "group", "event": "dismissed"}
    assert client.post(f"{FIRST}/feedback", json=event | {"item": "launch-site"}).is_success
    assert "bo" not in people(client, FIRST)
    assert {"oven-talk", "launch-site"}.isdisjoint(groups(client, FIRST))
    # Of the other communities that is as true after they have come and gone.
    assert "bo" in people(client, SECOND)
    assert {"oven-talk", "launch-site"} <= set(groups(client, SECOND))
    assert "bo" not in people(client, FIRST)
    assert {"oven-talk", "launch-site"}.isdisjoint(groups(client, FIRST))


def test_who_was_forgotten_while_their_community_was_away_is_in_no_answer(
    client: TestClient,
) -> None:
    assert "bo" in people(client, FIRST)
    people(client, SECOND)
    done(client.delete(f"{FIRST}/members/bo"))
    assert "bo" not in people(client, FIRST)
    assert_problem(client.get(f"{FIRST}/members/bo/recommendations/groups"), 404, "unknown")
    assert "bo" in people(client, SECOND)


def test_texts_of_a_community_that_is_away_are_embedded_without_loading_it(
    client: TestClient, store: Store
) -> None:
    people(client, FIRST)
    seq = done(client.put(f"{THIRD}/members/pia", json={"text": BREAD, "audience": "adult"}))
    wait_until(lambda: embedded_up_to(store, ROOMS[2]) >= seq)
    assert "belong_load_seconds_count 1.0" in client.get("/metrics").text
    found = ids_of(client.get(f"{THIRD}/members/pia/recommendations/groups"))
    assert set(found[:2]) == {"bakers", "oven-talk"}


def test_whether_a_community_is_in_memory_shows_nowhere_but_in_the_metrics(
    client: TestClient, store: Store
) -> None:
    key = create_key(store, "x", [KeyScope.READ], [ROOMS[1]], NOW)
    mine = {"authorization": f"Bearer {key.presented}"}

    def seen() -> list[object]:
        paths = ("/readyz", "/v1/communities", FIRST + "/members/ana/recommendations/groups")
        return [client.get(path, headers=mine).json() for path in paths]

    before = seen()
    ids_of(client.get(f"{SECOND}/members/ana/recommendations/groups", headers=mine))
    assert seen() == before
    assert before[0] == {"status": "ready", "communities": 3}
