"""The synthetic town: its promises, and that its right answers show in its tables."""

from __future__ import annotations

import io
from collections import Counter
from datetime import date

import numpy as np
import polars as pl
import pytest

from data.town import Town, make_town
from data.town.interests import read_interests
from data.town.people import NOBODY
from data.town.tables import NO_LIMIT
from data.town.text import Words, fill, join_sentences
from engine.domain import DAY_S, LASTING_DAYS, LASTING_TIMES, TABLES
from engine.errors import SettingError
from engine.types import BoolVector, Rows


@pytest.fixture(scope="module")
def town() -> Town:
    return make_town(2_000, seed=11)


@pytest.fixture(scope="module", params=[200, 2_000])
def any_town(request: pytest.FixtureRequest) -> Town:
    return make_town(request.param, seed=5)


def rows_of(ids: pl.Series, table: pl.DataFrame) -> Rows:
    place = pl.int_range(table.height, eager=True)
    return ids.replace_strict(table["id"], place, return_dtype=pl.Int64).to_numpy()


def acts_of(town: Town) -> pl.DataFrame:
    """Return everything anybody did in a group: member, group, ts."""
    posts = town.tables["posts"].select("id", "member", "ts", pl.col("groups").list.first())
    written = posts.select("member", "groups", "ts")
    there = posts.select(pl.col("id").alias("post"), "groups", "ts")
    joined_in = town.tables["participations"].join(there, on="post")
    return pl.concat([written, joined_in.select("member", "groups", "ts")])


def memberships_with_acts(town: Town) -> pl.DataFrame:
    per_join = acts_of(town).group_by("member", pl.col("groups").alias("group"))
    counted = per_join.agg(
        pl.len().alias("times"),
        pl.col("ts").min().alias("earliest"),
        pl.col("ts").max().alias("latest"),
    )
    joins = town.tables["memberships"]
    return joins.join(counted, on=["member", "group"], how="left", maintain_order="left")


def lasting(town: Town) -> BoolVector:
    often = pl.col("times") >= LASTING_TIMES
    long = pl.col("latest") - pl.col("earliest") >= LASTING_DAYS * DAY_S
    return (
        memberships_with_acts(town).select((often & long).fill_null(False)).to_series().to_numpy()
    )


def size_of_groups(town: Town) -> Rows:
    group = rows_of(town.tables["memberships"]["group"], town.tables["groups"])
    return np.bincount(group, minlength=town.tables["groups"].height)


@pytest.mark.parametrize("members", [-1, 0, 199, 1_000_001])
def test_a_size_out_of_range_is_refused_with_the_range(members: int) -> None:
    with pytest.raises(SettingError, match="200 to 1,000,000"):
        make_town(members, seed=1)


def test_a_negative_seed_and_a_short_history_are_refused() -> None:
    with pytest.raises(SettingError, match="seed"):
        make_town(200, seed=-1)
    with pytest.raises(SettingError, match="180 days"):
        make_town(200, seed=1, days=179)


def as_bytes(town: Town) -> dict[str, bytes]:
    written = {}
    for name, table in town.tables.items():
        stream = io.BytesIO()
        table.write_ipc(stream)
        written[name] = stream.getvalue()
    return written


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones() -> None:
    first, again, other = (as_bytes(make_town(400, seed)) for seed in (3, 3, 4))
    assert first == again
    assert all(first[name] != other[name] for name in first)


def test_interests_are_many_rich_and_hardly_overlap() -> None:
    interests = read_interests()
    assert len(interests) >= 160
    assert len({interest.area for interest in interests}) >= 14
    assert min(len(set(interest.terms)) for interest in interests) >= 8
    bearers = Counter(term for interest in interests for term in set(interest.terms))
    assert sum(count > 1 for count in bearers.values()) <= 0.02 * len(bearers)


def test_tables_have_known_columns_and_groups_of_posts_are_lists(any_town: Town) -> None:
    assert set(any_town.tables) == set(TABLES)
    for name, table in any_town.tables.items():
        assert table.height > 0, name
        assert set(table.columns) <= set(TABLES[name])
    assert any_town.tables["posts"].schema["groups"] == pl.List(pl.String)


