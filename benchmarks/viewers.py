"""Who is asked at a cut, by what they are known, and what turned out to be right for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmarks.peers.history import TEXT_ALONE, History, Viewers, history_of, viewers_of
from benchmarks.slates import Right
from benchmarks.trials import Trial
from data.community import Community
from engine.columns import Links
from engine.domain import Visibility
from engine.types import BoolVector, Matrix, Rows, Vector
from training.embed import embed
from training.progress import SILENT, Progress
from training.split import Joins, joins_between, past
from training.texts import texts_of, vectors_of
from training.train import Workshop

LARGEST = 10
"""Groups taken away where it is asked how good suggestions are without the obvious ones."""

SAMPLED = 3_000
"""Members at most, joiners or not, on whom stated chances are checked at each cut."""

NEWCOMERS = 400
"""Newcomers at most who are asked about at each cut: every sentence of theirs is embedded."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """What the slices need to know of groups, as of the cut; bool of shape (groups,) but sizes.

    Attributes:
        sizes: Members before the cut: float32.
        offered: Whether it may be suggested at all.
        unheard: Whether nobody had ever been in it.
        largest: Whether it is one of the `LARGEST` groups.
    """

    sizes: Vector
    offered: BoolVector
    unheard: BoolVector
    largest: BoolVector


@dataclass(frozen=True, slots=True)
class Asked:
    """Viewers who are asked together.

    Attributes:
        ids: Whose answers they are: the same member has the same id at every cut.
        viewers: As peers know them.
        texts: What they say, if they are known by a text alone; else ''.
        right: What turned out to be right.
    """

    ids: list[str]
    viewers: Viewers
    texts: list[str]
    right: Right


@dataclass(frozen=True, slots=True)
class Prepared:
    """A trial with everything that is the same for all systems.

    Attributes:
        trial: Which one.
        early: The community as it was at the cut.
        history: The same, as peers know it.
        there: Where each member is or was.
        facts: Of groups.
        known: Members with an earlier group who joined another.
    """

    trial: Trial
    early: Community
    history: History
    there: Links
    facts: GroupFacts
    known: Asked


def prepared(trial: Trial, workshop: Workshop, progress: Progress = SILENT) -> Prepared:
    """Return what everything else is measured with; vectors come from the workshop's cache."""
    early = past(trial.community, trial.cut)
    vectors = vectors_of(texts_of(early), workshop.encoder, workshop.vectors, progress)
    history = history_of(early, vectors, trial.cut)
    pairs = early.memberships
    there = Links.of(len(early.members), pairs["member"].to_numpy(), pairs["group"].to_numpy())
    facts = _facts(early)
    joins = _offered(trial, facts)
    rows = np.unique(joins.members[(there.counts() > 0)[joins.members]])
    known = _members(trial, history, joins, rows)
    return Prepared(trial, early, history, there, facts, known)


def newcomers(ready: Prepared, workshop: Workshop, progress: Progress = SILENT) -> Asked:
    """Return members without an earlier group who join, known by a text alone.

    The text is their profile, else their first public post of the window, of which only the
    text is known. Those who say nothing are left out.
    """
    joins = _offered(ready.trial, ready.facts)
    rows = np.unique(joins.members[(ready.there.counts() == 0)[joins.members]])
    said = _said(ready.trial)
    told = [row for row in rows.tolist() if said[row]]
    if len(told) > NEWCOMERS:
        drawn = np.random.default_rng(0).choice(np.array(told), NEWCOMERS, replace=False)
        told = np.sort(drawn).tolist()
    ids = ready.trial.community.members["id"]
    return _by_text(
        [(str(ids[row]), said[row]) for row in told],
        right_of(joins, np.array(told, np.int64)),
        lambda texts: embed(texts, workshop.encoder, workshop.vectors, progress),
    )


def masked_newcomers(
    asked: Asked, names: Iterable[str], workshop: Workshop, progress: Progress = SILENT
) -> Asked:
    """Return the same people with the names of groups, and their words, taken out of the texts.

    Those of whom nothing is left are left out.
    """
    mask = name_mask(names)
    texts = [mask(text) for text in asked.texts]
    left = np.array([bool(_WORD.search(text)) for text in texts], dtype=bool)
    place = np.cumsum(left) - 1
    kept = asked.right.kept(left[asked.right.lines])
    right = Right(int(left.sum()), place[kept.lines], kept.groups, kept.gains, kept.judged)
    return _by_text(
        [(one, text) for one, text, keep in zip(asked.ids, texts, left, strict=True) if keep],
        right,
        lambda texts: embed(texts, workshop.encoder, workshop.vectors, progress),
    )


