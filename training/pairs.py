"""Who joined what and who answered whom -> pairs of texts that belong together.

Two people say it without meaning to: what somebody writes and the group they joined, a post and
its answer, two posts of one small group. Only public texts count: no private post, no private or
secret group, and neither the profile nor the joins of a member who is not discoverable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl

from data.community import Community
from engine.domain import Visibility
from training.activity import present
from training.texts import texts_of

SMALL_GROUP = 40
"""People up to which two posts of a group are taken to be about one thing."""


class Kind(StrEnum):
    """Why two texts belong together."""

    JOINED = "joined"
    ANSWERED = "answered"
    SHARED_GROUP = "shared a small group"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts that belong together.

    Attributes:
        anchor: A profile or a post.
        positive: The group joined, the answer, or the other post.
        kind: Why they belong together.
        topic: Pairs of one topic (a group, a conversation) are no examples of what does *not*
            belong together.
    """

    anchor: str
    positive: str
    kind: Kind
    topic: str


def pairs_of(community: Community, most: int, rng: np.random.Generator) -> list[Pair]:
    """Return pairs in random order, each two texts once.

    Args:
        community: What is known; take its `past` first for anything measured later.
        most: Pairs returned at most. Each kind gives an equal share as far as it can, and within
            a kind every topic is heard before any is heard again: a big group is no louder than
            a small one.
        rng: Decides which posts are taken, and the order.
    """
    texts = texts_of(community)
    posts = _own_words(community, texts.posts)
    corpus = _Corpus([*posts, *texts.members, *texts.groups], len(posts), len(texts.members))
    found = pl.concat(
        [
            _joined(community, corpus, rng),
            _answered(community),
            _side_by_side(community, corpus, rng),
        ]
    )
    kept = _spread(_usable(found, corpus.texts), most, rng)
    return [
        Pair(corpus.texts[anchor], corpus.texts[positive], Kind(kind), topic)
        for anchor, positive, kind, topic in kept.iter_rows()
    ]


@dataclass(frozen=True, slots=True)
class _Corpus:
    """All texts in one list: posts, then members, then groups; '' says nothing."""

    texts: list[str]
    members_from: int
    members: int

    @property
    def groups_from(self) -> int:
        return self.members_from + self.members

    def written(self, community: Community) -> pl.DataFrame:
        """Return `member post` for the posts whose text is there, ordered."""
        said = [row for row in range(self.members_from) if self.texts[row]]
        rows = pl.Series(said, dtype=pl.Int64)
        return community.authors.filter(pl.col("post").is_in(rows.implode())).sort("member", "post")


def _own_words(community: Community, posts: Sequence[str]) -> list[str]:
    """Return the posts' texts, a reply's without the title it repeats: that would be too easy."""
    parents, titles = community.posts["parent"].to_list(), community.posts["title"].to_list()
    own = list(posts)
    for row, parent in enumerate(parents):
        title = "" if parent is None else (titles[parent] or "").strip()
        if title:
            text = own[row].removeprefix("Re: ")
            own[row] = f"{text}. ".removeprefix(f"{title}. ").strip(" .")
    return own


def _joined(community: Community, corpus: _Corpus, rng: np.random.Generator) -> pl.DataFrame:
    """Pair each group with its members' profiles and with one post of each member.

    The post is one in the group if there is any, else one that the member wrote elsewhere.
    """
    public = _rows(community.groups["visibility"] == Visibility.PUBLIC.value)
    told = _rows(community.members["discoverable"])
    inside = present(community).filter(
        pl.col("group").is_in(public.implode()) & pl.col("member").is_in(told.implode())
    )
    inside = inside.select("member", "group").sort("member", "group")
    written = corpus.written(community)
    there = _one_each(written.join(community.post_groups, on="post"), ["member", "group"], rng)
    anywhere = _one_each(written, ["member"], rng)
    posts = (
        inside.join(there, on=["member", "group"], how="left")
        .join(anywhere, on="member", how="left", suffix="_elsewhere")
        .with_columns(anchor=pl.coalesce("post", "post_elsewhere"))
        .filter(pl.col("anchor").is_not_null())
    )
    profiles = inside.with_columns(anchor=pl.col("member") + corpus.members_from)
    columns = ("anchor", "group")
    return pl.concat([profiles.select(columns), posts.select(columns)]).select(
        "anchor",
        positive=pl.col("group") + corpus.groups_from,
        kind=pl.lit(Kind.JOINED.value),
        topic=_named("group", pl.col("group")),
    )


