"""Changes over HTTP: durable when acknowledged, and in every answer from then on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data.store.connect import open_store
from data.store.import_export import import_community
from engine.manifest import MANIFEST
from engine.registry import Registry
from serving.app import create_app
from serving.settings import ServeSettings
from tests.serving.answers import ids_of
from tests.serving.running import copied, replace_file, wait_until
from tests.world import BREAD, NOW, ROCKETS, community

pytestmark = pytest.mark.alone

HERE = "/v1/communities/world"


@pytest.fixture
def live(world_bundles: Path, tmp_path: Path) -> Iterator[TestClient]:
    """The world, as a server has it that takes in changes."""
    with serving(prepared(world_bundles, tmp_path)) as client:
        yield client


def prepared(world_bundles: Path, folder: Path) -> ServeSettings:
    bundles = copied(world_bundles, folder / "bundles").bundles
    store = open_store(folder / "belong.sqlite3")
    head = import_community(store, community(), NOW)
    store.close()
    # As if it had been trained from the store: the bundle holds what was imported.
    manifest = Registry(bundles).current("world") / MANIFEST
    told = json.loads(manifest.read_text("utf-8")) | {"watermark": head}
    replace_file(manifest, json.dumps(told).encode())
    return ServeSettings(bundles, poll_s=0.05, patience_s=0, store=str(folder / "belong.sqlite3"))


class serving:  # noqa: N801 - reads like a function
    """Run a server with these settings."""

    def __init__(self, settings: ServeSettings) -> None:
        self._client = TestClient(create_app(settings), raise_server_exceptions=False)

    def __enter__(self) -> TestClient:
        self._client.__enter__()
        wait_until(lambda: self._client.get("/readyz").status_code == 200)
        return self._client

    def __exit__(self, *error: Any) -> None:  # noqa: ANN401
        self._client.__exit__(*error)


def done(answer: Any) -> int:  # noqa: ANN401
    assert answer.status_code in {200, 202}, answer.text
    found: int = answer.json()["sequence"]
    return found


def groups(client: TestClient, member: str, **query: Any) -> list[str]:  # noqa: ANN401
    return ids_of(
        client.get(f"{HERE}/members/{member}/recommendations/groups", params={"limit": 50, **query})
    )


def people(client: TestClient, member: str, **query: Any) -> list[str]:  # noqa: ANN401
    return ids_of(
        client.get(
            f"{HERE}/members/{member}/recommendations/members", params={"limit": 50, **query}
        )
    )


def test_what_was_imported_answers_as_the_bundle_did(live: TestClient) -> None:
    assert groups(live, "ana")[0] == "launch-site"
    assert people(live, "ana")[0] == "bo"


def test_a_new_member_is_suggested_to_and_suggested_within_a_moment(live: TestClient) -> None:
    done(live.put(f"{HERE}/members/pia", json={"name": "Pia", "text": BREAD, "audience": "adult"}))
    start = time.monotonic()
    wait_until(lambda: set(groups_or_none(live, "pia")[:2]) == {"bakers", "oven-talk"})
    wait_until(lambda: "pia" in people(live, "cy")[:4])
    assert time.monotonic() - start < 2


def groups_or_none(client: TestClient, member: str) -> list[str]:
    answer = client.get(f"{HERE}/members/{member}/recommendations/groups")
    return ids_of(answer) if answer.status_code == 200 else []


def test_a_new_group_is_suggested_to_the_right_people_within_a_moment(live: TestClient) -> None:
    seq = done(live.put(f"{HERE}/groups/rye", json={"name": "Rye", "text": BREAD}))
    assert "rye" in groups(live, "jo", min_sequence=seq)
    wait_until(lambda: "rye" in groups(live, "jo")[:3])


@pytest.mark.parametrize(
    ("method", "path", "body", "gone"),
    [
        ("PUT", "/members/bo/blocks/ana", None, ("ana", "bo")),
        ("PUT", "/members/ana/blocks/bo", None, ("ana", "bo")),
        ("PUT", "/members/bo/preferences", {"discoverable": False}, ("ana", "bo")),
        ("PUT", "/members/bo/preferences", {"open_to_introductions": False}, ("ana", "bo")),
        ("PUT", "/members/bo/preferences", {"weekly_introductions": 0}, ("ana", "bo")),
        ("PUT", "/members/bo", {"name": "Bo", "audience": "minor"}, ("ana", "bo")),
        ("DELETE", "/members/bo", None, ("ana", "bo")),
    ],
)
def test_what_restricts_holds_from_the_very_next_answer(
    live: TestClient,
    method: str,
    path: str,
    body: Any,  # noqa: ANN401
    gone: tuple[str, str],
) -> None:
    assert gone[1] in people(live, gone[0])
    done(live.request(method, HERE + path, json=body))
    assert gone[1] not in people(live, gone[0])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/groups/launch-site", None),
        ("/groups/launch-site", {"name": "Launch site", "visibility": "private"}),
        ("/groups/launch-site", {"name": "Launch site", "capacity": 3}),
        ("/members/ana/preferences", {"muted_groups": ["launch-site"]}),
        ("/groups/launch-site/members/ana", {}),
    ],
)
def test_a_group_that_is_closed_full_muted_or_joined_is_not_offered_again(
    live: TestClient,
    path: str,
    body: Any,  # noqa: ANN401
) -> None:
    assert "launch-site" in groups(live, "ana")
    answer = live.delete(HERE + path) if body is None else live.put(HERE + path, json=body)
    seq = done(answer)
    assert "launch-site" not in groups(live, "ana", min_sequence=seq)


def test_who_leaves_is_not_sent_back(live: TestClient) -> None:
    seq = done(live.put(f"{HERE}/groups/launch-site/members/ana"))
    assert "launch-site" not in groups(live, "ana", min_sequence=seq)
    done(live.delete(f"{HERE}/groups/launch-site/members/ana"))
    assert "launch-site" not in groups(live, "ana")


def test_a_forgotten_member_is_absent_from_the_very_next_answer(live: TestClient) -> None:
    answer = live.delete(f"{HERE}/members/mo")
    assert answer.status_code == 202
    assert live.get(f"{HERE}/members/mo/recommendations/groups").status_code == 404
    told = live.get(f"{HERE}/members/ana/recommendations/groups").text
    assert "Mo" not in told
    # Asked again, the receipt is the same.
    assert live.delete(f"{HERE}/members/mo").json()["erasure_id"] == answer.json()["erasure_id"]
    assert live.delete(f"{HERE}/members/nobody").status_code == 404


def test_a_restart_forgets_nothing(world_bundles: Path, tmp_path: Path) -> None:
    settings = prepared(world_bundles, tmp_path)
    with serving(settings) as client:
        done(client.put(f"{HERE}/members/bo/blocks/ana"))
        said = {"text": ROCKETS, "audience": "adult"}
        head = done(client.put(f"{HERE}/members/pia", json=said))
        wait_until(lambda: sequence(client) > head)  # pia's text is embedded
        before = groups(client, "pia"), people(client, "ana")
    with serving(settings) as client:
        wait_until(lambda: groups_or_none(client, "pia"))
        wait_until(lambda: (groups(client, "pia"), people(client, "ana")) == before)
        assert "bo" not in people(client, "ana")


def test_many_changes_are_made_all_or_none(live: TestClient) -> None:
    lines: list[dict[str, Any]] = [
        {"change": "put_member", "member": "pia", "audience": "adult"},
        {"change": "put_group", "group": "rye", "name": "Rye"},
        {"change": "put_membership", "member": "pia", "group": "rye"},
        {"change": "put_block", "member": "pia", "other": "ana"},
        {"change": "put_preferences", "member": "pia", "weekly_introductions": 2},
        {"change": "put_post", "post": "x", "members": ["pia"], "groups": ["rye"], "text": "hi"},
        {"change": "delete_post", "id": "x"},
    ]
    answer = posted(live, lines)
    assert answer.json()["changes"] == len(lines)
    assert "rye" not in groups(live, "pia", min_sequence=done(answer))
    before = counted(live)
    wrong = [*lines[:1], {"change": "put_membership", "member": "pia", "group": "no-such"}]
    answer = posted(live, [{"change": "put_member", "member": "zoe"}, *wrong])
    assert (answer.status_code, answer.json()["type"]) == (
        422,
        "urn:belong:problem:unknown-reference",
    )
    assert live.get(f"{HERE}/members/zoe/recommendations/groups").status_code == 404
    assert counted(live) == before


def counted(client: TestClient) -> list[tuple[str, int, int]]:
    """Return each community with how many members and groups it has; the embedder changes none."""
    cards = client.get("/v1/communities").json()["communities"]
    return [(card["community"], card["members"], card["groups"]) for card in cards]


def sequence(client: TestClient) -> int:
    found: int = client.get("/v1/communities").json()["communities"][0]["sequence"]
    return found


def posted(client: TestClient, lines: list[dict[str, Any]], **headers: str) -> Any:  # noqa: ANN401
    body = "\n".join(map(json.dumps, lines))
    return client.post(f"{HERE}/changes", content=body, headers=headers)


def test_changes_under_one_key_are_made_once(live: TestClient) -> None:
    lines = [{"change": "put_member", "member": "pia", "audience": "adult"}]
    key = {"Idempotency-Key": "a key of mine"}
    first = posted(live, lines, **key)
    assert not first.json()["repeated"]
    done(live.put(f"{HERE}/members/pia/preferences", json={"discoverable": False}))
    again = posted(live, lines, **key)
    assert again.json()["repeated"]
    assert done(again) >= done(first)
    other = posted(live, [{"change": "put_member", "member": "zoe"}], **key)
    assert (other.status_code, other.json()["type"]) == (409, "urn:belong:problem:reused-key")


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("PUT", "/members/pia", '{"txet": "hi"}'),
        ("PUT", "/members/pia", '{"text": "%s"}' % ("x" * 20_001)),
        ("PUT", "/members/pia", '{"created_ts": NaN}'),
        ("PUT", "/members/pia", '{"created_ts": false}'),
        ("PUT", "/members/ana/preferences", '{"discoverable": "no"}'),
        ("PUT", "/members/" + "x" * 257, "{}"),
        ("PUT", "/groups/g", '{"visibility": "hidden"}'),
        ("PUT", "/groups/g", '{"capacity": -1}'),
        ("PUT", "/posts/p", "{}"),
        ("PUT", "/posts/p", '{"members": ["nobody"]}'),
        ("PUT", "/members/nobody/blocks/ana", ""),
        ("PUT", "/members/ana/blocks/ana", ""),
        ("PUT", "/groups/launch-site/members/nobody", ""),
        ("PUT", "/members/ana/preferences", '{"weekly_introductions": -1}'),
        ("POST", "/changes", ""),
        ("POST", "/changes", '{"change": "put_member"}'),
        ("POST", "/changes", '{"change": "no such"}'),
        ("POST", "/changes", "[1]"),
        ("POST", "/changes", '{"change": "delete_member", "id": "ana"}\n' * 1001),
    ],
)
def test_what_cannot_be_understood_is_refused_and_changes_nothing(
    live: TestClient, method: str, path: str, content: str
) -> None:
    before = counted(live)
    answer = live.request(method, HERE + path, content=content)
    assert answer.status_code in {400, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert counted(live) == before


def test_an_id_may_look_like_a_path(live: TestClient) -> None:
    done(live.put(f"{HERE}/members/ana%2Fpreferences", json={"audience": "adult", "name": "Odd"}))
    done(live.put(f"{HERE}/members/ana%2Fpreferences/preferences", json={"discoverable": False}))
    assert "ana" in people(live, "bo")
    assert groups(live, "ana%2Fpreferences")
    assert live.put(f"{HERE}/members/ana/blocks/a/b").status_code == 404


def test_a_change_nobody_has_made_yet_is_not_waited_for_long(live: TestClient) -> None:
    answer = live.get(f"{HERE}/members/ana/recommendations/groups", params={"min_sequence": 10**9})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:belong:problem:behind")
    assert answer.headers["retry-after"] == "1"


def test_changes_to_a_community_that_is_not_there_are_refused(live: TestClient) -> None:
    for community_name in ("nowhere", "caf%C3%A9", "%00"):
        answer = live.put(f"/v1/communities/{community_name}/members/pia", json={})
        assert answer.status_code == 404, answer.text


def test_a_community_that_is_imported_while_it_is_served_is_followed_from_then_on(
    world_bundles: Path, tmp_path: Path
) -> None:
    bundles = copied(world_bundles, tmp_path / "bundles").bundles
    file = str(tmp_path / "belong.sqlite3")
    with serving(ServeSettings(bundles, poll_s=0.05, patience_s=0, store=file)) as client:
        assert "bo" in people(client, "ana")
        assert client.put(f"{HERE}/members/bo/blocks/ana").status_code == 404
        store = open_store(file)
        import_community(store, community(), NOW)
        store.close()
        done(client.put(f"{HERE}/members/bo/blocks/ana"))
        assert "bo" not in people(client, "ana")
