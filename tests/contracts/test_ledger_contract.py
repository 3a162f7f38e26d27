"""What must hold of the ledger, of experiments and of outcomes, whichever database keeps them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data.store.changes import PutGroup, PutMember, apply_changes, create_community
from data.store.connect import Store
from data.store.erasure import erase_member
from data.store.experiments import (
    Arm,
    Experiment,
    end_experiment,
    put_experiment,
    running_experiments,
)
from data.store.feedback import Told, tell_feedback
from data.store.holds import Event
from data.store.ledger import Served, ServedItem, drop_old, read_served, write_served
from data.store.outcomes import outcomes
from engine.domain import DAY_S
from engine.errors import DataError, UnknownError
from engine.facts import Written

NOW = 1_700_000_000.0
TOWN = "town"


@pytest.fixture
def town(store: Store) -> Store:
    """A store with a community in which are Ann, Bo, Cy and two groups."""
    create_community(store, TOWN, NOW)
    people = [PutMember(one) for one in ("ann", "bo", "cy")]
    apply_changes(store, TOWN, [*people, PutGroup("bakers"), PutGroup("knitters")], NOW)
    return store


def slate(one: str, member: str, *items: str, purpose: str = "members", **told: object) -> Served:
    listed = tuple(
        ServedItem(item, rank, 1 / rank, 0.5 if rank == 2 else 1.0, ("nearest",), ("lively",))
        for rank, item in enumerate(items, 1)
    )
    made = Served(one, NOW, member, "v1", "1-x", "size=small", purpose, listed)
    return replace(made, **told)  # type: ignore[arg-type]


def test_what_was_served_is_read_as_it_was_written(town: Store) -> None:
    written = slate("r1", "ann", "bo", "cy")
    write_served(town, TOWN, [written, slate("r2", "")])
    assert read_served(town, TOWN, "r1") == written
    assert read_served(town, TOWN, "r2").items == ()
    for community, one in ((TOWN, "r3"), ("other", "r1")):
        with pytest.raises(UnknownError):
            read_served(town, community, one)


def test_many_slates_are_written_at_once(town: Store) -> None:
    write_served(town, TOWN, [slate(f"r{n}", "ann", "bo") for n in range(205)])
    assert read_served(town, TOWN, "r204").member == "ann"
    with pytest.raises(UnknownError):
        write_served(town, "none", [slate("r1", "ann")])


def test_who_was_forgotten_since_the_answer_is_not_written_down(town: Store) -> None:
    knew = town.head_of(TOWN)
    write_served(town, TOWN, [slate("before", "ann", "bo", "cy", sequence=knew)])
    erase_member(town, TOWN, "bo", NOW)
    late = [
        slate("of-others", "ann", "bo", "cy", sequence=knew),
        slate("their-own", "bo", "cy", sequence=knew),
    ]
    # Forgotten and come again: what is answered since is about who they are now.
    apply_changes(town, TOWN, [PutMember("bo")], NOW)
    again = town.head_of(TOWN)
    write_served(town, TOWN, [*late, slate("again", "bo", "cy", sequence=again)])
    assert [item.item for item in read_served(town, TOWN, "before").items] == ["cy"]
    assert [item.item for item in read_served(town, TOWN, "of-others").items] == ["cy"]
    assert read_served(town, TOWN, "again").member == "bo"
    with pytest.raises(UnknownError):
        read_served(town, TOWN, "their-own")


def test_what_is_older_than_its_time_is_dropped(town: Store) -> None:
    write_served(town, TOWN, [slate("r1", "ann"), slate("r2", "ann", created_ts=NOW + DAY_S)])
    assert drop_old(town, NOW + 180 * DAY_S + 1) == 1
    with pytest.raises(UnknownError):
        read_served(town, TOWN, "r1")
    assert read_served(town, TOWN, "r2").member == "ann"
    assert drop_old(town, NOW + 180 * DAY_S + 1) == 0


def test_outcomes_are_what_was_shown_with_all_that_became_of_it(town: Store) -> None:
    write_served(town, TOWN, [slate("r1", "ann", "bo", "cy"), slate("r2", "bo", "ann")])
    many = [slate(f"m{n:03}", "cy", "bo") for n in range(600)]
    write_served(town, TOWN, many)

    def told(one: str, member: str, item: str, event: Event) -> Told:
        return Told(one, member, item, Written.MEMBER, event)

    events = [
        told("r1", "ann", "bo", Event.SHOWN),
        told("r1", "ann", "bo", Event.ACCEPTED),
        told("m599", "cy", "bo", Event.OPENED),
        told("r2", "cy", "ann", Event.OPENED),  # not whom it was served to
        told("unknown", "ann", "bo", Event.OPENED),
    ]
    tell_feedback(town, TOWN, events, NOW, DAY_S)
    found = {(one.recommendation_id, one.item.item): one for one in outcomes(town, TOWN)}
    assert set(found) == {("r1", "bo"), ("m599", "bo")}
    assert found["r1", "bo"].events == {Event.SHOWN, Event.ACCEPTED}
    assert found["r1", "bo"].item.rank == 1
    assert found["r1", "bo"].arm == "size=small"
    assert not list(outcomes(town, TOWN, since_ts=NOW + 1))


def test_an_experiment_runs_until_it_ends_and_changes_when_told(town: Store) -> None:
    assert running_experiments(town) == {}
    put_experiment(town, TOWN, "size", [Arm("a"), Arm("b", 2.0, intimacy=1.0)], NOW)
    put_experiment(town, TOWN, "size", [Arm("a"), Arm("c")], NOW + 1)
    put_experiment(town, TOWN, "colour", [Arm("red")], NOW)
    secret, running = running_experiments(town)[TOWN]
    assert [one.name for one in running] == ["colour", "size"]
    assert running[1] == Experiment("size", (Arm("a"), Arm("c")), NOW + 1)
    assert len(secret) == 32
    end_experiment(town, TOWN, "size")
    assert [one.name for one in running_experiments(town)[TOWN][1]] == ["colour"]
    with pytest.raises(UnknownError):
        end_experiment(town, TOWN, "size")
    with pytest.raises(UnknownError):
        put_experiment(town, "none", "size", [Arm("a")], NOW)


@pytest.mark.parametrize(
    ("name", "arms"),
    [
        ("", [Arm("a")]),
        ("a,b", [Arm("a")]),
        ("size", []),
        ("size", [Arm(str(n)) for n in range(11)]),
        ("size", [Arm("a"), Arm("a")]),
        ("size", [Arm("a=b")]),
        ("size", [Arm("a", float("nan"))]),
        ("size", [Arm("a", 0.0)]),
        ("size", [Arm("a", variety=2.0)]),
    ],
)
def test_an_experiment_that_cannot_be_meant_is_refused(
    town: Store, name: str, arms: list[Arm]
) -> None:
    with pytest.raises(DataError):
        put_experiment(town, TOWN, name, arms, NOW)


def test_members_are_shared_among_arms_by_weight_and_stay_where_they_are() -> None:
    one = Experiment("size", (Arm("a"), Arm("b", 3.0)), NOW)
    drawn = {f"m{n}": one.arm_of(b"secret", f"m{n}").name for n in range(4_000)}
    assert drawn == {member: one.arm_of(b"secret", member).name for member in drawn}
    share = sum(arm == "b" for arm in drawn.values()) / len(drawn)
    assert share == pytest.approx(0.75, abs=0.03)  # 4 standard deviations
    # Another experiment, or another community, draws anew.
    for other, secret in ((replace(one, name="other"), b"secret"), (one, b"another")):
        alike = sum(other.arm_of(secret, member).name == arm for member, arm in drawn.items())
        assert alike / len(drawn) == pytest.approx(0.75**2 + 0.25**2, abs=0.04)
