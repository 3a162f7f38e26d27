"""Other ways of finding who answers: the busiest, BM25 over what people answered, and centroids.

Each has twelve settings, and the best on earlier windows is what it is measured with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.peer import Settings, grid_of, needed
from benchmarks.responder_trials import Window

Scores = NDArray[np.float64]
"""A finite score for everybody and each question of a window, higher is better: (asked, members).
"""

HALF_LIVES_DAYS = (7.0, 14.0, 30.0, 90.0, 365.0, 36500.0)
"""Ages at which an answer says half as much; the last is no fading at all."""


class ResponderPeer(Protocol):
    """A way of finding who answers.

    Attributes:
        name: As in tables.
        package: The distribution it comes from.
        grid: The settings tried.
    """

    name: ClassVar[str]
    package: ClassVar[str]
    grid: ClassVar[Sequence[Settings]]

    def score(self, window: Window, settings: Settings) -> Scores:
        """Return a score for everybody and each question."""
        ...


@dataclass(frozen=True, slots=True)
class MostActive:
    """Whoever gave most answers, older ones counting less; everywhere or in the same groups."""

    name: ClassVar[str] = "most_active"
    package: ClassVar[str] = "numpy"
    grid: ClassVar[Sequence[Settings]] = grid_of(
        half_life_days=HALF_LIVES_DAYS, per_group=[False, True]
    )

    def score(self, window: Window, settings: Settings) -> Scores:
        """Count."""
        worth = _faded(window, float(settings["half_life_days"]))
        everywhere = np.bincount(window.given.members, worth, window.members)
        if not settings["per_group"]:
            return np.tile(everywhere, (len(window.asked), 1))
        return np.stack(
            [
                # Of those who never answered in these groups the busiest come first.
                np.bincount(window.given.members, worth * shared, window.members)
                + 1e-6 * everywhere
                for shared in _shared_groups(window)
            ]
        )


@dataclass(frozen=True, slots=True)
class Bm25Answers:
    """BM25 between the question and what people have answered.

    A document is everything one person has answered, or one answer, whose scores are then added
    up; with the question it answered, or without.
    """

    name: ClassVar[str] = "bm25"
    package: ClassVar[str] = "bm25s"
    grid: ClassVar[Sequence[Settings]] = tuple(
        {"k1": k1, "b": b, "person": person, "questions": questions}
        for k1, b in ((1.2, 0.75), (1.2, 0.3), (5.0, 0.1))
        for person in (True, False)
        for questions in (True, False)
    )

    def score(self, window: Window, settings: Settings) -> Scores:
        """Index the documents and ask each question."""
        bm25s = needed("bm25s")
        documents, owners = _documents(
            window, person=bool(settings["person"]), questions=bool(settings["questions"])
        )
        model = bm25s.BM25(k1=settings["k1"], b=settings["b"], method="lucene")
        model.index(_words(bm25s, documents), show_progress=False)
        scores = np.zeros((len(window.asked), window.members))
        for row, words in enumerate(_words(bm25s, [one.text for one in window.asked])):
            # Words of which no document has any mean nothing to it.
            found = model.get_scores(words) if words else np.zeros(len(documents))
            scores[row] = np.bincount(owners, found, window.members)
        return scores


@dataclass(frozen=True, slots=True)
class Centroids:
    """Cosine between the question and the middle of what somebody has answered, by MiniLM.

    With `sized` the middle is not brought to length 1: who answered more is nearer.
    """

    name: ClassVar[str] = "minilm_centroids"
    package: ClassVar[str] = "sentence-transformers"
    grid: ClassVar[Sequence[Settings]] = grid_of(
        of=["answers", "questions", "both"], half_life_days=[30.0, 36500.0], sized=[False, True]
    )

    def score(self, window: Window, settings: Settings) -> Scores:
        """Sum up and compare."""
        given, vectors = window.given, window.vectors
        parts: Mapping[str, Any] = {
            "answers": vectors[given.answers],
            "questions": vectors[given.questions],
            "both": vectors[given.answers] + vectors[given.questions],
        }
        worth = _faded(window, float(settings["half_life_days"]))
        middle = np.zeros((window.members, vectors.shape[1]))
        np.add.at(middle, given.members, parts[str(settings["of"])] * worth[:, None])
        if not settings["sized"]:
            middle /= np.maximum(np.linalg.norm(middle, axis=1, keepdims=True), 1e-9)
        asked = [
            one.vector[0] if len(one.vector) else np.zeros(vectors.shape[1]) for one in window.asked
        ]
        scores: Scores = np.stack(asked) @ middle.T
        return scores


RESPONDER_PEERS: Mapping[str, ResponderPeer] = {
    peer.name: peer for peer in (MostActive(), Bm25Answers(), Centroids())
}
"""Every peer by its name."""


def _faded(window: Window, half_life_days: float) -> NDArray[np.float64]:
    faded: NDArray[np.float64] = 0.5 ** (window.given.age_days / half_life_days)
    return faded


def _shared_groups(window: Window) -> list[NDArray[np.float64]]:
    """Return for each question how many groups each past answer shares with it."""
    links = window.early.post_groups
    stands: dict[int, set[int]] = {}
    for post, group in links.select("post", "group").iter_rows():
        stands.setdefault(post, set()).add(group)
    there = [stands.get(post, set()) for post in window.given.questions.tolist()]
    return [
        np.array([len(one & set(asked.groups.tolist())) for one in there], np.float64)
        for asked in window.asked
    ]


def _documents(
    window: Window, *, person: bool, questions: bool
) -> tuple[list[str], NDArray[np.int64]]:
    """Return documents and the member each belongs to."""
    given, posts = window.given, window.texts.posts
    said = [
        f"{posts[question]}\n{posts[answer]}" if questions else posts[answer]
        for question, answer in zip(given.questions.tolist(), given.answers.tolist(), strict=True)
    ]
    if not person:
        return said, given.members
    owners = np.unique(given.members)
    texts: dict[int, list[str]] = {row: [] for row in owners.tolist()}
    for row, text in zip(given.members.tolist(), said, strict=True):
        texts[row].append(text)
    return ["\n".join(texts[row]) for row in owners.tolist()], owners


def _words(bm25s: Any, texts: list[str]) -> list[list[str]]:  # noqa: ANN401
    found: list[list[str]] = bm25s.tokenize(
        texts, stopwords="en", return_ids=False, show_progress=False
    )
    return found
