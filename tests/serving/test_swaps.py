"""Bundles that come, go and are damaged while the application runs."""

from __future__ import annotations

import gc
import json
import shutil
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from engine.manifest import MANIFEST
from serving.app import create_app
from serving.live import Live
from serving.settings import ServeSettings
from tests.serving.running import another_version, copied, replace_file, running, wait_until

GROUPS = "/v1/communities/world/members/ana/recommendations/groups"
TEXT = "/v1/communities/world/recommendations/groups"


def version_of(client: TestClient) -> str:
    answer = client.get(GROUPS)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["version"])


def test_before_anything_is_loaded_the_process_is_alive_and_not_ready(
    world_bundles: Path, tmp_path: Path
) -> None:
    registry = copied(world_bundles, tmp_path / "bundles")
    with running(registry.bundles, wait=False) as client:
        # Loading checks 90 MB of files; these questions come sooner.
        waiting, asked = client.get("/readyz"), client.get(GROUPS)
        assert client.get("/healthz").status_code == 200
    for answer in (waiting, asked):
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:belong:problem:not-ready"
        assert "still being loaded" in answer.json()["detail"]


def test_a_process_listens_only_when_it_can_answer(world_bundles: Path) -> None:
    # One of several workers that listened sooner would answer 503 beside others that are ready.
    for _ in range(3):
        with TestClient(create_app(ServeSettings(world_bundles))) as client:
            assert client.get(GROUPS).status_code == 200


@pytest.mark.parametrize("made", [True, False])
def test_a_folder_without_bundles_is_never_ready_and_says_what_to_do(
    tmp_path: Path, made: bool
) -> None:
    folder = tmp_path / "bundles"
    if made:
        folder.mkdir()
    with running(folder, wait=False) as client:
        wait_until(lambda: "run belong train" in client.get("/readyz").json()["detail"])
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
        assert client.get("/v1/communities").json() == {"communities": []}
        assert client.get(GROUPS).status_code == 404


def cut(path: Path) -> None:
    replace_file(path, path.read_bytes()[:-1])


def remove(path: Path) -> None:
    path.unlink()


def forget_sizes(path: Path) -> None:
    fields = json.loads(path.read_text("utf-8"))
    files: dict[str, object] = {name: {} for name in fields["files"]}
    replace_file(path, json.dumps(fields | {"files": files}).encode())


def say_newer(path: Path) -> None:
    fields = json.loads(path.read_text("utf-8"))
    replace_file(path, json.dumps(fields | {"format": 99}).encode())


@pytest.mark.parametrize(
    ("file", "damage", "said"),
    [
        ("members.ids.data.npy", cut, "members.ids.data.npy"),
        ("encoder/model.onnx", remove, "model.onnx"),
        (MANIFEST, cut, MANIFEST),
        (MANIFEST, say_newer, "format 99"),
        (MANIFEST, forget_sizes, MANIFEST),
    ],
)
def test_a_damaged_bundle_is_refused_by_name_and_served_once_mended(
    world_bundles: Path, tmp_path: Path, file: str, damage: Callable[[Path], None], said: str
) -> None:
    registry = copied(world_bundles, tmp_path / "bundles")
    path = registry.current("world") / file
    whole = path.read_bytes()
    damage(path)
    with running(registry.bundles, wait=False) as client:
        wait_until(lambda: said in client.get("/readyz").json()["detail"])
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
        refused = client.get(GROUPS)
        assert (refused.status_code, refused.json()["type"]) == (
            503,
            "urn:belong:problem:not-ready",
        )
        assert said in refused.json()["detail"]
        path.unlink(missing_ok=True)
        path.write_bytes(whole)
        wait_until(lambda: client.get("/readyz").status_code == 200)
        assert version_of(client)


def test_a_newly_promoted_bundle_is_picked_up(world_bundles: Path, tmp_path: Path) -> None:
    registry = copied(world_bundles, tmp_path / "bundles")
    before = registry.current("world").name
    another_version(registry, "world", "zz-new")
    with running(registry.bundles) as client:
        assert version_of(client) == before
        registry.promote("world", "zz-new")
        wait_until(lambda: version_of(client) == "zz-new")
        registry.roll_back("world")
        wait_until(lambda: version_of(client) == before)


