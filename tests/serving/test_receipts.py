"""What operators may look up: slates as they were served, receipts, exports; and experiments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.serving.answers import assert_problem, ids_of
from tests.serving.running import wait_until
from tests.serving.test_changes import HERE, done, prepared, serving
from tests.world import ROCKETS

EXPERIMENT = f"{HERE}/experiments/size"


@pytest.fixture
def live(world_bundles: Path, tmp_path: Path) -> Iterator[TestClient]:
    """The world, as a server has it that writes down what it serves."""
    with serving(prepared(world_bundles, tmp_path)) as client:
        yield client


def asked(client: TestClient, member: str, kind: str) -> Any:  # noqa: ANN401
    answer = client.get(f"{HERE}/members/{member}/recommendations/{kind}", params={"limit": 50})
    assert answer.status_code == 200, answer.text
    return answer.json()


def replay(client: TestClient, recommendation: str) -> Any:  # noqa: ANN401
    path = f"{HERE}/recommendations/{recommendation}"
    wait_until(lambda: client.get(path).status_code == 200)
    return client.get(path).json()


def test_a_slate_is_replayed_as_it_was_served_with_its_reasons(live: TestClient) -> None:
    slate = asked(live, "ana", "groups")
    found = replay(live, slate["recommendation_id"])
    assert found["member"] == "ana"
    assert found["purpose"] == "groups"
    assert found["version"] == slate["version"]
    assert found["arm"] is None
    assert [one["id"] for one in found["items"]] == [one["id"] for one in slate["items"]]
    assert [one["rank"] for one in found["items"]] == [*range(1, len(slate["items"]) + 1)]
    for was, now in zip(slate["items"], found["items"], strict=True):
        assert now["score"] == pytest.approx(was["score"])
        assert now["name"] == was["name"]
        assert now["reasons"] == was["reasons"]
        assert now["reason_kinds"] == [why["kind"] for why in was["reasons"]]
        assert now["refused_by"] is None
        assert 0 < now["odds"] <= 1
        assert now["sources"]


def test_what_would_be_refused_now_is_marked_and_told_no_more_of(live: TestClient) -> None:
    people, places = asked(live, "ana", "members"), asked(live, "ana", "groups")
    replay(live, places["recommendation_id"])
    done(live.put(f"{HERE}/members/bo/blocks/ana"))
    done(live.put(f"{HERE}/groups/launch-site", json={"name": "Pad", "visibility": "secret"}))
    done(live.delete(f"{HERE}/groups/oven-talk"))
    found = replay(live, people["recommendation_id"])
    (bo,) = (one for one in found["items"] if one["id"] == "bo")
    assert (bo["refused_by"], bo["name"], bo["reasons"]) == ("not_blocked", None, [])
    seen = {one["id"]: one for one in replay(live, places["recommendation_id"])["items"]}
    assert seen["launch-site"]["refused_by"] == "public_group"
    assert seen["launch-site"]["name"] is None
    assert seen["oven-talk"]["refused_by"] == "gone"


def test_who_is_forgotten_is_in_no_replay(live: TestClient) -> None:
    theirs, others = asked(live, "bo", "groups"), asked(live, "ana", "members")
    assert "bo" in {one["id"] for one in others["items"]}
    # Not waiting for the ledger: what waits to be written is to be forgotten as well.
    receipt = live.delete(f"{HERE}/members/bo").json()["erasure_id"]
    found = replay(live, others["recommendation_id"])
    assert "bo" not in {one["id"] for one in found["items"]}
    assert "Bo" not in json.dumps(found)
    assert_problem(
        live.get(f"{HERE}/recommendations/{theirs['recommendation_id']}"), 404, "unknown"
    )
    told = live.get(f"{HERE}/erasures/{receipt}")
    assert told.status_code == 200
    assert set(told.json()) == {
        *("erasure_id", "community", "sequence", "requested_ts", "steps", "held_up")
    }
    assert "store" in told.json()["steps"]
    assert '"bo"' not in told.text


def test_who_has_come_again_is_in_the_replay_of_what_was_served_since(live: TestClient) -> None:
    done(live.delete(f"{HERE}/members/bo"))
    seq = done(live.put(f"{HERE}/members/bo", json={"text": ROCKETS, "audience": "adult"}))
    path = f"{HERE}/members/bo/recommendations/groups"
    slate = live.get(path, params={"min_sequence": seq}).json()
    assert replay(live, slate["recommendation_id"])["member"] == "bo"


def test_a_member_is_told_all_that_is_held_on_them(live: TestClient) -> None:
    body = {"recommendation_id": "s", "member": "ana", "item": "bakers", "item_kind": "group"}
    done(live.post(f"{HERE}/feedback", json={**body, "event": "opened"}))
    held = live.get(f"{HERE}/members/ana/export").json()
    assert held["profile"]["id"] == "ana"
    assert [row["event"] for row in held["feedback"]] == ["opened"]


@pytest.mark.parametrize(
    "path", ["/recommendations/none", "/erasures/none", "/members/nobody/export"]
)
def test_what_is_not_there_is_not_found(live: TestClient, path: str) -> None:
    assert_problem(live.get(HERE + path), 404, "unknown")


def test_a_newcomer_known_by_a_text_is_replayed_without_a_name(live: TestClient) -> None:
    answer = live.post(f"{HERE}/recommendations/groups", json={"text": "I bake sourdough"})
    found = replay(live, answer.json()["recommendation_id"])
    assert found["member"] is None
    assert [one["id"] for one in found["items"]] == ids_of(answer)


def test_an_experiment_answers_by_arms_and_the_ledger_says_which(live: TestClient) -> None:
    arms = [{"name": "usual"}, {"name": "small", "intimacy": 3.0, "exploration": 0.0}]
    answer = live.put(EXPERIMENT, json={"arms": arms})
    assert answer.status_code == 200, answer.text
    assert [one["name"] for one in live.get(f"{HERE}/experiments").json()["experiments"]] == [
        "size"
    ]
    found = {}
    for member in ("ana", "bo", "cy", "jo", "kim", "mo", "nia", "di"):
        slates = [asked(live, member, "groups")["recommendation_id"] for _ in range(2)]
        seen = [replay(live, one) for one in slates]
        assert seen[0]["arm"] == seen[1]["arm"]  # the same whenever they ask
        found[member] = seen[0]["arm"], seen[0]["policy"]
    assert {arm for arm, _ in found.values()} == {"size=usual", "size=small"}
    # Each arm's preferences have a version of their own.
    assert len(set(found.values())) == 2
    assert live.delete(EXPERIMENT).status_code == 204
    assert replay(live, asked(live, "ana", "groups")["recommendation_id"])["arm"] is None
    assert_problem(live.delete(EXPERIMENT), 404, "unknown")


@pytest.mark.parametrize(
    "arms",
    [
        [],
        [{"name": "a"}, {"name": "a"}],
        [{"name": "a=b"}],
        [{"name": "a", "weight": 0}],
        [{"name": "a", "intimacy": 4}],
        [{"name": "a", "colour": "red"}],
    ],
)
def test_an_experiment_that_cannot_be_meant_is_refused(
    live: TestClient, arms: list[dict[str, Any]]
) -> None:
    assert_problem(live.put(EXPERIMENT, json={"arms": arms}), 422, "invalid")


def test_what_was_served_is_written_before_the_server_ends(
    world_bundles: Path, tmp_path: Path
) -> None:
    settings = prepared(world_bundles, tmp_path)
    with serving(settings) as client:
        slate = asked(client, "ana", "groups")["recommendation_id"]
    with serving(settings) as client:
        assert client.get(f"{HERE}/recommendations/{slate}").status_code == 200
