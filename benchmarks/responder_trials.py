"""Which questions are asked in a benchmark of responders, what is known then, and who answered.

The past of a cut is all that is known, and the questions asked in the window after it are to be
answered by people who were known at the cut. Who answered one and came later cannot be found by
anybody; how many they are is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.introduction_trials import known_in, with_members
from data.community import Community
from engine.domain import DAY_S
from engine.errors import SettingError
from engine.types import BoolVector, Matrix, Rows
from training.split import parts_by, past
from training.texts import Texts, texts_of, vectors_of
from training.train import Workshop

TEST = 0.8
"""Share of a part's questions before the window that is measured at the end."""

EARLIER = (0.3, 0.4, 0.5, 0.6)
"""Where the windows begin on which everything is chosen, each as long as the one that is measured
at the end. They overlap: who is busy changes from week to week, and few windows say little."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of the window.

    Attributes:
        text: Title and text; '' if it says nothing.
        vector: Its unit vector, of shape (1, d), or of shape (0, d).
        authors: Rows of who wrote it, as far as they were known.
        groups: Rows of the groups it stands in.
        answered_by: Rows of who answered it, was known at the cut and may be asked, ascending, at
            least one.
        may: Who may be asked: open to it, and of the author's band: bool of shape (members,).
        band: The author's audience band, None if it cannot be read.
    """

    text: str
    vector: Matrix
    authors: Rows
    groups: Rows
    answered_by: Rows
    may: BoolVector
    band: str | None


@dataclass(frozen=True, slots=True)
class Given:
    """The answers that were given before the cut, as parallel columns of shape (n,).

    Attributes:
        answers: Rows of the answers among the posts.
        questions: Rows of the posts they answer.
        members: Who gave them.
        age_days: How long before the cut.
    """

    answers: Rows
    questions: Rows
    members: Rows
    age_days: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """What was known at a cut, and what was asked after it.

    Attributes:
        name: Which part, for people.
        early: The community as it was, of the people who were known, in random order.
        texts: What it says.
        vectors: The same of its posts.
        now: The cut, unix seconds.
        given: The answers before it.
        asked: The questions after it that somebody known answered.
        lost: Answers given in the window by people who came after the cut or may not be asked.
        unanswered: Questions of the window that nobody else answered who was there before it.
    """

    name: str
    early: Community
    texts: Texts
    vectors: Matrix
    now: float
    given: Given
    asked: tuple[Asked, ...]
    lost: int
    unanswered: int

    @property
    def members(self) -> int:
        """How many people were known."""
        return len(self.early.members)


@dataclass(frozen=True, slots=True)
class Windows:
    """What is measured, what everything is chosen on, and which parts have neither."""

    test: list[Window]
    validation: list[Window]
    not_measured: dict[str, str]


def windows_of(
    community: Community, workshop: Workshop, split_by: str | None = None, seed: int = 0
) -> Windows:
    """Return the windows of each part.

    Raises:
        SettingError: No part has enough questions with answers.
    """
    found = Windows([], [], {})
    for name, part in _parts(community, split_by):
        asked_at = _asked_at(part)
        spans = [(_at(asked_at, one), _at(asked_at, one + 1 - TEST)) for one in (*EARLIER, TEST)]
        windows = [_window(name, part, span, workshop, seed) for span in spans]
        if not windows or not all(window.asked for window in windows):
            found.not_measured[name or part.name] = "too few questions that somebody known answers"
            continue
        found.validation.extend(windows[:-1])
        found.test.append(windows[-1])
    if not found.test:
        raise SettingError("no part has enough public questions with answers to measure anything")
    return found


def _parts(community: Community, split_by: str | None) -> Iterator[tuple[str, Community]]:
    if split_by is None:
        yield "", community
    else:
        yield from parts_by(community, split_by)


def _asked_at(community: Community) -> NDArray[np.float64]:
    """Return when each public post was written that begins a conversation, ascending."""
    posts = community.posts.filter(pl.col("public") & pl.col("parent").is_null())
    return np.sort(posts["ts"].drop_nulls().to_numpy())


def _at(moments: NDArray[np.float64], share: float) -> float:
    """Return when a share of what is dated had happened, infinity for all of it."""
    place = round(len(moments) * share)
    return float(moments[place]) if place < len(moments) else np.inf


