"""Communities at random in which every word, name and id tells whose it is, and who may see it.

They are those of `tests.random_community`, with more that is hidden. Words come in kinds: those of
public posts by people who may be shown to anybody, those of other posts, and those that only people
use who are invisible, of unknown band, or of another band. Looked up here is, the long way, what a
viewer may not see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from tests.random_community import HIDDEN_WORDS, TOPICS, random_tables
from tests.reason_facts import Facts
from tests.world import World, world

OPEN, SHY, ODD, YOUNG = "open", "shy", "odd", "young"
"""Kinds of authors: of whom anybody may hear, invisible, of unknown band, minors."""

WORDS = {kind: {word for words in TOPICS.values() for word in words} for kind in [OPEN]} | {
    kind: {f"{kind}{word}" for words in TOPICS.values() for word in words}
    for kind in (SHY, ODD, YOUNG)
}
"""What each kind of author writes with."""

Tables = dict[str, pl.DataFrame]


def hidden_tables(seed: int) -> Tables:
    """Return the tables of a community of six to sixteen people drawn from a seed."""
    chance, tables = np.random.default_rng(seed), random_tables(seed)
    members = _shown(chance, tables["members"])
    kinds = dict(zip(members["id"], map(_kind, members.to_dicts()), strict=True))
    tables["members"] = members.with_columns(
        *(
            pl.Series(name, [_in_words_of(kinds[row["id"]], text) for row, text in told])
            for name, told in (
                ("text", [(row, row["text"]) for row in members.to_dicts()]),
                ("seeking", [(row, _wish(chance)) for row in members.to_dicts()]),
                ("offering", [(row, _wish(chance)) for row in members.to_dicts()]),
            )
        )
    )
    posts = tables["posts"]
    together = [_authors(chance, row["member"], list(kinds)) for row in posts.to_dicts()]
    texts = zip(posts["text"], together, strict=True)
    tables["posts"] = posts.drop("member").with_columns(
        members=pl.Series(together, dtype=pl.List(pl.String)),
        text=pl.Series([_in_words_of(_least([kinds[one] for one in by]), t) for t, by in texts]),
        parent=pl.Series(_parents(chance, posts["id"].to_list()), dtype=pl.String),
        title=pl.lit(""),
    )
    return {name: _marked(table) for name, table in tables.items()}


def hidden_world(seed: int) -> World:
    """Return the community that `hidden_tables` draws."""
    return world(hidden_tables(seed))


def _shown(chance: np.random.Generator, members: pl.DataFrame) -> pl.DataFrame:
    """Return the members, most of them of one kind: words need several people to be told."""
    count = len(members)
    bands = np.where(chance.uniform(size=count) < 0.75, "adult", "minor").tolist()
    told = [None if chance.uniform() < 0.08 else band for band in bands]
    return members.with_columns(
        discoverable=pl.Series(chance.uniform(size=count) < 0.85),
        audience=pl.Series(told if chance.uniform() < 0.6 else ["adult"] * count, dtype=pl.String),
    )


def _kind(member: dict[str, object]) -> str:
    if not member["discoverable"]:
        return SHY
    return {None: ODD, "minor": YOUNG}.get(member["audience"], OPEN)  # type: ignore[call-overload, no-any-return]


def _least(kinds: list[str]) -> str:
    return max(kinds, key=(OPEN, YOUNG, ODD, SHY).index)


def _in_words_of(kind: str, text: str) -> str:
    if kind == OPEN:
        return text
    words = "|".join(sorted(WORDS[OPEN]))
    return re.sub(rf"\b({words})\b", lambda found: f"{kind}{found[0]}", text)


def _wish(chance: np.random.Generator) -> str:
    if chance.uniform() < 0.5:
        return ""
    topic = str(chance.choice(list(TOPICS)))
    return f"{topic}, {chance.choice(TOPICS[topic])}"


def _authors(chance: np.random.Generator, first: str, members: list[str]) -> list[str]:
    return sorted({first, str(chance.choice(members))} if chance.uniform() < 0.2 else {first})


def _parents(chance: np.random.Generator, posts: list[str]) -> list[str | None]:
    """Return which post each answers: some answer one of the posts before them."""
    return [
        str(chance.choice(posts[:place])) if place and chance.uniform() < 0.4 else None
        for place in range(len(posts))
    ]


def _marked(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table with ids that are unlike any other word."""
    ids = pl.col(pl.String).str.replace(r"^([mgp]\d+)$", "id${1}x")
    lists = pl.col(pl.List(pl.String)).list.eval(
        pl.element().str.replace(r"^([mgp]\d+)$", "id${1}x")
    )
    return table.with_columns(ids, lists) if _has_lists(table) else table.with_columns(ids)


def _has_lists(table: pl.DataFrame) -> bool:
    return any(kind == pl.List(pl.String) for kind in table.dtypes)