def name_mask(names: Iterable[str]) -> Callable[[str], str]:
    """Return what takes every word of every name out of a text, as whole words in any case.

    >>> name_mask(["Boston Python", "C++"])("PYTHON in Boston, pythonic C++ code")
    'in , pythonic ++ code'
    """
    words = {word for name in names for word in _WORD.findall(name.lower())}

    def mask(text: str) -> str:
        kept = _WORD.sub(lambda found: "" if found[0].lower() in words else found[0], text)
        return re.sub(r"[^\S\n]+", " ", kept).strip()

    return mask


def anybody(ready: Prepared, seed: int) -> Asked:
    """Return a random sample of members with an earlier group, whether they join or not."""
    rows = np.flatnonzero(ready.there.counts() > 0)
    chosen = np.random.default_rng(seed).permutation(rows)[:SAMPLED]
    return _members(ready.trial, ready.history, _offered(ready.trial, ready.facts), np.sort(chosen))


def right_of(joins: Joins, rows: Rows) -> Right:
    """Return what was right for members by row, ascending; it may be nothing."""
    place = np.minimum(np.searchsorted(rows, joins.members), max(len(rows) - 1, 0))
    theirs = np.zeros(len(joins.members), bool) if not len(rows) else rows[place] == joins.members
    order = np.lexsort((joins.groups[theirs], place[theirs]))
    return Right(
        len(rows),
        place[theirs][order],
        joins.groups[theirs][order],
        joins.gains[theirs][order],
        joins.judged[theirs][order],
    )


def _offered(trial: Trial, facts: GroupFacts) -> Joins:
    """Return the joins of the window to groups that may be suggested."""
    joins = joins_between(trial.community, trial.cut, trial.end)
    keep = facts.offered[joins.groups]
    return Joins(joins.members[keep], joins.groups[keep], joins.gains[keep], joins.judged[keep])


def _members(trial: Trial, history: History, joins: Joins, rows: Rows) -> Asked:
    ids = trial.community.members["id"].gather(rows.tolist()).to_list()
    return Asked(ids, viewers_of(history, rows), [""] * len(rows), right_of(joins, rows))


def _by_text(
    told: list[tuple[str, str]], right: Right, vectors_of_texts: Callable[[list[str]], Matrix]
) -> Asked:
    ids, texts = [one for one, _ in told], [text for _, text in told]
    rows = np.full(len(told), TEXT_ALONE, dtype=np.int64)
    return Asked(ids, Viewers(rows, vectors_of_texts(texts)), texts, right)


def _facts(early: Community) -> GroupFacts:
    count = len(early.groups)
    there = early.memberships.filter(pl.col("left_ts").is_null())
    sizes = np.bincount(there["group"], minlength=count).astype(np.float32)
    ever = np.bincount(early.memberships["group"], minlength=count)
    largest = np.zeros(count, dtype=bool)
    largest[np.argsort(-sizes, kind="stable")[:LARGEST]] = True
    offered = early.groups.select(public=pl.col("visibility") == Visibility.PUBLIC.value)["public"]
    return GroupFacts(
        sizes, offered.fill_null(value=False).to_numpy(), ever == 0, largest & (sizes > 0)
    )


def _said(trial: Trial) -> list[str]:
    """Return what each member says: their profile, else their first public post of the window."""
    texts = texts_of(trial.community)
    written = pl.DataFrame({"said": texts.posts}).with_row_index("post").cast({"post": pl.Int64})
    first = (
        written.with_columns(ts=trial.community.posts["ts"])
        .filter(pl.col("said") != "", pl.col("ts") >= trial.cut, pl.col("ts") < trial.end)
        .join(trial.community.authors, on="post")
        .sort("ts", "post")
        .unique("member", keep="first", maintain_order=True)
    )
    said = list(texts.members)
    for member, text in first.select("member", "said").iter_rows():
        said[member] = said[member] or text
    return said