def test_every_reference_resolves_and_no_id_comes_twice(any_town: Town) -> None:
    tables = any_town.tables
    ids = {name: set(tables[name]["id"]) for name in ("members", "groups", "posts")}
    assert all(len(ids[name]) == tables[name].height for name in ids)
    pointing = {
        "members": [
            *((table, "member") for table in ("memberships", "posts", "participations", "blocks")),
            *(("ties", "a"), ("ties", "b"), ("blocks", "other")),
        ],
        "groups": [("memberships", "group")],
        "posts": [("participations", "post"), ("posts", "parent")],
    }
    for target, columns in pointing.items():
        for table, column in columns:
            assert set(tables[table][column].drop_nulls()) <= ids[target], (table, column)
    assert set(tables["posts"]["groups"].explode()) <= ids["groups"]
    pairs = tables["memberships"].select("member", "group")
    assert pairs.n_unique() == pairs.height
    assert (tables["ties"]["a"] < tables["ties"]["b"]).all()
    assert (tables["blocks"]["member"] != tables["blocks"]["other"]).all()


def test_everything_done_falls_inside_the_membership_and_n_counts_it(any_town: Town) -> None:
    joins = memberships_with_acts(any_town)
    assert joins["times"].fill_null(0).sum() == acts_of(any_town).height
    assert (joins["n"] == joins["times"].fill_null(0)).all()
    assert joins.filter(pl.col("earliest") < pl.col("first_ts")).height == 0
    assert joins.filter(pl.col("latest") >= pl.col("left_ts")).height == 0


def test_joins_follow_member_and_group_and_lie_in_the_window() -> None:
    town = make_town(300, seed=2, start=date(2020, 1, 1), days=400)
    opening = 1_577_836_800  # 2020-01-01 00:00 UTC
    joins, tables = town.tables["memberships"], town.tables
    first = joins["first_ts"].to_numpy()
    member = rows_of(joins["member"], tables["members"])
    group = rows_of(joins["group"], tables["groups"])
    assert (first >= tables["members"]["created_ts"].to_numpy()[member]).all()
    assert (first >= tables["groups"]["created_ts"].to_numpy()[group]).all()
    for stamps in (joins["first_ts"], joins["left_ts"].drop_nulls(), tables["posts"]["ts"]):
        assert stamps.is_between(opening, opening + 400 * DAY_S - 1).all()


def test_nobody_replies_before_the_parent_nor_in_another_group(any_town: Town) -> None:
    posts = any_town.tables["posts"]
    parents = posts.select(pl.col("id").alias("parent"), pl.col("ts", "groups").name.prefix("up_"))
    replies = posts.join(parents, on="parent")
    assert replies.height > 0.3 * posts.height
    assert (replies["ts"] > replies["up_ts"]).all()
    assert (replies["groups"] == replies["up_groups"]).all()


def test_a_reply_is_about_what_its_parent_is_about(any_town: Town) -> None:
    posts = any_town.tables["posts"].with_columns(pl.Series("about", any_town.truth.post_interests))
    parents = posts.select(pl.col("id").alias("parent"), pl.col("about").alias("above"))
    replies = posts.join(parents, on="parent")
    assert (replies["about"] == replies["above"]).all()


def test_joins_that_last_fit_clearly_better_than_those_that_do_not(any_town: Town) -> None:
    joins = any_town.tables["memberships"]
    member = rows_of(joins["member"], any_town.tables["members"])
    group = rows_of(joins["group"], any_town.tables["groups"])
    fit, lasts = any_town.truth.group_fit(member, group), lasting(any_town)
    assert 0.2 < lasts.mean() < 0.6
    assert fit[lasts].mean() > fit[~lasts].mean() + 0.25


def fit_of(town: Town, pairs: pl.DataFrame) -> float:
    """Return the mean pair fit of a frame of two columns of members."""
    ends = [rows_of(pairs[column], town.tables["members"]) for column in pairs.columns]
    return float(town.truth.pair_fit(*ends).mean())


def random_pairs(town: Town) -> pl.DataFrame:
    """Return members of the same group, paired at random."""
    joins = town.tables["memberships"].select("member", "group")
    luck = pl.Series("luck", np.random.default_rng(0).random(joins.height))
    shuffled = joins.with_columns(luck).sort("group", "luck")
    paired = shuffled.with_columns(pl.col("member").shift().over("group").alias("other"))
    return paired.drop_nulls("other").select("member", "other")


def test_ties_fit_clearly_better_than_random_pairs_in_shared_groups(any_town: Town) -> None:
    ties = any_town.tables["ties"].select("a", "b")
    assert fit_of(any_town, ties) > 1.8 * fit_of(any_town, random_pairs(any_town))


def test_members_answer_those_of_a_group_who_fit_them(town: Town) -> None:
    posts = town.tables["posts"].with_columns(pl.col("groups").list.first().alias("group"))
    threads = posts.filter(pl.col("parent").is_null()).rename({"member": "other", "id": "up"})
    replies = posts.join(threads.select("up", "other"), left_on="parent", right_on="up")
    could_have = replies.drop("other").join(threads.select("group", "other"), on="group")
    could_have = could_have.filter(pl.col("member") != pl.col("other"))
    one_each = could_have.sample(fraction=1.0, shuffle=True, seed=1).unique("id", keep="first")
    chosen, chance = (pairs.select("member", "other") for pairs in (replies, one_each))
    assert fit_of(town, chosen) > 1.15 * fit_of(town, chance)


