"""By what somebody without an earlier group is known to all systems alike."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import polars as pl

from benchmarks.peers import TEXT_ALONE
from benchmarks.trials import Cuts, trials_of
from benchmarks.viewers import masked_newcomers, newcomers, prepared
from data.community import Community
from tests.benchmarks.small_town import day
from training.train import Workshop


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def first_authors(community: Community) -> list[str | None]:
    authors = dict(community.authors.select("post", "member").iter_rows())
    ids = community.members["id"]
    return [ids[authors[row]] if row in authors else None for row in range(len(community.posts))]


def test_a_newcomer_is_known_by_their_whole_profile(town: Community, workshop: Workshop) -> None:
    (trial,) = trials_of(town, Cuts((day(town, 0.6),))).test

    told = newcomers(prepared(trial, workshop), workshop)

    profiles = {
        one: "\n".join(part.strip() for part in parts).strip()
        for one, *parts in town.members.select("id", "text", "seeking", "offering").iter_rows()
    }
    described = [place for place, one in enumerate(told.ids) if profiles[one]]
    assert len(described) > 20
    assert [told.texts[place] for place in described] == [
        profiles[told.ids[place]] for place in described
    ]
    assert (told.viewers.rows == TEXT_ALONE).all()


def test_a_newcomer_without_a_profile_is_known_by_their_first_post_of_the_window(
    town: Community, workshop: Workshop
) -> None:
    nothing = {name: pl.lit("") for name in ("text", "seeking", "offering")}
    silent = replace(town, members=town.members.with_columns(**nothing))
    (trial,) = trials_of(silent, Cuts((day(silent, 0.6),))).test

    told = newcomers(prepared(trial, workshop), workshop)

    posts = town.posts.with_columns(member=pl.Series(first_authors(town)))
    assert len(told.ids) > 5
    for one, text in zip(told.ids, told.texts, strict=True):
        mine = posts.filter(
            (pl.col("member") == one) & (pl.col("ts") >= trial.cut) & pl.col("public")
        ).sort("ts")
        assert text.endswith(mine["text"][0].strip(" .")), one  # after its title
    assert (told.viewers.rows == TEXT_ALONE).all()


def test_names_of_groups_are_taken_out_and_whoever_said_nothing_else_is_left_out(
    town: Community, workshop: Workshop
) -> None:
    (trial,) = trials_of(town, Cuts((day(town, 0.6),))).test
    told = newcomers(prepared(trial, workshop), workshop)
    names = [*town.groups["name"], told.texts[1]]  # the second's text is itself a name

    masked_told = masked_newcomers(told, names, workshop)

    named = {word for name in names for word in words(name)}
    assert told.ids[1] not in masked_told.ids
    assert masked_told.ids == [
        one for one, text in zip(told.ids, told.texts, strict=True) if set(words(text)) - named
    ]
    assert masked_told.right.viewers == len(masked_told.ids) > 20
    for place, one in enumerate(masked_told.ids):
        said = told.texts[told.ids.index(one)]
        assert words(masked_told.texts[place]) == [
            word for word in words(said) if word not in named
        ]
        before = told.right.groups[told.right.lines == told.ids.index(one)]
        after = masked_told.right.groups[masked_told.right.lines == place]
        assert np.array_equal(before, after)
