"""Reasons stay word for word the same when everything the viewer may not see is removed.

Once from the community before anything is built from it: what nobody may see leaves no trace in
what others are told. And once, for each viewer by themself, from what a server knows: what this
viewer may not see, such as people of another band or whom they have blocked, is not even read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from engine.columns import Strings
from engine.common_ground import Pair
from engine.crowds import Crowds
from engine.erasure import without_members
from engine.explanations import MemberReasons
from engine.group_reasons import GroupReasons
from engine.query import query_of_member
from engine.snapshot import Snapshot
from engine.types import Rows
from engine.visibility import Sight, Viewer
from tests.hidden_worlds import Looked, hidden_tables, hidden_world, public_part
from tests.reason_facts import Facts
from tests.world import World, world

EXAMPLES = int(os.environ.get("BELONG_EXAMPLES", "12"))
"""Communities that each property is tried on; docs/privacy.md says how to try many more."""

tried = settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # a smaller seed is no smaller community
)
seeds = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Told:
    """Everything a viewer is told of others, by the id of what it is about."""

    snapshot: Snapshot
    hidden: Rows

    def of_members(self, viewer: int, ids: list[str]) -> dict[str, object]:
        """Return the reasons and the opening for each of these members."""
        query, here = query_of_member(self.snapshot, viewer), self.snapshot.members.ids.tolist()
        reasons = MemberReasons(self.snapshot, self.hidden)
        rows = {one: here.index(one) for one in ids}
        return {
            one: (reasons.explain(query, row), reasons.opening(query, row))
            for one, row in rows.items()
        }

    def of_groups(self, viewer: int, ids: list[str]) -> dict[str, object]:
        """Return the reasons for each of these groups."""
        query, here = query_of_member(self.snapshot, viewer), self.snapshot.groups.ids.tolist()
        reasons = GroupReasons(self.snapshot, self.hidden)
        return {one: reasons.explain(query, here.index(one)) for one in ids}


NOBODY_HIDDEN = np.zeros(0, np.int64)


@tried
@given(seeds)
def test_what_nobody_may_see_leaves_no_trace_in_what_others_are_told(seed: int) -> None:
    tables = hidden_tables(seed)
    here = world(tables)
    less = public_part(tables, here)
    assume(len(less["members"]) > 1 and len(less["groups"]))
    rest = world(less)
    assert rest.snapshot.vocabulary.tolist() == here.snapshot.vocabulary.tolist()
    np.testing.assert_array_equal(rest.snapshot.rarity, here.snapshot.rarity)
    whole, part = Told(here.snapshot, NOBODY_HIDDEN), Told(rest.snapshot, NOBODY_HIDDEN)
    groups = rest.snapshot.groups.ids.tolist()
    for one in _alone(here, rest):
        before, after = here.member(one), rest.member(one)
        seen = rest.snapshot.members.ids.tolist()
        others = [other for other in seen if Facts(here).may_see(before, here.member(other))]
        assert part.of_members(after, others) == whole.of_members(before, others)
        assert part.of_groups(after, groups) == whole.of_groups(before, groups)


def _alone(here: World, rest: World) -> Iterator[str]:
    """Yield the members of the rest who wrote nothing together with somebody hidden.

    What others do wrote is theirs still, and shapes what they care about.
    """
    facts, nobody = Facts(here), Looked(Facts(here))
    hidden = set(nobody.hidden_members())
    posts = {post for member, post in facts.wrote if member in hidden}
    for one in rest.snapshot.members.ids.tolist():
        mine = {post for member, post in facts.wrote if member == here.member(one)}
        if not mine & posts:
            yield one


@tried
@given(seeds)
def test_what_a_viewer_may_not_see_is_not_read_for_them(seed: int) -> None:
    here = hidden_world(seed)
    facts, chance = Facts(here), np.random.default_rng(seed)
    count = len(facts.members)
    hidden = np.flatnonzero(chance.uniform(size=count) < 0.1)
    for viewer in range(count):
        unseen = [row for row in range(count) if not facts.may_see(viewer, row)]
        unseen += [row for row in hidden.tolist() if row != viewer]
        others = sorted(set(range(count)) - set(unseen) - {viewer})
        people = [str(facts.members[row]["id"]) for row in others]
        groups = [
            str(row["id"]) for place, row in enumerate(facts.groups) if facts.is_public(place)
        ]
        whole = Told(here.snapshot, hidden)
        part = Told(_less(here.snapshot, unseen), hidden)
        assert part.of_members(viewer, people) == whole.of_members(viewer, people)
        assert part.of_groups(viewer, groups) == whole.of_groups(viewer, groups)


def _less(snapshot: Snapshot, unseen: list[int]) -> Snapshot:
    """Return a snapshot without some members, and without the names of groups not public."""
    found = without_members(snapshot, np.array(unseen, np.int64))
    shown = [
        name if public else ""
        for name, public in zip(
            found.groups.names.tolist(), found.groups.public.tolist(), strict=True
        )
    ]
    members = found.groups.members.with_rows(
        {
            row: (np.zeros(0, np.int64), np.zeros(0, np.float32))
            for row in np.flatnonzero(~found.groups.public).tolist()
        },
        len(found.groups.ids),
    )
    return replace(found, groups=replace(found.groups, names=Strings.of(shown), members=members))


@tried
@given(seeds)
def test_two_who_may_see_each_other_have_the_same_in_common(seed: int) -> None:
    here = hidden_world(seed)
    sight = Sight(here.snapshot)
    crowds = Crowds(sight)
    for one in range(len(here.snapshot.members.ids)):
        others = np.arange(one + 1, len(here.snapshot.members.ids))
        for other in others[sight.members(Viewer(one), others)].tolist():
            mine = Pair(crowds, query_of_member(here.snapshot, one), other)
            theirs = Pair(crowds, query_of_member(here.snapshot, other), one)
            assert _facts(mine) == _facts(theirs)
            assert mine.sought == theirs.offered


def _facts(pair: Pair) -> object:
    words = pair.words
    said = None if words is None else (words.terms, {words.mine, words.theirs}, set(words.posts))
    return said, pair.companions.tolist(), pair.group