def _window(
    name: str, part: Community, span: tuple[float, float], workshop: Workshop, seed: int
) -> Window:
    cut = span[0]
    early = past(part, cut)
    known = known_in(early, cut)
    # Equal scores are ordered by row: nobody may gain by the order of a file.
    order = np.random.default_rng(seed).permutation(known)
    place = np.full(len(part.members), -1, np.int64)
    place[order] = np.arange(len(order))
    kept = with_members(early, order)
    texts = texts_of(kept)
    vectors = vectors_of(texts, workshop.encoder, workshop.vectors)
    asked, lost, unanswered = _asked(part, span, place, workshop)
    return Window(
        name, kept, texts, vectors.posts, cut, _given(kept, cut), tuple(asked), lost, unanswered
    )


def _asked(
    part: Community, span: tuple[float, float], place: Rows, workshop: Workshop
) -> tuple[list[Asked], int, int]:
    """Return the questions of a window, and how many answers and questions are out of reach."""
    cut, end = span
    posts = part.posts.with_row_index("post").cast({"post": pl.Int64}).filter("public")
    wrote, stands = _listed(part.authors, "member"), _listed(part.post_groups, "group")
    replies: dict[int, list[int]] = {}
    answers = posts.filter(pl.col("parent").is_not_null()).select("post", "parent")
    for post, parent in answers.iter_rows():
        replies.setdefault(parent, []).extend(wrote.get(post, ()))
    within = (pl.col("ts") >= cut) & (pl.col("ts") < end)
    rows = posts.filter(pl.col("parent").is_null() & within)["post"].to_list()
    texts = texts_of(part).posts
    vectors = vectors_of(
        Texts([texts[row] for row in rows], [], []), workshop.encoder, workshop.vectors
    ).posts
    found, lost, unanswered = [], 0, 0
    for row, vector in zip(rows, vectors, strict=True):
        others = sorted(set(replies.get(row, ())) - set(wrote.get(row, ())))
        there = place[others][place[others] >= 0] if others else np.zeros(0, np.int64)
        band, may = _may_be_asked(part, wrote.get(row, ()), place)
        there = there[may[there]]
        lost += len(others) - len(there)
        if not len(there):
            unanswered += 1
            continue
        authors = place[np.array(wrote.get(row, []), np.int64)]
        said = vector[None, :] if vector.any() else np.zeros((0, len(vector)), np.float32)
        groups = np.array(sorted(stands.get(row, ())), np.int64)
        known = np.sort(authors[authors >= 0])
        found.append(Asked(texts[row], said, known, groups, np.sort(there), may, band))
    return found, lost, unanswered


def _may_be_asked(
    part: Community, authors: Sequence[int], place: Rows
) -> tuple[str | None, BoolVector]:
    """Return the authors' band, and who of those known may be asked: the same for all systems."""
    members = part.members
    bands = set(members["audience"].gather(list(authors)).to_list())
    band = bands.pop() if len(bands) == 1 else None
    open_to = members.select(
        pl.col("discoverable")
        & pl.col("open_to_introductions")
        & (pl.col("weekly_introductions") > 0)
        & pl.col("audience").eq(pl.lit(band))
    ).to_series()
    may = np.zeros(int((place >= 0).sum()), bool)
    here = open_to.fill_null(value=False).to_numpy()
    may[place[place >= 0]] = here[place >= 0]
    return band, may


def _given(early: Community, cut: float) -> Given:
    posts = early.posts.with_row_index("post").cast({"post": pl.Int64}).filter("public")
    answers = posts.filter(pl.col("parent").is_not_null()).select("post", "parent", "ts")
    found = answers.join(early.authors, on="post").join(
        early.authors.rename({"post": "parent"}), on=["parent", "member"], how="anti"
    )
    found = found.sort("post", "member")
    return Given(
        found["post"].to_numpy(),
        found["parent"].to_numpy(),
        found["member"].to_numpy(),
        (cut - found["ts"].to_numpy()) / DAY_S,
    )


def _listed(frame: pl.DataFrame, side: str) -> dict[int, Sequence[int]]:
    found: dict[int, list[int]] = {}
    for post, row in frame.select("post", side).iter_rows():
        found.setdefault(post, []).append(row)
    return dict(found)
