"""A community that is to be imported: its rows by id, in parts of a few thousand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import select, update

from data.community import Community
from data.exchanges import ties_from_posts
from data.store.draft import Draft
from data.store.frames import NO_LIMIT
from data.store.log import Turn
from data.store.merging import merged_member, merged_membership, merged_visible
from data.store.rows import Row
from data.store.schema import (
    authors,
    blocks,
    erasures,
    groups,
    members,
    memberships,
    participations,
    post_groups,
    posts,
    ties,
)
from data.store.values import checked_id
from engine.domain import ANY_BAND, TABLES
from engine.ids import digest_of

PART = 4000
"""Rows of one transaction: others write in between."""

POST_LINKS = ("authors", "post_groups", "participations")


@dataclass(frozen=True, slots=True)
class Step:
    """Rows of one table, and how some of them are put into the store.

    Attributes:
        name: For progress.
        frame: The rows, references as ids.
        put: Puts a part of them in, within a turn.
    """

    name: str
    frame: pl.DataFrame
    put: Callable[[Turn, list[Row]], None]

    @property
    def total(self) -> int:
        """Return how many rows there are."""
        return self.frame.height

    def parts(self) -> Iterator[list[Row]]:
        """Give the rows, a few thousand at a time; of none, one part without any."""
        if self.frame.is_empty():
            yield []
        for part in self.frame.iter_slices(PART):
            yield part.to_dicts()


class Arrivals:
    """The rows of a community, references as ids, and what becomes of each."""

    def __init__(self, community: Community) -> None:
        self.community = community
        self._ids = {
            "member": community.members["id"],
            "group": community.groups["id"],
            "post": community.posts["id"],
        }

    def check(self) -> None:
        """Refuse ids that a database cannot keep.

        Raises:
            DataError: There is one.
        """
        for kind, ids in self._ids.items():
            for one in ids:
                checked_id(one, kind)

    def steps(self) -> Iterator[Step]:
        """Give the tables, those that others refer to first."""
        here = self.community
        yield Step("members", here.members, self._members)
        yield Step("groups", here.groups, _groups)
        joined = self._named(here.memberships, member="member", group="group")
        yield Step("memberships", joined, _memberships)
        yield Step("posts", self._whole_posts(), _posts)
        derived = ties_from_posts(here.posts, here.authors)
        if not here.ties.select(derived.columns).sort("a", "b").equals(derived):
            tied = self._named(here.ties, a="member", b="member")
            yield Step("ties", tied, _ties)
        refused = self._named(here.blocks, member="member", other="member")
        yield Step("blocks", refused, _blocks)
        yield Step("answers", pl.DataFrame({"all": [True]}), _answers)

    def _named(self, frame: pl.DataFrame, **kinds: str) -> pl.DataFrame:
        """Return a frame whose rows are ids again."""
        ids = (self._ids[kind].gather(frame[name]).alias(name) for name, kind in kinds.items())
        return frame.with_columns(*ids)

    def _whole_posts(self) -> pl.DataFrame:
        """Return posts, each with the lists of who wrote it, where it stands and who took part."""
        here = self.community
        parent = self._ids["post"].gather(here.posts["parent"]).alias("parent")
        frame = here.posts.drop("public").with_columns(parent).with_row_index("_post")
        for name, kind in zip(POST_LINKS, ("member", "group", "member"), strict=True):
            links = self._named(getattr(here, name), **{kind: kind})
            listed = links.group_by(pl.col("post").cast(pl.UInt32)).agg(pl.col(kind).alias(name))
            frame = frame.join(
                listed, left_on="_post", right_on="post", how="left", maintain_order="left"
            ).with_columns(pl.col(name).fill_null(pl.lit([], pl.List(pl.String()))))
        return frame.drop("_post")

    def _members(self, turn: Turn, part: list[Row]) -> None:
        draft = Draft(turn)
        draft.look(members, [(row["id"],) for row in part])
        bands = self.community.members["audience"]
        turn.bands = turn.bands or bool(bands.ne_missing(ANY_BAND).any())
        forgotten = _forgotten(turn)
        for row in part:
            was = draft.row(members, row["id"])
            # Someone who was forgotten and has come again by themself is there already.
            if was is None and forgotten and digest_of(turn.secret, row["id"]) in forgotten:
                continue
            draft.put(members, merged_member(was, _with_extra("members", row), turn.bands))
        draft.save()


def _forgotten(turn: Turn) -> set[str]:
    mine = select(erasures.c.digest).where(erasures.c.community == turn.community)
    return set(turn.connection.scalars(mine))


def _with_extra(table: str, row: Mapping[str, Any]) -> Row:
    """Return a row as the store keeps it: the supplier's own columns together."""
    known = TABLES[table]
    extra = {
        name: cell
        for name, cell in row.items()
        if name not in known and name not in POST_LINKS and cell is not None
    }
    kept = {name: cell for name, cell in row.items() if name in known}
    return {**kept, "extra": extra or None}


