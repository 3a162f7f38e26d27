"""Sentences that many texts repeat word for word: who says them says nothing of their own.

A conference's imprint below each of its talks is no interest of the speakers. What counts is said
by several people in several conversations: answers that repeat the question, and a host who
announces each meeting in the same words, say what theirs is about. Which sentences are repeated is
decided by nothing but texts that anybody may see; they are then left out of everybody's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from data.community import Community
from engine.terms import MAX_CHARACTERS
from engine.types import BoolVector, Rows
from training.in_the_open import open_parents

REPEATED = 3
"""People, and conversations, from which a long sentence is nobody's own: two may quote one another,
and three people are what it takes to make a term."""

LONG = 12
"""Words from which no two people write the same sentence by chance."""

OFTEN = 10
"""People, and conversations, it takes for a shorter one: "I would like to learn Spanish" comes
about a few times by itself."""

SHORT = 5
"""Words below which a sentence always counts: it may be a title, or stand in a list. So do all that
are not long of a profile, where people choose from what they are offered."""

_END = re.compile(r"(?<=[.!?…])\s+|\n")
# Links, their stand-ins and what has a digit are found as well, as no word.
_WORD = re.compile(r"<\w+>|https?://\S+|[^\W\d]*\d\w*|([^\W\d]+)")


def without_boilerplate(community: Community, corpus: Sequence[str], told: BoolVector) -> list[str]:
    """Return the texts less the sentences that many repeat; the first conversation keeps them.

    Sentences end with a line, or a full stop and its like. They are compared by their words,
    lower-case, without links and numbers.

    Args:
        community: Whose texts they are.
        corpus: All posts' texts, then all profiles', '' if nothing is said.
        told: Which of them anybody may see.
    """
    posts = len(community.posts)
    ids: dict[str, int] = {}
    said = [
        (row, ids.setdefault(words, len(ids)))
        for row, text in enumerate(corpus)
        for words in {words for _, _, words in _sentences(text, SHORT if row < posts else LONG)}
    ]
    names = list(ids)
    lengths = np.array([words.count(" ") + 1 for words in names], dtype=np.int64)
    rows, sentences = np.array(said, np.int64).reshape(-1, 2).T
    uses = pl.DataFrame(
        {
            "text": rows,
            "sentence": sentences,
            "conversation": _once(corpus, told, conversations(community, len(corpus)))[rows],
            "writer": _writers(community)[rows],
            "told": told[rows],
            "enough": np.where(lengths >= LONG, REPEATED, OFTEN)[sentences],
        }
    )
    left = list(corpus)
    for (row,), part in _copies(uses).group_by("text"):
        left[row] = _without(corpus[row], {names[one] for one in part["sentence"]})
    return left


def conversations(community: Community, texts: int) -> Rows:
    """Return which conversation each text is of: the row of the post that began it, or its own.

    Args:
        community: Whose texts they are.
        texts: How many: all posts', then all profiles'.
    """
    parents = open_parents(community).to_list()
    roots = [row if parent is None else parent for row, parent in enumerate(parents)]
    return np.array([*roots, *range(len(roots), texts)], dtype=np.int64)


def _once(corpus: Sequence[str], told: BoolVector, conversation: Rows) -> Rows:
    """Return the conversations, where a text said again is of the one it was said in first."""
    first: dict[str, int] = {}
    for row in np.flatnonzero(told).tolist():
        first.setdefault(corpus[row], row)
    return conversation[[first.get(text, row) for row, text in enumerate(corpus)]]


def _writers(community: Community) -> Rows:
    """Return who wrote each text: the first of its authors, -1 if nobody is known."""
    posts, members = len(community.posts), len(community.members)
    first = np.full(posts, members)
    wrote = community.authors
    np.minimum.at(first, wrote["post"].to_numpy(), wrote["member"].to_numpy())
    return np.concatenate([np.where(first < members, first, -1), np.arange(members)])


def _copies(uses: pl.DataFrame) -> pl.DataFrame:
    """Return the uses of repeated sentences outside the conversation that keeps them."""
    both = pl.col("conversation", "writer")
    repeated = (
        uses.filter("told")
        .group_by("sentence")
        .agg(both.n_unique().name.suffix("s"), home=pl.col("conversation").first())
    )
    counted = uses.join(repeated, on="sentence")
    often = pl.min_horizontal("conversations", "writers") >= pl.col("enough")
    return counted.filter(often & (pl.col("conversation") != pl.col("home")))


def _sentences(text: str, least: int) -> Iterator[tuple[int, int, str]]:
    """Yield where each sentence of at least so many words starts and ends, and its words."""
    text = text[:MAX_CHARACTERS]
    start = 0
    for end in [*(found.end() for found in _END.finditer(text)), len(text)]:
        words = [word for word in _WORD.findall(text[start:end].lower()) if word]
        if len(words) >= least:
            yield start, end, " ".join(words)
        start = end


def _without(text: str, dropped: set[str]) -> str:
    """Return what is looked at of a text, less the sentences of these words."""
    kept, place = [], 0
    for start, end, words in _sentences(text, SHORT):
        if words in dropped:
            kept.append(text[place:start])
            place = end
    return "\n".join([*kept, text[place:MAX_CHARACTERS]])