def _answered(community: Community) -> pl.DataFrame:
    """Pair each post with the replies of others; answering oneself is no answer."""
    posts = community.posts.select("parent").with_row_index("post").cast({"post": pl.Int64})
    replies = posts.filter(pl.col("parent").is_not_null())
    writers = community.authors
    known = replies.join(writers, on="post", how="semi").join(
        writers, left_on="parent", right_on="post", how="semi"
    )
    own = replies.join(writers, on="post").join(
        writers, left_on=["parent", "member"], right_on=["post", "member"], how="semi"
    )
    return known.join(own, on="post", how="anti").select(
        anchor="parent",
        positive="post",
        kind=pl.lit(Kind.ANSWERED.value),
        topic=_named("conversation", pl.col("parent")),
    )


def _side_by_side(community: Community, corpus: _Corpus, rng: np.random.Generator) -> pl.DataFrame:
    """Pair the posts of small groups at random, two by two, if nobody wrote both.

    Replies are left out: by themselves they often say little of what the group is about.
    """
    opening = _rows(community.posts["parent"].is_null())
    written = corpus.written(community).filter(pl.col("post").is_in(opening.implode()))
    inside = community.authors.join(community.post_groups, on="post").select("member", "group")
    people = pl.concat([inside, community.memberships.select("member", "group")]).unique()
    small = people.group_by("group").len().filter(pl.col("len") <= SMALL_GROUP)
    posts = (
        community.post_groups.join(small, on="group", how="semi")
        .join(written, on="post", how="semi")
        .sort("group", "post")
    )
    posts = posts.with_columns(order=pl.Series(rng.permutation(len(posts)))).sort("group", "order")
    couples = posts.group_by("group", pl.col("post").cum_count().over("group").sub(1) // 2).agg(
        anchor=pl.col("post").first(), positive=pl.col("post").last(), count=pl.len()
    )
    both = couples.join(written, left_on="anchor", right_on="post").join(
        written, left_on=["positive", "member"], right_on=["post", "member"], how="semi"
    )
    return (
        couples.filter(pl.col("count") == 2)
        .join(both, on=["anchor", "positive"], how="anti")
        .select(
            "anchor",
            "positive",
            kind=pl.lit(Kind.SHARED_GROUP.value),
            topic=_named("group", pl.col("group")),
        )
    )


def _usable(found: pl.DataFrame, texts: Sequence[str]) -> pl.DataFrame:
    """Keep pairs of two different texts that say something, each two texts once, ordered."""
    first: dict[str, int] = {}
    for row, text in enumerate(texts):
        first.setdefault(text, row)
    # A weekly event says the same words each week: every text stands for all its copies.
    alike = pl.DataFrame(
        {"row": np.arange(len(texts)), "text": [first[text] for text in texts]},
        schema={"row": pl.Int64, "text": pl.Int64},
    )
    blank = first.get("", -1)
    for side in ("anchor", "positive"):
        found = found.join(alike, left_on=side, right_on="row").drop(side).rename({"text": side})
        found = found.filter(pl.col(side) != blank)
    found = found.filter(pl.col("anchor") != pl.col("positive"))
    found = found.select("anchor", "positive", "kind", "topic")
    return found.sort(found.columns).unique(["anchor", "positive"], maintain_order=True)


def _spread(found: pl.DataFrame, most: int, rng: np.random.Generator) -> pl.DataFrame:
    """Keep `most` pairs, spread over kinds and topics, in random order."""
    shuffled = found[rng.permutation(len(found))]
    turn = pl.int_range(pl.len())
    ordered = shuffled.with_columns(turn=turn.over("kind", "topic")).sort(
        "turn", maintain_order=True
    )
    ordered = ordered.with_columns(turn=turn.over("kind")).sort("turn", maintain_order=True)
    kept = ordered.head(most).drop("turn")
    return kept[rng.permutation(len(kept))]


def _one_each(frame: pl.DataFrame, keys: list[str], rng: np.random.Generator) -> pl.DataFrame:
    """Return one row, at random, for each value of the keys: the keys and `post`."""
    frame = frame.sort(*keys, "post").with_columns(order=pl.Series(rng.permutation(len(frame))))
    return frame.sort("order").unique(keys, keep="first", maintain_order=True).select(*keys, "post")


def _rows(chosen: pl.Series) -> pl.Series:
    return pl.Series(chosen.fill_null(value=False).arg_true()).cast(pl.Int64)


def _named(what: str, row: pl.Expr) -> pl.Expr:
    return pl.concat_str([pl.lit(what), row.cast(pl.String)], separator=" ")
