"""How likely short walks lead from one member to another, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.paths import BY_GROUPS, GOES_ON, Paths
from engine.query import Query, query_of_member
from engine.snapshot import Snapshot
from tests.builders import Membership, built, make
from tests.world import NOW

PEOPLE = ("ana", "bo", "cy", "di", "ed")
ANA, BO, CY, DI, ED = range(5)


def chain() -> Snapshot:
    """Ana - Bo - Cy - Di are tied in a row; Ed is in a club with Cy and knows nobody."""
    ties = [("ana", "bo", NOW, 1.0), ("bo", "cy", NOW, 1.0), ("cy", "di", NOW, 1.0)]
    inside = [Membership("cy", "club"), Membership("ed", "club")]
    return built(make(PEOPLE, ["club", "den"], inside, ties=ties))


def asked(snapshot: Snapshot, member: int) -> Query:
    return query_of_member(snapshot, member)


def test_two_and_three_ties_are_walked_with_the_chance_of_each_step() -> None:
    walks = Paths.of(chain()).walks(asked(chain(), ANA))
    # Ana -> Bo for sure; Bo -> Ana or Cy; from Ana to Bo again, from Cy to Bo or Di.
    assert walks.second.tolist() == [0.5, 0, 0.5, 0, 0]
    assert walks.by_ties.tolist() == pytest.approx([0.5, GOES_ON * 0.75, 0.5, GOES_ON * 0.25, 0])


def test_somebody_without_ties_walks_over_a_group_and_then_a_tie() -> None:
    walks = Paths.of(chain()).walks(asked(chain(), ED))
    assert not walks.by_ties.any()
    assert walks.alike.tolist() == [0, 0, 1, 0, 0], "the only other one in the club"
    assert walks.by_alike.tolist() == [0, 0.5, 0, 0.5, 0]
    assert walks.mixed[CY] > walks.mixed[BO] > 0


def test_steps_of_either_kind_are_taken_by_whoever_has_both() -> None:
    walks = Paths.of(chain()).walks(asked(chain(), CY))
    first = np.array([0, (1 - BY_GROUPS) / 2, 0, (1 - BY_GROUPS) / 2, BY_GROUPS])
    # Bo has two ties, Ana and Cy; Di has Cy; Ed has the club, of Cy and Ed. Then on from there.
    second = np.array([first[BO] / 2, 0, first[BO] / 2 + first[DI] + first[ED] / 2, 0, 0.15])
    assert walks.mixed[ANA] == pytest.approx(GOES_ON * second[ANA])
    assert walks.mixed[ED] > first[ED] + GOES_ON * second[ED]


def test_a_private_group_leads_nobody_to_those_it_is_hidden_from() -> None:
    inside = [Membership(name, "club") for name in ("bo", "cy")]
    inside += [Membership(name, "den") for name in ("bo", "ed")]
    found = make(PEOPLE, ["club", "den"], inside, ties=[("ana", "bo", NOW, 1.0)])
    shut = found.groups.with_columns(visibility=np.array(["secret", "public"]))
    opened, secret = built(found), built(replace(found, groups=shut))
    assert Paths.of(opened).walks(asked(opened, ANA)).mixed[CY] > 0
    assert Paths.of(secret).walks(asked(secret, ANA)).mixed[CY] == 0, "Ana is not in it"
    assert Paths.of(secret).walks(asked(secret, ANA)).mixed[ED] > 0, "the den is for all to see"
    assert Paths.of(secret).walks(asked(secret, BO)).mixed[CY] > 0, "Bo is"


def test_a_walk_that_leads_nowhere_is_nowhere() -> None:
    snapshot = built(make(PEOPLE, ["club"], ties=[]))
    walks = Paths.of(snapshot).walks(asked(snapshot, ANA))
    assert not walks.mixed.any()
    assert len(walks.mixed) == len(PEOPLE)
