"""Feedback over HTTP: what it sets aside holds from the next answer on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data.store.connect import open_store
from data.store.feedback import Told, tell_feedback
from data.store.holds import Event
from engine.bundle import load_bundle
from engine.facts import Written
from engine.registry import Registry
from serving.live import Live
from tests.serving.answers import assert_problem
from tests.serving.running import wait_until
from tests.serving.test_changes import HERE, done, groups, people, prepared, serving


@pytest.fixture
def live(world_bundles: Path, tmp_path: Path) -> Iterator[TestClient]:
    """The world, as a server has it that takes in feedback."""
    with serving(prepared(world_bundles, tmp_path)) as client:
        yield client


def event(
    event: str, member: str, item: str, kind: str = "member", slate: str = "s1"
) -> dict[str, Any]:
    return {
        "recommendation_id": slate,
        "member": member,
        "item": item,
        "item_kind": kind,
        "event": event,
    }


def post(client: TestClient, body: Any) -> Any:  # noqa: ANN401
    return client.post(f"{HERE}/feedback", json=body)


def test_a_dismissed_group_is_out_of_the_very_next_answer(live: TestClient) -> None:
    assert "launch-site" in groups(live, "ana")
    answer = post(live, event("dismissed", "ana", "launch-site", "group"))
    done(answer)
    assert (answer.json()["events"], answer.json()["new"]) == (1, 1)
    assert "launch-site" not in groups(live, "ana")
    assert "launch-site" in groups(live, "cy")


def test_a_declined_introduction_is_out_of_both_next_answers(live: TestClient) -> None:
    assert "bo" in people(live, "ana")
    assert "ana" in people(live, "bo")
    done(post(live, [event("shown", "ana", "bo"), event("declined", "ana", "bo")]))
    assert "bo" not in people(live, "ana")
    assert "ana" not in people(live, "bo")


def test_an_introduction_both_have_accepted_is_not_made_again(live: TestClient) -> None:
    done(post(live, event("accepted", "ana", "bo")))
    assert "bo" in people(live, "ana")
    done(post(live, event("accepted", "bo", "ana")))
    assert "bo" not in people(live, "ana")


def test_a_report_holds_for_the_reporter_and_of_several_for_all_until_cleared(
    live: TestClient,
) -> None:
    done(post(live, event("reported", "ana", "bo")))
    assert "bo" not in people(live, "ana")
    assert "bo" in people(live, "nia")
    done(post(live, [event("reported", one, "bo") for one in ("cy", "jo")]))
    assert "bo" not in people(live, "nia")
    answer = live.post(
        f"{HERE}/recommendations/members", json={"text": "rockets", "audience": "adult"}
    )
    assert "bo" not in {item["id"] for item in answer.json()["items"]}
    seq = done(live.post(f"{HERE}/members/bo/reports/clear"))
    assert "bo" in people(live, "nia", min_sequence=seq)
    assert "bo" not in people(live, "ana")


def test_a_hold_survives_a_restart_and_ends_with_its_time(
    world_bundles: Path, tmp_path: Path
) -> None:
    settings = prepared(world_bundles, tmp_path)
    with serving(settings) as client:
        done(post(client, event("dismissed", "ana", "launch-site", "group")))
    with serving(settings) as client:
        assert "launch-site" not in groups(client, "ana")
    second = 1 / 86_400
    with serving(replace(settings, hold_days=second)) as client:
        done(post(client, event("dismissed", "ana", "bo")))
        assert "bo" not in people(client, "ana")
        wait_until(lambda: "bo" in people(client, "ana"))


def test_a_bundle_made_after_a_hold_heeds_it_as_well(world_bundles: Path, tmp_path: Path) -> None:
    settings = prepared(world_bundles, tmp_path)
    store = open_store(str(settings.store))
    told = Told("s", "ana", "launch-site", Written.GROUP, Event.DISMISSED)
    head, *_ = tell_feedback(store, "world", [told], time.time(), 60.0)
    bundle = load_bundle(Registry(settings.bundles).current("world"))
    later = replace(bundle, manifest=replace(bundle.manifest, watermark=head))
    live = Live("world", later, store)
    assert live.catch_up() == 0  # the log has nothing to add
    found = {item.id for item in live.recommender.groups_for("ana", 50).items}
    assert found
    assert "launch-site" not in found
    store.close()


def test_who_is_forgotten_and_comes_again_has_set_nothing_aside(live: TestClient) -> None:
    done(live.put(f"{HERE}/members/pia", json={"text": "rocket", "audience": "adult"}))
    seq = done(post(live, event("dismissed", "pia", "launch-site", "group")))
    assert "launch-site" not in groups(live, "pia", min_sequence=seq)
    done(live.delete(f"{HERE}/members/pia"))
    seq = done(live.put(f"{HERE}/members/pia", json={"text": "rocket", "audience": "adult"}))
    assert "launch-site" in groups(live, "pia", min_sequence=seq)


def test_a_group_that_ends_and_begins_again_is_still_set_aside(live: TestClient) -> None:
    done(post(live, event("dismissed", "ana", "new-pad", "group")))
    done(live.delete(f"{HERE}/groups/new-pad"))
    seq = done(live.put(f"{HERE}/groups/new-pad", json={"name": "New pad", "text": "rocket"}))
    assert "new-pad" in groups(live, "cy", min_sequence=seq)
    assert "new-pad" not in groups(live, "ana")


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (event("shown", "nobody", "bo"), 422, "unknown-reference"),
        (event("shown", "ana", "nobody"), 422, "unknown-reference"),
        (event("hidden", "ana", "bo"), 422, "invalid"),
        (event("shown", "ana", "bo", "post"), 422, "invalid"),
        (event("shown", "ana", "ana"), 422, "invalid"),
        ({**event("shown", "ana", "bo"), "stars": 5}, 422, "invalid"),
        ([], 422, "invalid"),
        ([event("shown", "ana", "bo")] * 1_001, 422, "invalid"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    live: TestClient,
    body: Any,  # noqa: ANN401
    status: int,
    kind: str,
) -> None:
    assert_problem(post(live, body), status, kind)


def test_without_a_community_or_a_store_there_is_no_feedback(
    live: TestClient, client: TestClient
) -> None:
    body = event("shown", "ana", "bo")
    assert_problem(live.post("/v1/communities/none/feedback", json=body), 404, "unknown")
    assert_problem(client.post(f"{HERE}/feedback", json=body), 404, "unknown")
    assert_problem(live.post(f"{HERE}/members/nobody/reports/clear"), 404, "unknown")
