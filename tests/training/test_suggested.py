"""What was suggested: labels, whose words are never in it, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from threadpoolctl import threadpool_limits

from data.community import Community
from data.store.changes import PutGroup, PutMember, apply_changes, create_community
from data.store.connect import open_store
from data.store.erasure import erase_member
from data.store.feedback import Told, tell_feedback
from data.store.holds import OURS, Event
from data.store.ledger import Served, ServedItem, write_served
from data.store.outcomes import Outcome, outcomes
from engine.domain import DAY_S
from engine.facts import Written
from tests.builders import Membership, built, make
from tests.training.circles import circles, learned
from tests.world import NOW
from training.examples import known_examples
from training.split import past
from training.suggested import DECISIVE, LABELS, Label, Showings, Suggested, resolved, shown_in
from training.windows import Window

SHOWN, OPENED, JOINED = Event.SHOWN, Event.OPENED, Event.JOINED
DISMISSED, LEFT, REPORTED = Event.DISMISSED, Event.LEFT, Event.REPORTED
WINDOW = Window(NOW - 100 * DAY_S, NOW)
GROUPS = {"a": "rocket", "b": "rocket", "c": "sourdough", "d": "sourdough", "e": "chat"}
OLD = [Membership(one, "a", NOW - 300 * DAY_S) for one in ("ana", "bo", "cy")]


def told(
    member: str, group: str, *events: Event, rank: int = 1, age: float = 50.0, slate: str = "s"
) -> Outcome:
    item = ServedItem(group, rank, 1.0, 0.5, ("near",), ("visited",))
    when = NOW - age * DAY_S
    return Outcome(slate, when, member, "groups", "v", "", item, frozenset(events))


def here(*joined: Membership, members: tuple[str, ...] = ("ana", "bo", "cy", "new")) -> Community:
    return make(list(members), GROUPS, [*OLD, *joined])


def shown(
    community: Community, *found: Outcome, left_out: dict[str, int] | None = None
) -> Showings:
    left_out = {} if left_out is None else left_out
    frame = resolved(Suggested.of(found), community, left_out)
    snapshot = built(past(community, WINDOW.cut))
    return shown_in(frame, snapshot, WINDOW, np.random.default_rng(0), left_out)


def labels(showings: Showings) -> dict[str, str]:
    """Return what each shown group of the first viewer is taken for."""
    end = showings.examples.starts[1]
    names = np.where(
        showings.examples.joined, "taken", np.where(showings.refused, "refused", "passed")
    )
    return {
        "abcde"[row]: str(name)
        for row, name, seen in zip(
            showings.examples.rows[:end], names[:end], showings.shown[:end], strict=True
        )
        if seen
    }


# Labels


@pytest.mark.parametrize(
    ("events", "label"),
    [
        ({JOINED}, Label.TAKEN),
        ({SHOWN, OPENED, JOINED}, Label.TAKEN),
        ({DISMISSED, JOINED}, Label.TAKEN),
        ({JOINED, LEFT}, Label.REFUSED),
        ({JOINED, REPORTED}, Label.REFUSED),
        ({OPENED, DISMISSED}, Label.REFUSED),
        ({Event.DECLINED}, Label.REFUSED),
        ({SHOWN}, Label.UNTOLD),
        ({SHOWN, OPENED}, Label.UNTOLD),
        ({Event.ACCEPTED}, Label.UNTOLD),
    ],
)
def test_of_several_events_the_most_telling_decides(events: set[Event], label: Label) -> None:
    frame = Suggested.of([told("ana", "b", *events)]).frame
    assert LABELS[DECISIVE[frame["told"][0]]] is label


def test_every_event_that_is_told_has_a_label() -> None:
    assert set(LABELS) == set(Event) - set(OURS)


def test_a_click_is_worth_no_more_and_no_less_than_being_shown() -> None:
    both = shown(here(), told("ana", "b", SHOWN), told("ana", "c", SHOWN, OPENED, rank=2))
    assert labels(both) == {"b": "passed", "c": "passed"}
    # It only shows that somebody looked.
    assert both.reacted.tolist() == [False, True]


def test_only_what_was_shown_counts_though_the_whole_pool_is_measured() -> None:
    showings = shown(here(), told("ana", "b", JOINED), told("ana", "d", DISMISSED, rank=3))
    assert labels(showings) == {"b": "taken", "d": "refused"}
    assert showings.examples.rows.tolist() == [1, 2, 3, 4]
    assert showings.examples.counts.tolist() == [1, 0, 1, 0]
    assert showings.examples.ideal.tolist() == [1]
    assert showings.ranks.tolist() == [1, 3]
    assert showings.odds.tolist() == [0.5, 0.5]


def test_shown_several_times_it_is_one_example_of_all_that_was_told() -> None:
    later = told("ana", "b", JOINED, age=40, slate="t", rank=4)
    showings = shown(here(), told("ana", "b", DISMISSED), later)
    assert labels(showings) == {"b": "taken"}
    assert (showings.places.tolist(), showings.ranks.tolist()) == ([0, 0], [1, 4])
    assert len(np.unique(showings.slates)) == 2


def test_a_membership_tells_of_a_join_and_of_its_end_without_feedback() -> None:
    ago = NOW - 45 * DAY_S
    joined = [
        Membership("ana", "b", ago),
        Membership("ana", "c", ago, left_ts=NOW - DAY_S),
        Membership("ana", "d", NOW - 60 * DAY_S),
    ]
    found = shown(here(*joined), *(told("ana", group, SHOWN) for group in "bcd"))
    # In d already when it was shown: that says nothing of what came of it.
    assert labels(found) == {"b": "taken", "c": "refused", "d": "passed"}


# What is left out


def test_what_cannot_be_used_is_left_out_and_counted() -> None:
    quiet = here(members=("ana", "bo", "cy", "new"))
    hidden = pl.when(pl.col("id") == "cy").then(pl.lit(value=False)).otherwise("discoverable")
    community = replace(quiet, members=quiet.members.with_columns(discoverable=hidden))
    left_out: dict[str, int] = {}
    found = shown(
        community,
        told("ana", "b", JOINED),
        told("gone", "b", JOINED),
        told("ana", "closed", JOINED),
        told("", "b", SHOWN),
        told("cy", "b", JOINED),
        told("new", "b", JOINED),
        told("bo", "a", SHOWN),
        told("ana", "c", JOINED, age=200),
        replace(told("ana", "bo", Event.MET), purpose="members"),
        left_out=left_out,
    )
    assert left_out == {
        "of or to somebody unknown": 3,
        "to members who are not discoverable": 1,
        "to members without a group": 1,
        "of no candidate": 1,
    }
    assert labels(found) == {"b": "taken"}
    assert len(found.places) == 1


def test_a_private_group_teaches_nothing() -> None:
    community = here()
    closed = pl.when(pl.col("id") == "b").then(pl.lit("private")).otherwise("visibility")
    private = replace(community, groups=community.groups.with_columns(visibility=closed))
    assert labels(shown(private, told("ana", "b", JOINED), told("ana", "c", SHOWN))) == {
        "c": "passed"
    }


def test_nothing_of_what_was_shown_or_came_of_it_is_in_the_columns() -> None:
    joined = Membership("ana", "b", NOW - 45 * DAY_S)
    community = here(joined)
    snapshot = built(past(community, WINDOW.cut))
    plain = known_examples(community, snapshot, WINDOW, 0, np.random.default_rng(0))
    found = shown(community, told("ana", "b", JOINED), told("ana", "c", DISMISSED))
    assert found.examples.names == plain.names
    assert found.examples.values.tolist() == plain.values.tolist()


def test_only_ids_and_numbers_are_kept_and_no_words() -> None:
    frame = Suggested.of([told("ana", "b", JOINED)]).frame
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    assert texts == ["member", "group"]
    assert frame.row(0, named=True)["member"] == "ana"


# From the store, through training


def test_who_was_forgotten_teaches_nothing_any_more(tmp_path: Path) -> None:
    store = open_store(tmp_path / "s.sqlite3")
    create_community(store, "town", 0.0)
    apply_changes(store, "town", [PutMember("ann"), PutMember("bo"), PutGroup("g")], 0.0)
    item = ServedItem("g", 2, 1.0, 0.5, ("near",), ("visited",))
    slates = [
        Served(f"to {one}", 5.0, one, "v", "1", "", "groups", (item,)) for one in ("ann", "bo")
    ]
    write_served(store, "town", slates)
    events = [Told(f"to {one}", one, "g", Written.GROUP, Event.JOINED) for one in ("ann", "bo")]
    tell_feedback(store, "town", events, 6.0, 1.0)
    before = Suggested.of(outcomes(store, "town")).frame
    assert sorted(before.select("ts", "member", "group", "rank", "odds", "told").rows()) == [
        (5.0, one, "g", 2, 0.5, DECISIVE.index(JOINED)) for one in ("ann", "bo")
    ]
    erase_member(store, "town", "bo", 7.0)
    after = Suggested.of(outcomes(store, "town")).frame
    assert after["member"].to_list() == ["ann"]
    store.close()


def test_what_was_served_later_is_not_known_before() -> None:
    both = Suggested.of([told("ana", "b", SHOWN, age=9), told("ana", "c", SHOWN, age=2)])
    assert both.before(NOW - 5 * DAY_S).frame["group"].to_list() == ["b"]


def test_a_community_is_taught_by_its_windows_and_the_story_counts_what_was_shown() -> None:
    found = circles(90)
    # Each is shown the six groups of their circle, of which four are theirs by now, and one of
    # another that nobody takes, after all that is on record; and one slate is older than that.
    names = found.groups["id"].to_list()
    suggested = [told("m000", names[0], SHOWN, age=5000)]
    for row in range(90):
        circle = 6 * (row % 3)
        offered = [(names[circle + one], JOINED) for one in range(6)]
        offered.append((names[(circle + 6) % 18], SHOWN))
        suggested += [
            told(f"m{row:03}", group, event, rank=place, age=-1, slate=f"s{row}")
            for place, (group, event) in enumerate(offered, 1)
        ]
    with threadpool_limits(1):
        _, ranker = learned(found, suggested=Suggested.of(suggested))
    story = ranker.story["feedback"]
    left_out = story["left_out"]
    assert left_out["before the first window"] == 1
    # All that was shown is either learned from or accounted for.
    assert story["shown"] + sum(left_out.values()) == len(suggested)
    assert story["slates"] > 80
    assert story["taken"] == story["shown"] - story["slates"]
    assert story["refused"] == 0
    assert len(story["attention"]["by_rank"]) == 10
    assert story["why"]
