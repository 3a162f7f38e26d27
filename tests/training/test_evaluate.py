"""Whether the evaluation would notice: towns whose right answers follow by construction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

from data.community import Community
from engine.domain import DAY_S
from engine.snapshot import Snapshot
from tests.builders import Membership, Post, built, make
from tests.world import NOW
from training.evaluate import (
    PLACES,
    Measured,
    Systems,
    evaluate_groups,
    evaluate_introductions,
    figures,
    hide_ties,
    later_ties,
    pooled,
    ratios,
)
from training.split import past

CUT = NOW - 200 * DAY_S
WINDOW = (CUT, float("inf"))
GROUPS = [f"g{row:02d}" for row in range(15)]
VIEWERS = [f"viewer{row}" for row in range(4)]
LAST = 14


def crowd_joins() -> list[Membership]:
    """Return joins that make g00 the largest group, g01 the next, and so on."""
    return [
        Membership(f"crowd{n:02d}", group, CUT - (300 + n) * DAY_S)
        for row, group in enumerate(GROUPS)
        for n in range(30 - 2 * row)
    ]


def popular_town(*, popular: bool = True) -> Community:
    """Return a town whose viewers, all in g03, later join the most (or the least) popular groups.

    The first viewer has left g00, so it is no longer to be offered to them.
    """
    people = [f"crowd{n:02d}" for n in range(30)] + VIEWERS
    joins = [Membership(who, "g03", CUT - 100 * DAY_S) for who in VIEWERS]
    joins += [Membership(VIEWERS[0], "g00", CUT - 100 * DAY_S, left_ts=CUT - DAY_S)]
    right = [1, 2] if popular else [13, 14]
    joins += [Membership(who, GROUPS[row], CUT + DAY_S) for who in VIEWERS for row in right]
    if popular:
        joins += [Membership(who, "g00", CUT + DAY_S) for who in VIEWERS[1:]]
    posts = [Post("end", ("crowd00",), (GROUPS[LAST],), NOW, "the end")]
    return make(people, GROUPS, crowd_joins() + joins, posts, ties=[])


def measured(town: Community) -> tuple[Systems, int, Snapshot]:
    snapshot = built(past(town, CUT))
    systems, viewers = evaluate_groups(town, snapshot, WINDOW)
    return systems, viewers, snapshot


def test_an_oracle_is_perfect() -> None:
    systems, viewers, _ = measured(popular_town())
    assert viewers == len(VIEWERS)
    values = systems["popularity"].values
    assert values["ndcg_at_10"].tolist() == [1.0] * 4
    assert values["recall_at_10"].tolist() == [1.0] * 4
    assert values["reciprocal_rank"].tolist() == [1.0] * 4
    assert values["belonging_ndcg_at_10"].tolist() == [1.0] * 4


def test_who_is_always_wrong_gets_nothing() -> None:
    systems, _, _ = measured(popular_town(popular=False))
    values = systems["popularity"].values
    # g13 and g14 are the least popular of fifteen: never among the first ten.
    assert values["ndcg_at_10"].tolist() == [0.0] * 4
    assert values["recall_at_10"].tolist() == [0.0] * 4
    assert values["reciprocal_rank"].tolist() == [0.0] * 4


def test_no_system_is_asked_for_groups_one_is_in_or_has_left() -> None:
    systems, _, snapshot = measured(popular_town())
    rows = {name: row for row, name in enumerate(snapshot.members.ids.tolist())}
    assert set(systems) == {"belong", "popularity", "recent_popularity", "item_knn"}
    for name, system in systems.items():
        assert system.shown.shape == (4, PLACES)
        for line, viewer in enumerate(sorted(rows[who] for who in VIEWERS)):
            slate = system.shown[line]
            shown = slate[slate >= 0]
            there = {3, 0} if viewer == rows[VIEWERS[0]] else {3}
            assert not there & set(shown.tolist()), name
            assert len(set(shown.tolist())) == len(shown), name
            assert len(shown) == PLACES, name  # fourteen others there were


def test_members_without_an_earlier_group_are_not_measured() -> None:
    town = popular_town()
    late = town.members["id"].to_list().index("crowd29")
    joined = town.memberships.filter(pl.col("member") != late)
    fresh = pl.DataFrame(
        {"member": [late], "group": [5], "first_ts": [CUT + DAY_S]}, schema_overrides=joined.schema
    ).with_columns(n=pl.lit(None, pl.Float64), left_ts=pl.lit(None, pl.Float64))
    whole = Community(
        town.name, town.members, town.groups,
        pl.concat([joined, fresh.select(joined.columns)]),
        town.posts, town.authors, town.post_groups, town.participations, town.ties, town.blocks,
    )  # fmt: skip
    assert measured(whole)[1] == len(VIEWERS)


def test_belonging_counts_what_lasts_three_times() -> None:
    town = popular_town()
    lasting = [
        Post(f"v{day}", (VIEWERS[1],), ("g02",), CUT + day * DAY_S, "here") for day in (2, 20, 40)
    ]
    people = town.members["id"].to_list()
    posts = [Post("end", ("crowd00",), (GROUPS[LAST],), NOW, "the end"), *lasting]
    joins = [
        Membership(people[member], GROUPS[group], first, left)
        for member, group, first, left in town.memberships.select(
            "member", "group", "first_ts", "left_ts"
        ).iter_rows()
    ]
    systems, _, _ = measured(make(people, GROUPS, joins, posts, ties=[]))
    got = systems["popularity"].values["belonging_ndcg_at_10"]
    # Shown g00 g01 g02, worth 1 1 3; best 3 1 1.
    discounts = 1 / np.log2([2, 3, 4])
    assert got[1] == pytest.approx(([1, 1, 3] @ discounts) / ([3, 1, 1] @ discounts))
    assert got[2] == 1.0


def test_nobody_to_measure_is_no_error() -> None:
    town = popular_town()
    systems, viewers = evaluate_groups(town, built(past(town, CUT)), (NOW, NOW + 1))
    assert viewers == 0
    assert figures(systems)["belong"] == {}


def test_systems_of_two_communities_stand_side_by_side() -> None:
    def system(values: list[float], shown: list[list[int]], eligible: int) -> Systems:
        padded = np.full((len(shown), PLACES), -1, np.int64)
        for line, slate in enumerate(shown):
            padded[line, : len(slate)] = slate
        return {"belong": Measured({"ndcg_at_10": np.array(values)}, padded, eligible)}

    both = pooled([system([1, 0], [[0, 1], [1]], 3), system([0.5], [[0, 4]], 5)])["belong"]
    assert both.values["ndcg_at_10"].tolist() == [1, 0, 0.5]
    assert both.eligible == 8
    assert [line[line >= 0].tolist() for line in both.shown] == [[0, 1], [1], [3, 7]]
    got = figures({"belong": both})["belong"]
    assert got["ndcg_at_10"]["value"] == 0.5
    assert got["ndcg_at_10"]["n"] == 3
    assert got["coverage"]["value"] == 0.5  # rows 0 1 3 7 of eight


def test_ratios_are_ours_over_theirs() -> None:
    shown = np.full((2, PLACES), -1, np.int64)
    ours = Measured({"ndcg_at_10": np.array([0.8, 0.4])}, shown, 1)
    theirs = Measured({"ndcg_at_10": np.array([0.4, 0.2])}, shown, 1)
    got = ratios({"belong": ours, "popularity": theirs})
    assert got.keys() == {"popularity"}
    assert got["popularity"]["value"] == pytest.approx(2)


def tied_town(ties: Sequence[tuple[str, str, float | None, float]]) -> Community:
    people = [f"m{row:02d}" for row in range(20)]
    return make(people, ["g"], [Membership(who, "g", CUT - DAY_S) for who in people], ties=ties)


def test_later_ties_are_those_first_dated_in_the_window() -> None:
    town = tied_town(
        [
            ("m00", "m01", CUT - 1, 1),
            ("m02", "m03", CUT, 1),
            ("m04", "m05", CUT + 9, 1),
            ("m06", "m07", CUT + 10, 1),
            ("m08", "m09", None, 1),
        ]
    )
    assert later_ties(town, (CUT, CUT + 10)).rows() == [(2, 3), (4, 5)]


def test_introductions_are_measured_from_both_ends_and_never_show_who_is_known() -> None:
    # m19 knows everybody but m18; the hidden tie is between the two.
    known = [(f"m{row:02d}", "m19", None, 1.0) for row in range(18)]
    snapshot = built(tied_town(known))
    systems, viewers = evaluate_introductions(snapshot, pl.DataFrame({"a": [18], "b": [19]}))
    assert viewers == 2
    # For m18, m19 has the most ties; for m19, m18 is the only one left.
    assert systems["popularity"].values["ndcg_at_10"].tolist() == [1.0, 1.0]
    for name, system in systems.items():
        slates = [line[line >= 0].tolist() for line in system.shown]
        assert 18 not in slates[0], name
        assert slates[1] in ([18], []), name


def test_hidden_ties_are_hidden_and_the_same_for_a_seed() -> None:
    town = tied_town([(f"m{row:02d}", "m19", None, 1.0) for row in range(18)])
    kept, hidden = hide_ties(town, 0.5, seed=3)
    assert 0 < len(hidden) < 18
    assert sorted(kept.ties.select("a", "b").rows() + hidden.rows()) == sorted(
        town.ties.select("a", "b").rows()
    )
    assert hide_ties(town, 0.5, seed=3)[1].equals(hidden)
    assert not hide_ties(town, 0.5, seed=4)[1].equals(hidden)
