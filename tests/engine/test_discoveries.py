"""Which groups should exist, as a host is told: who may found one, in whose words, and why not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl

from engine.columns import Links, Profiles
from engine.discoveries import Discovery, discoveries_now, served_by
from engine.erasure import without_members
from engine.holds import Holds
from engine.snapshot import DiscoveryColumns, Snapshot
from tests.world import NOW, World, world

ROCKETEERS = ("ana", "bo", "fay", "gus", "mo", "nia", "di", "ed", "hal", "ivy", "lu")
"""From the most central to the least; only four of them may found a group together."""

TOGETHER = ["ana", "bo", "mo", "nia"]
ROCKETS = np.array([[1, 0, 0, 0]], np.float32)


def inside(groups: dict[str, list[str]]) -> pl.DataFrame:
    pairs = [(member, group) for group, members in groups.items() for member in members]
    return pl.DataFrame(
        {
            "member": [member for member, _ in pairs],
            "group": [group for _, group in pairs],
            "first_ts": [NOW - 1e6] * len(pairs),
        }
    )


@cache
def place(groups: tuple[tuple[str, tuple[str, ...]], ...] = (("oven-talk", ("cy",)),)) -> World:
    """Return the world with other memberships: nobody is in a group about rockets."""
    return world({"memberships": inside({name: list(people) for name, people in groups})})


def discovered(
    found: World,
    people: tuple[str, ...] = ROCKETEERS,
    said: tuple[str, ...] = ("igniter", "nosecone"),
) -> Snapshot:
    """Return the snapshot with one discovery: those who talk of rockets, most of the first word."""
    rows = np.array([found.member(name) for name in people])
    words = found.snapshot.vocabulary.tolist()
    terms = np.array([words.index(word) for word in said])
    typical = np.arange(len(said), 0, -1)
    columns = DiscoveryColumns(
        Links.of(1, np.zeros(len(rows), int), rows, np.linspace(1, 0.1, len(rows))),
        Links.of(1, np.zeros(len(terms), int), terms, typical),
        Profiles.of(4, [(ROCKETS, np.ones(1, np.float32))]),
        np.array([1.5], np.float32),
    )
    return replace(found.snapshot, discoveries=columns)


def ids(found: list[Discovery]) -> list[str]:
    return [founder.id for one in found for founder in one.founders]


def test_only_those_who_agree_and_are_of_one_band_and_have_no_block_found_a_group() -> None:
    assert ids(discoveries_now(discovered(place()), 5)) == TOGETHER


def test_a_discovery_is_named_and_described_in_its_founders_words() -> None:
    (one,) = discoveries_now(discovered(place()), 5)
    assert one.name == "Igniter and nosecone"
    assert one.description == (
        "4 people whose interests meet: 4 talk about “igniter” and 4 about “nosecone”."
    )
    assert one.terms == ("igniter", "nosecone")


def test_a_phrase_stands_for_its_words() -> None:
    snapshot = discovered(place(), said=("model", "rocket", "model rocket", "launch"))
    assert discoveries_now(snapshot, 5)[0].terms == ("model rocket", "launch")


def test_each_founder_has_a_reason_and_a_post_that_shows_it() -> None:
    (one,) = discoveries_now(discovered(place()), 5)
    reasons = {founder.id: founder.reasons[0] for founder in one.founders}
    assert reasons["bo"].text == "They talk about “igniter” and “nosecone”."
    assert {name: reason.evidence for name, reason in reasons.items()} == {
        "ana": ("p0",), "bo": ("p1",), "mo": ("p9",), "nia": ("p12",),
    }  # fmt: skip


def test_fewer_than_four_founders_are_not_shown() -> None:
    snapshot = discovered(place())
    discoverable = snapshot.members.discoverable.copy()
    discoverable[place().member("nia")] = False
    hidden = replace(snapshot, members=replace(snapshot.members, discoverable=discoverable))
    assert discoveries_now(hidden, 5) == []


def test_who_is_hidden_by_reports_founds_nothing() -> None:
    nia = np.array([place().member("nia")])
    assert discoveries_now(discovered(place()), 5, Holds(hidden=nia)) == []


def test_a_public_group_they_are_in_since_serves_them() -> None:
    joined = place((("launch-site", ("ana", "bo", "mo", "nia")),))
    assert discoveries_now(discovered(joined), 5) == []


def test_a_secret_group_neither_serves_them_nor_is_named() -> None:
    met = place((("secret-pad", ("ana", "bo", "mo", "nia")), ("private-pad", ("bo", "mo"))))
    (one,) = discoveries_now(discovered(met), 5)
    assert not {"secret-pad", "private-pad"} & {near.id for near in one.nearest}


def test_a_group_much_larger_than_they_are_many_does_not_serve_them() -> None:
    # 4 of 4 are in it, but F1 = 2 * 4 / (4 + 21) < 0.5, and 21 > 5 * 4.
    found = place((("launch-site", tuple(TOGETHER)),))
    rows = np.array(sorted(found.member(name) for name in TOGETHER))
    size = found.snapshot.groups.size.copy()
    size[found.group("launch-site")] = 21
    large = replace(found.snapshot, groups=replace(found.snapshot.groups, size=size))
    assert served_by(large, rows, ROCKETS[0]) is None
    size[found.group("launch-site")] = 20
    assert served_by(large, rows, ROCKETS[0]) == found.group("launch-site")


def test_the_nearest_groups_are_told_with_why_they_do_not_serve() -> None:
    few = place((("launch-site", ("bo", "cy", "hal")),))
    (one,) = discoveries_now(discovered(few), 5)
    why = {near.id: [reason.text for reason in near.reasons] for near in one.nearest}
    assert why["launch-site"] == ["1 of these 4 people is in it."]


def test_a_group_that_has_slept_for_months_says_so() -> None:
    few = place((("launch-site", ("bo", "cy", "hal")),))
    life = few.snapshot.behaviour.life
    quiet = np.full(len(life.quiet), np.log1p(365), np.float32)
    acts = replace(few.snapshot.behaviour, life=replace(life, quiet=quiet))
    (one,) = discoveries_now(replace(discovered(few), behaviour=acts), 5)
    assert one.nearest[0].reasons[0].text == "Nothing has happened in it for 12 months."


def test_words_of_one_post_by_many_are_one_voice_and_give_no_name() -> None:
    snapshot = discovered(place())
    posts = np.zeros(len(snapshot.members.term_posts), np.int64)  # all of them wrote the first
    members = replace(snapshot.members, term_posts=posts)
    assert discoveries_now(replace(snapshot, members=members), 5) == []


def test_an_erased_founder_leaves_nothing_and_too_few_leave_no_discovery() -> None:
    snapshot = discovered(place(), ("ana", "bo", "mo", "nia", "lu"))
    ana, bo = place().member("ana"), place().member("bo")
    once = without_members(snapshot, np.array([ana])).discoveries
    assert ana not in once.founders.targets
    assert len(once.founders.targets) == 4
    assert len(once.centres.vectors) == 1
    twice = without_members(snapshot, np.array([ana, bo])).discoveries
    assert (len(twice.founders.targets), len(twice.terms.targets)) == (0, 0)
    assert len(twice.centres.vectors) == 0
    assert len(twice.scores) == 1