@dataclass(frozen=True)
class Looked:
    """What a viewer may see, looked up in the tables.

    Attributes:
        facts: The tables.
        viewer: A member's row; None for the host of a group, and for nobody in particular.
        hosts: The row of a group, if its host looks.
        band: The band that somebody new has told.
        rounds: Whether it is who plans a round, and so sees all who agree to be introduced.
    """

    facts: Facts
    viewer: int | None = None
    hosts: int | None = None
    band: str | None = None
    rounds: bool = False

    def sees_member(self, member: int) -> bool:
        if self.viewer is not None:
            return self.facts.may_see(self.viewer, member)
        row = self.facts.members[member]
        if self.rounds:
            return bool(row["discoverable"]) and bool(row["open_to_introductions"])
        fits = row["audience"] in self._bands() if self.hosts is not None else self._fits(row)
        return bool(row["discoverable"]) and row["audience"] is not None and fits

    def sees_group(self, group: int) -> bool:
        return self.facts.is_public(group) or group == self.hosts

    def sees_post(self, post: int) -> bool:
        authors = {member for member, wrote in self.facts.wrote if wrote == post}
        return bool(self.facts.posts[post]["public"]) and all(map(self.sees_member, authors))

    def hidden_members(self) -> list[int]:
        """Return the members who are not seen, by row."""
        return [row for row in range(len(self.facts.members)) if not self.sees_member(row)]

    def unseen(self) -> set[str]:
        """Return every id, name and word of what is not seen."""
        found = self._unseen_words()
        for row in self.hidden_members():
            found |= {str(self.facts.members[row]["id"]), str(self.facts.members[row]["name"])}
        for row, group in enumerate(self.facts.groups):
            if not self.sees_group(row):
                found |= {str(group["id"]), str(group["name"])}
        for row, post in enumerate(self.facts.posts):
            if not self.sees_post(row):
                found.add(str(post["id"]))
        return {word for one in found for word in words_of_text(one)} - self._own_words()

    def _fits(self, member: dict[str, object]) -> bool:
        return self.band is None or member["audience"] == self.band

    def _bands(self) -> set[object]:
        """Return the bands the host's group is of."""
        assert self.hosts is not None
        inside = [self.facts.members[row]["audience"] for row in self.facts.present(self.hosts)]
        known = [band for band in inside if band is not None]
        if not known:
            return {row["audience"] for row in self.facts.members} - {None}
        return {band for band in known if 2 * known.count(band) >= len(known)}

    def _unseen_words(self) -> set[str]:
        found = set(HIDDEN_WORDS.values()) | WORDS[SHY] | WORDS[ODD]
        heard = [self.sees_member(row) for row in range(len(self.facts.members))]
        bands = {row["audience"] for row, h in zip(self.facts.members, heard, strict=True) if h}
        return found if "minor" in bands else found | WORDS[YOUNG]

    def _own_words(self) -> set[str]:
        """Return the words the viewer writes with, which are not news to them."""
        if self.viewer is None:
            return set()
        row = self.facts.members[self.viewer]
        mine = [str(row[name]) for name in ("text", "seeking", "offering")]
        mine += [
            f"{self.facts.posts[post]['title']} {self.facts.posts[post]['text']}"
            for member, post in self.facts.took_part
            if member == self.viewer and self.facts.posts[post]["public"]
        ]
        return {word for text in mine for word in words_of_text(text)}


def leaked(text: str, unseen: Iterable[str]) -> set[str]:
    """Return which of these words a text holds."""
    return set(words_of_text(text)) & set(unseen)


def words_of_text(text: str) -> list[str]:
    """Return the words of a text; an id is one of them."""
    return re.findall(r"\w+", text)


def public_part(tables: Tables, here: World) -> Tables:
    """Return what anybody may see of a community, and nothing else.

    Args:
        tables: Its tables.
        here: What was built from them.
    """
    facts = Facts(here)
    nobody = Looked(facts)
    hidden = {str(facts.members[row]["id"]) for row in nobody.hidden_members()}
    closed = {
        str(row["id"]) for place, row in enumerate(facts.groups) if not facts.is_public(place)
    }
    posts = {str(row["id"]) for place, row in enumerate(facts.posts) if not nobody.sees_post(place)}
    gone = {"member": hidden, "a": hidden, "b": hidden, "other": hidden}
    gone |= {"group": closed, "post": posts, "parent": set()}
    kept = {
        name: _without(
            table,
            gone | {"id": {"members": hidden, "groups": closed, "posts": posts}.get(name, set())},
        )
        for name, table in tables.items()
    }
    answers = pl.when(~pl.col("parent").is_in(sorted(posts))).then("parent")
    return kept | {"posts": kept["posts"].with_columns(parent=answers)}


def _without(table: pl.DataFrame, gone: dict[str, set[str]]) -> pl.DataFrame:
    for column, ids in gone.items():
        if column in table.columns:
            table = table.filter(~pl.col(column).is_in(sorted(ids)).fill_null(value=False))
    return table


def open_tables(tables: Tables) -> Tables:
    """Return the same community before anything in it was hidden: nobody blocked, all public."""
    members, groups, posts = (tables[name] for name in ("members", "groups", "posts"))
    return tables | {
        "members": members.with_columns(
            discoverable=pl.lit(value=True), audience=pl.col("audience").fill_null("adult")
        ),
        "groups": groups.with_columns(visibility=pl.lit("public")),
        "posts": posts.with_columns(visibility=pl.lit("public")),
        "blocks": tables["blocks"].clear(),
    }
