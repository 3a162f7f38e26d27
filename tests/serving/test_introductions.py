"""Introductions over HTTP: counted when they are shown, and known to the next answer anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.serving.test_changes import HERE, done, people, prepared, serving
from tests.serving.test_feedback import event, post

Both = tuple[TestClient, TestClient]


@pytest.fixture
def live(world_bundles: Path, tmp_path: Path) -> Iterator[TestClient]:
    """One server of the world."""
    with serving(prepared(world_bundles, tmp_path)) as client:
        yield client


@pytest.fixture
def both(world_bundles: Path, tmp_path: Path) -> Iterator[Both]:
    """Two servers of the world with one store."""
    settings = prepared(world_bundles, tmp_path)
    with serving(settings) as one, serving(settings) as other:
        yield one, other


def wants(client: TestClient, member: str, weekly: float) -> None:
    told = {"weekly_introductions": weekly}
    done(client.put(f"{HERE}/members/{member}/preferences", json=told))


def slate(client: TestClient, member: str, limit: int = 50) -> dict[str, Any]:
    answer = client.get(f"{HERE}/members/{member}/recommendations/members?limit={limit}")
    found: dict[str, Any] = answer.json()
    return found


def test_who_was_shown_enough_is_in_no_other_servers_next_answer(both: Both) -> None:
    here, there = both
    wants(here, "bo", 1)
    told = post(here, [event("shown", "nia", "bo"), event("shown", "ana", "bo")])
    done(told)
    assert (told.json()["new"], told.json()["beyond"]) == (2, 1)
    for client in both:
        assert "bo" not in people(client, "ana")
        assert people(client, "bo") == ["nia"], "introduced is introduced, whoever looked first"
    done(there.delete(f"{HERE}/members/nia"))
    assert people(here, "bo"), "whoever is forgotten leaves their place to another"
    wants(there, "bo", 6)
    assert "bo" in people(here, "ana")


def test_a_viewers_week_shortens_every_slate_and_the_answer_says_why(live: TestClient) -> None:
    wants(live, "ana", 2)
    found = slate(live, "ana", 4)
    first = [item["id"] for item in found["items"]]
    short = found["short"]
    assert (short["because"], short["asked"], short["given"]) == ("weekly_introductions", 4, 2)
    assert "week" in short["text"]
    done(post(live, [event("shown", "ana", one) for one in first]))
    assert people(live, "ana") == first, "looking again costs nothing"
    ranked = live.post(
        f"{HERE}/rank/members", json={"member": "ana", "candidates": ["cy", "bo", "nia", "kim"]}
    ).json()
    assert sorted(item["id"] for item in ranked["items"]) == sorted(first)
    assert ranked["short"] is None
    assert slate(live, "ana", 2)["short"] is None
    wants(live, "ana", 0)
    assert slate(live, "ana")["short"]["because"] == "closed"
    groups = live.get(f"{HERE}/members/ana/recommendations/groups?limit=50").json()
    assert groups["short"] is None
    path = f"{HERE}/members/ana/recommendations/members"
    wants(live, "ana", 3)
    page = live.get(path, params={"pages": True, "limit": 2}).json()
    rest = live.get(path, params={"cursor": page["cursor"], "limit": 2}).json()
    ids = [item["id"] for one in (page, rest) for item in one["items"]]
    assert len(ids) == len(set(ids)) == 3
    assert rest["cursor"] is None
