"""How suggestions are taken: counts by slice, worked by hand, and their intervals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from belong.cli import app
from data.store.changes import PutGroup, PutMember, apply_changes, create_community
from data.store.connect import open_store
from data.store.feedback import Told, tell_feedback
from data.store.holds import Event
from data.store.ledger import Served, ServedItem, write_served
from data.store.outcomes import Outcome
from engine.facts import Written
from training.feedback_report import EXPERIMENT_MEMBERS, Line, feedback_report, wilson

SHOWN, OPENED, JOINED, ACCEPTED = Event.SHOWN, Event.OPENED, Event.JOINED, Event.ACCEPTED


def outcome(
    member: str, rank: int, *events: Event, arm: str = "", source: str = "near", odds: float = 1.0
) -> Outcome:
    item = ServedItem("g", rank, 1.0, odds, (source, "lively"), ("visited", "visited"))
    return Outcome("r", 0.0, member, "groups", "v1", arm, item, frozenset(events))


def lines(*outcomes: Outcome) -> dict[tuple[str, str], Line]:
    return {(line.slice, line.value): line for line in feedback_report(outcomes)}


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    # From the formula by hand: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n), z² = 3.8415.
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (0, 0, 0.0, 1.0)],
)
def test_intervals_are_wilsons(count: int, of: int, low: float, high: float) -> None:
    rate = wilson(count, of)
    assert (rate.low, rate.high) == pytest.approx((low, high), abs=1e-4)


def test_what_was_shown_is_counted_in_each_of_its_slices() -> None:
    found = lines(
        outcome("ann", 1, SHOWN, OPENED, JOINED),
        outcome("ann", 2, SHOWN, source="far"),
        outcome("bo", 12, OPENED, odds=0.05),  # opened, so it was shown
        outcome("bo", 30, SHOWN, ACCEPTED),
    )
    every = found["all", ""]
    assert (every.shown, every.opened.count, every.joined.count, every.accepted.count) == (
        4, 2, 1, 1,
    )  # fmt: skip
    assert every.opened.share == 0.5
    assert found["rank", "1"].opened.share == 1.0
    assert (found["rank", "10+"].shown, found["rank", "10+"].accepted.count) == (2, 1)
    assert (found["source", "near"].shown, found["source", "far"].shown) == (3, 1)
    assert found["source", "lively"].shown == 4
    assert found["reason", "visited"].shown == 4
    assert found["explored", "yes"].shown == 1
    assert found["purpose", "groups"].shown == found["bundle", "v1"].shown == 4


def test_arms_are_compared_by_suggestions_and_by_members() -> None:
    found = lines(
        outcome("ann", 1, SHOWN, OPENED, arm="size=a,hue=x"),
        outcome("ann", 2, SHOWN, OPENED, arm="size=a,hue=x"),
        outcome("ann", 3, SHOWN, arm="size=a,hue=x"),
        outcome("bo", 1, SHOWN, arm="size=a,hue=y"),
        outcome("cy", 1, SHOWN, JOINED, arm="size=b,hue=x"),
    )
    assert (found["arm", "size=a"].shown, found["arm", "size=a"].opened.count) == (4, 2)
    by_member = found[EXPERIMENT_MEMBERS, "size=a"]
    assert (by_member.shown, by_member.opened.count, by_member.joined.count) == (2, 1, 0)
    assert found[EXPERIMENT_MEMBERS, "hue=x"].shown == 2


def test_the_command_prints_a_table_and_json(tmp_path: Path) -> None:
    store = open_store(tmp_path / "s.sqlite3")
    create_community(store, "town", 0.0)
    apply_changes(store, "town", [PutMember("ann"), PutGroup("g")], 0.0)
    item = ServedItem("g", 1, 1.0, 1.0, ("near",), ("visited",))
    write_served(store, "town", [Served("r", 5e9, "ann", "v1", "1", "", "groups", (item,))])
    told = [Told("r", "ann", "g", Written.GROUP, event) for event in (SHOWN, OPENED)]
    tell_feedback(store, "town", told, 0.0, 1.0)
    store.close()
    command = ["feedback-report", "--store", str(tmp_path / "s.sqlite3")]
    answer = CliRunner().invoke(app, [*command, "--json"])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.output)
    assert found["community"] == "town"
    first = found["lines"][0]
    assert (first["slice"], first["shown"], first["opened"]["count"]) == ("all", 1, 1)
    table = CliRunner().invoke(app, command).output
    assert "source near" in table
    assert "100.0%" in table
    assert CliRunner().invoke(app, ["feedback-report", "--store", "no.sqlite3"]).exit_code != 0
