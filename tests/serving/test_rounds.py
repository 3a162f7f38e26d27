"""Rounds over HTTP: planned, looked at, committed, and kept from whoever may not see them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from belong.cli import main
from tests.serving.answers import assert_problem
from tests.serving.running import running
from tests.serving.test_changes import HERE, done, prepared, serving
from tests.world import MEMBERS

ROUNDS = f"{HERE}/rounds"


@pytest.fixture(scope="module")
def live(world_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The world, as a server has it that takes in changes; tests use members of their own."""
    with serving(prepared(world_bundles, tmp_path_factory.mktemp("rounds"))) as client:
        yield client


def plan(client: TestClient, members: Any = "all", **wishes: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = client.post(ROUNDS, json={"members": members, **wishes})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def met(card: dict[str, Any]) -> list[list[str]]:
    return [match["members"] for match in card["matches"]]


def test_a_plan_has_matches_with_reasons_for_both_and_says_who_is_left_out(
    live: TestClient,
) -> None:
    card = plan(live, list(MEMBERS), name="June", seed=4)
    assert (card["status"], card["name"], card["matches_total"]) == ("planned", "June", 4)
    assert ["ana", "bo"] in met(card)
    [first] = [match for match in card["matches"] if match["members"] == ["ana", "bo"]]
    assert [(told["member"], told["other"]) for told in first["reasons"]] == [
        ("ana", "bo"),
        ("bo", "ana"),
    ]
    assert all(told["reasons"][0]["text"] for told in first["reasons"])
    assert {left["member"]: left["why"] for left in card["left_out"]}["ed"] == "closed"
    assert card["total_quality"] == pytest.approx(sum(m["quality"] for m in card["matches"]))
    assert live.get(f"{ROUNDS}/{card['id']}").json() == card


def test_pages_follow_each_other(live: TestClient) -> None:
    card = plan(live)
    seen: list[list[str]] = []
    offset: int | None = 0
    while offset is not None:
        page = live.get(f"{ROUNDS}/{card['id']}", params={"limit": 1, "offset": offset}).json()
        seen += met(page)
        offset = page["next_offset"]
    assert seen == met(card)


def test_what_is_new_beside_another_plan_is_told(live: TestClient) -> None:
    one, other = plan(live), plan(live, never=[["ana", "bo"]])
    told = live.get(f"{ROUNDS}/{other['id']}", params={"diff": one["id"]}).json()["diff"]
    assert ["ana", "bo"] in told["gone"]
    assert told["kept"] + len(told["new"]) == other["matches_total"]
    assert_problem(live.get(f"{ROUNDS}/{one['id']}", params={"diff": "no"}), 404, "unknown")


def test_a_commit_leaves_out_whoever_blocked_or_closed_since_and_is_made_once(
    world_bundles: Path, tmp_path: Path
) -> None:
    with serving(prepared(world_bundles, tmp_path)) as client:
        three = [["ana", "bo"], ["cy", "nia"], ["gus", "jo"]]
        ids = [one for pair in three for one in pair]
        card = plan(client, ids, must=three)
        done(client.put(f"{HERE}/members/bo/blocks/ana"))
        done(client.put(f"{HERE}/members/cy/preferences", json={"open_to_introductions": False}))
        looked = client.get(f"{ROUNDS}/{card['id']}").json()
        assert [m["members"] for m in looked["matches"] if m["possible"]] == [["gus", "jo"]]
        committed = client.post(f"{ROUNDS}/{card['id']}/commit").json()
        assert (committed["status"], met(committed)) == ("committed", [["gus", "jo"]])
        assert {left["why"] for left in committed["left_out"]} == {"not_any_more"}
        again = client.post(f"{ROUNDS}/{card['id']}/commit").json()
        assert again == committed
        other = plan(client, ["gus", "jo"], no_repeat_rounds=1)
        assert other["matches"] == []


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"members": ["nobody"]}, "no member has the id 'nobody'"),
        ({"must": [["ana", "fay"]]}, "may not be introduced"),
        ({"must": [["ana", "bo"]], "never": [["ana", "bo"]]}, "must meet and must never"),
        ({"size": 10}, "body.size"),
        ({"size": 1}, "body.size"),
        ({"mix": "blend"}, "body.mix"),
        ({"must": [["ana"]]}, "body.must"),
        ({"surprise": 1}, "body.surprise"),
        ({"members": "some"}, "body.members"),
    ],
)
def test_wishes_that_cannot_be_are_refused(
    live: TestClient, wishes: dict[str, Any], said: str
) -> None:
    answer = live.post(ROUNDS, json={"members": "all"} | wishes)
    kind = "unknown-reference" if "nobody" in said else "invalid"
    assert said in assert_problem(answer, 422, kind)["detail"]


def test_there_is_no_round_of_that_id_and_none_without_a_store(
    live: TestClient, served: Path
) -> None:
    assert_problem(live.get(f"{ROUNDS}/x"), 404, "unknown")
    assert_problem(live.post(f"{ROUNDS}/x/commit"), 404, "unknown")
    with running(served) as client:
        assert_problem(client.post(ROUNDS, json={"members": "all"}), 404, "unknown")


def test_the_command_plans_by_a_bundle_alone_and_writes_a_table(
    world_bundles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundles, out = prepared(world_bundles, tmp_path / "a").bundles, tmp_path / "round.csv"
    with pytest.raises(SystemExit) as ended:
        main(["round", "--bundles", str(bundles), "--out", str(out)])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["matches_total"] == 4
    rows = list(csv.DictReader(out.read_text("utf-8").splitlines()))
    assert {row["with"] for row in rows if row["member"] == "ana"} == {"bo"}


def test_the_command_keeps_and_commits_a_round_and_the_next_one_repeats_nothing(
    world_bundles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = prepared(world_bundles, tmp_path / "a")
    asked = ["round", "--bundles", str(settings.bundles), "--store", str(settings.store)]
    met_before: set[tuple[str, ...]] = set()
    for turn in range(2):
        out = tmp_path / f"{turn}.json"
        with pytest.raises(SystemExit) as ended:
            main([*asked, "--out", str(out), "--commit", "--no-repeat", "1"])
        assert ended.value.code == 0
        assert json.loads(capsys.readouterr().out)["status"] == "committed"
        found = {tuple(one) for one in met(json.loads(out.read_text("utf-8")))}
        assert found
        assert not found & met_before
        met_before = found
