"""Groups that should exist, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from engine.bundle import save_bundle
from engine.registry import Registry
from tests.bundle_draft import draft_of
from tests.engine.test_discoveries import TOGETHER, discovered, place
from tests.serving.answers import WORLD, assert_problem
from tests.serving.running import running


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a world in which people lack a group about rockets."""
    folder = tmp_path_factory.mktemp("discovered")
    registry = Registry(folder / "bundles")
    draft = draft_of(folder, snapshot=discovered(place()))
    save_bundle(draft, registry.folder("world"))
    registry.promote("world", draft.manifest.version)
    with running(folder / "bundles") as client:
        yield client


def test_a_host_is_told_which_group_should_exist_and_who_would_found_it(host: TestClient) -> None:
    answer = host.get(f"{WORLD}/discoveries").json()
    (one,) = answer["items"]
    assert one["name"] == "Igniter and nosecone"
    assert [founder["id"] for founder in one["founders"]] == TOGETHER
    assert one["founders"][1]["reasons"] == [
        {
            "kind": "shared_interest",
            "text": "They talk about “igniter” and “nosecone”.",
            "evidence": ["p1"],
        }
    ]
    assert all(near["reasons"] for near in one["nearest"])
    assert not {"secret-pad", "private-pad"} & {near["id"] for near in one["nearest"]}


def test_a_limit_that_is_none_is_refused(host: TestClient) -> None:
    assert_problem(host.get(f"{WORLD}/discoveries", params={"limit": 0}), 422, "invalid")


def test_discoveries_of_a_community_that_is_not_there_are_unknown(host: TestClient) -> None:
    assert_problem(host.get("/v1/communities/nowhere/discoveries"), 404, "unknown")


def test_a_trained_world_whose_people_all_have_groups_lacks_none(client: TestClient) -> None:
    answer = client.get(f"{WORLD}/discoveries")
    assert answer.status_code == 200
    assert answer.json()["items"] == []