def test_a_bundle_is_loaded_once_even_in_a_folder_of_another_name(
    world_bundles: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry = copied(world_bundles, tmp_path / "bundles")
    current = registry.current("world")
    shutil.copytree(current, current.with_name("by-hand"))
    with caplog.at_level("INFO", "serving.communities"), running(registry.bundles) as client:
        registry.promote("world", "by-hand")
        wait_until(lambda: "serving by-hand" in caplog.text)
        # A round of looking that loads it again would take longer than this many questions.
        registry.promote("world", current.name)
        wait_until(lambda: caplog.text.count(f"serving {current.name}") == 2)
        assert client.get(GROUPS).status_code == 200
    assert caplog.text.count("serving by-hand") == 1


def test_a_damaged_new_bundle_is_refused_and_the_old_one_keeps_serving(
    world_bundles: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry = copied(world_bundles, tmp_path / "bundles")
    before = registry.current("world").name
    cut(another_version(registry, "world", "zz-bad") / "members.ids.data.npy")
    with running(registry.bundles) as client:
        registry.promote("world", "zz-bad")
        wait_until(lambda: "does not match its checksum" in caplog.text)
        assert "members.ids.data.npy" in caplog.text
        assert version_of(client) == before
        assert client.get("/readyz").status_code == 200
    assert [record.levelname for record in caplog.records if "zz-bad" in record.message] == [
        "ERROR"
    ]


def test_requests_during_swaps_never_fail(world_bundles: Path, tmp_path: Path) -> None:
    registry = copied(world_bundles, tmp_path / "bundles")
    before = registry.current("world").name
    another_version(registry, "world", "zz-new")
    with running(registry.bundles) as client, ThreadPoolExecutor(4) as askers:
        swapping = True

        def ask(number: int) -> set[tuple[int, str]]:
            seen = set()
            while swapping:
                if number % 2:
                    answer = client.get(GROUPS)
                else:
                    answer = client.post(TEXT, json={"text": "rockets and sourdough"})
                assert answer.json().get("items"), answer.text
                seen.add((answer.status_code, answer.json()["version"]))
            return seen

        asked = [askers.submit(ask, number) for number in range(4)]
        try:
            for version in ("zz-new", before, "zz-new"):
                registry.promote("world", version)
                wait_until(lambda version=version: version_of(client) == version)  # type: ignore[misc]
        finally:
            swapping = False
        for seen in (future.result() for future in asked):
            assert seen == {(200, before), (200, "zz-new")}


def test_a_removed_community_is_gone_and_the_others_stay(served: Path, tmp_path: Path) -> None:
    registry = copied(served, tmp_path / "bundles")
    with running(registry.bundles) as client:
        assert version_of(client)
        shutil.rmtree(registry.folder("world"))
        wait_until(lambda: client.get(GROUPS).status_code == 404)
        assert client.get(GROUPS).json()["type"] == "urn:belong:problem:unknown"
        assert client.get("/readyz").status_code == 200
        assert len(client.get("/v1/communities").json()["communities"]) == 1


def test_one_damaged_community_leaves_the_others_answering(served: Path, tmp_path: Path) -> None:
    registry = copied(served, tmp_path / "bundles")
    other = next(name for name in registry.communities() if name != "world")
    forget_sizes(registry.current(other) / MANIFEST)
    with running(registry.bundles, wait=False) as client:
        wait_until(lambda: client.get(GROUPS).status_code == 200)
        wait_until(lambda: client.get("/readyz").status_code == 503)
        assert other in client.get("/readyz").json()["detail"]


def test_a_server_that_has_ended_keeps_no_community_in_memory(world_bundles: Path) -> None:
    def lives() -> list[Live]:
        return [one for one in gc.get_objects() if type(one) is Live]

    before = {id(one) for one in lives()}
    with running(world_bundles) as client:
        assert client.get("/readyz").status_code == 200
        here = [weakref.ref(one) for one in lives() if id(one) not in before]
        assert here
    gc.collect()
    assert [one() for one in here] == [None] * len(here)