def test_replies_that_are_returned_fit_better_and_some_stay_one_sided(town: Town) -> None:
    posts = town.tables["posts"]
    parents = posts.select(pl.col("id").alias("parent"), pl.col("member").alias("other"))
    written = posts.join(parents, on="parent").select("member", "other").unique()
    back = written.select(pl.col("other").alias("member"), pl.col("member").alias("other"))
    returned = written.join(back, on=["member", "other"], how="semi")
    one_sided = written.join(back, on=["member", "other"], how="anti")
    assert min(returned.height, one_sided.height) > 0.2 * written.height
    assert fit_of(town, returned) > fit_of(town, one_sided) + 0.1


def test_sizes_run_from_three_to_hundreds_and_only_new_groups_may_be_empty(town: Town) -> None:
    size, new = size_of_groups(town), town.truth.groups.new
    assert size[~new].min() == 3
    assert (size[~new] == 3).sum() >= 2
    assert size.max() > 150
    assert size[new].max() <= 5
    assert (size[new] == 0).any()
    founded = town.tables["groups"]["created_ts"].to_numpy()[new]
    assert founded.min() > town.tables["posts"]["ts"].to_numpy().max() - 30 * DAY_S


def test_a_post_about_an_interest_uses_one_of_its_terms(any_town: Town) -> None:
    posts, truth = any_town.tables["posts"], any_town.truth
    about = truth.post_interests
    text = (posts["title"] + " " + posts["text"]).str.to_lowercase().to_list()
    interests = truth.vocabulary.interests
    without = [
        said
        for said, row in zip(text, about, strict=True)
        if row != NOBODY and not any(term.lower() in said for term in interests[row].terms)
    ]
    assert without == []
    assert 0.01 < (about == NOBODY).mean() < 0.15  # some everyday talk


def test_texts_are_short_varied_and_complete(town: Town) -> None:
    posts, members = town.tables["posts"], town.tables["members"]
    assert 6_000 <= posts.height <= 8_500
    words = posts.select((pl.col("title") + " " + pl.col("text")).str.split(" ").list.len())
    assert words.to_series().to_numpy().mean() < 45
    assert posts["text"].n_unique() > 0.95 * posts.height
    profiles = members["text"].filter(members["text"] != "")
    assert 0.55 < len(profiles) / members.height < 0.65
    assert profiles.n_unique() > 0.98 * len(profiles)
    assert town.tables["groups"]["name"].n_unique() == town.tables["groups"].height
    for text in (posts["text"], posts["title"], profiles, town.tables["groups"]["text"]):
        assert not text.str.contains(r"[{}]|  |^ | $").any()


def test_about_a_third_of_members_never_write(town: Town) -> None:
    silent = town.truth.people.talkativeness == 0
    assert 0.28 < silent.mean() < 0.38
    author = rows_of(town.tables["posts"]["member"], town.tables["members"])
    assert not silent[author].any()


def test_policies_are_mostly_open_with_a_handful_of_gaps(town: Town) -> None:
    members, groups = town.tables["members"], town.tables["groups"]
    assert 0.02 < (~members["discoverable"]).sum() / members.height < 0.06
    assert 0.05 < (~members["open_to_introductions"]).sum() / members.height < 0.11
    assert set(members["audience"]) == {"adult", "minor", None}
    assert set(members["weekly_introductions"]) == {*range(11), None}
    assert set(groups["visibility"]) == {"public", "private", "secret", None}
    limited = (groups["capacity"] < NO_LIMIT).sum()
    assert 0 < limited < 0.3 * groups.height
    for column in (members["discoverable"], members["open_to_introductions"]):
        assert 1 <= column.null_count() <= 20
    assert 0.01 < town.tables["blocks"]["member"].n_unique() / members.height < 0.04


def test_places_are_filled_row_by_row_and_empty_sentences_leave_no_gap() -> None:
    words = Words({"a": (pl.Series(["levain", "rye"]), np.array([1, 0, 1]))})
    first = fill(["", "On {a}.", "Hello."], np.array([1, 2, 0]), words)
    assert first.to_list() == ["On rye.", "Hello.", ""]
    second = fill(["", "More {a}!"], np.array([1, 0, 1]), words)
    joined = join_sentences([first, second])
    assert joined.to_list() == ["On rye. More rye!", "Hello.", "More rye!"]