def _groups(turn: Turn, part: list[Row]) -> None:
    draft = Draft(turn)
    draft.look(groups, [(row["id"],) for row in part])
    for told in part:
        row = _with_extra("groups", told)
        row["capacity"] = None if row["capacity"] >= NO_LIMIT else row["capacity"]
        draft.put(groups, merged_visible(draft.row(groups, row["id"]), row))
    draft.save()


def _memberships(turn: Turn, part: list[Row]) -> None:
    draft = Draft(turn)
    draft.look(memberships, [(row["member"], row["group"]) for row in part])
    draft.look_for(members, {row["member"] for row in part})
    draft.look_for(groups, {row["group"] for row in part})
    for row in part:
        key = row["member"], row["group"]
        if draft.there(members, key[0]) and draft.there(groups, key[1]):
            draft.put(memberships, merged_membership(draft.row(memberships, *key), row))
    draft.save()


def _posts(turn: Turn, part: list[Row]) -> None:
    draft = Draft(turn)
    draft.look_at_posts([row["id"] for row in part])
    people = {one for row in part for one in (*row["authors"], *row["participations"])}
    draft.look_for(members, people)
    draft.look_for(groups, {one for row in part for one in row["post_groups"]})
    for told in part:
        wrote = [one for one in told["authors"] if draft.there(members, one)]
        stands = [one for one in told["post_groups"] if draft.there(groups, one)]
        # What only the forgotten wrote is forgotten with them. And what has lost a group that
        # may have been closed is not shown: an import cannot know who was to see it.
        if (told["authors"] and not wrote) or len(stands) < len(told["post_groups"]):
            continue
        row = _with_extra("posts", told)
        draft.put(posts, merged_visible(draft.row(posts, row["id"]), row))
        took_part = [one for one in told["participations"] if draft.there(members, one)]
        draft.link(authors, row["id"], wrote)
        draft.link(post_groups, row["id"], stands)
        draft.link(participations, row["id"], took_part)
    draft.save()


def _ties(turn: Turn, part: list[Row]) -> None:
    draft = Draft(turn)
    rows = [{**row, "a": min(row["a"], row["b"]), "b": max(row["a"], row["b"])} for row in part]
    draft.look(ties, [(row["a"], row["b"]) for row in rows])
    draft.look_for(members, {one for row in rows for one in (row["a"], row["b"])})
    for row in rows:
        if draft.there(members, row["a"]) and draft.there(members, row["b"]):
            draft.put(ties, row)
    turn.ties_supplied = True
    draft.save()


def _blocks(turn: Turn, part: list[Row]) -> None:
    draft = Draft(turn)
    draft.look(blocks, [(row["member"], row["other"]) for row in part])
    draft.look_for(members, {one for row in part for one in row.values()})
    for row in part:
        if all(draft.there(members, one) for one in row.values()):
            draft.put(blocks, row)
    draft.save()


def _answers(turn: Turn, part: list[Row]) -> None:
    """Let what answers a post that was not imported answer nothing."""
    asked = posts.alias()
    there = select(asked.c.id).where(
        asked.c.community == turn.community, asked.c.id == posts.c.parent
    )
    alone = update(posts).where(
        posts.c.community == turn.community, posts.c.parent.is_not(None), ~there.exists()
    )
    turn.connection.execute(alone.values(parent=None))
