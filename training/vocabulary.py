"""The distinctive terms of a community, and who uses which, with a post that shows it.

A term is worth naming in a reason when several people use it (so it identifies nobody), few
people do (so it says something), and the texts that use it are about the same thing: their
vectors lie closer together than those of texts at large: "really" appears in texts about
everything, "levain" does not. A phrase must besides appear more often than its words would meet
by chance. Sentences that many texts repeat (`training.boilerplate`) and stop words of some thirty
languages are left out first, and "at large" means texts of the same language, since those lie
together whatever they are about.

Which terms there are and how rare each is depends on nothing but what anybody may see: public texts
of people who may be shown. Who uses them is then looked up for everybody.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from stop_words import AVAILABLE_LANGUAGES, get_stop_words

from data.community import Community
from engine.columns import Links, Strings
from engine.terms import analyze
from engine.types import Matrix, Rows, Vector
from training.activity import taking_part
from training.boilerplate import conversations, without_boilerplate
from training.in_the_open import in_the_open, open_texts
from training.spoken import WhatWasSaid, who_said
from training.texts import Texts, TextVectors

CALENDAR = frozenset(
    re.findall(
        "[a-z]+",
        """
        january february march april may june july august september october november december
        jan feb mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday
        saturday sunday spring summer autumn fall winter holiday holidays anniversary annual
        weekly monthly
        """,
    )
)
"""Words that say when, not what: texts of one season lie together, whatever they are about."""

MIN_WRITERS = 3
"""People who must use a term before anybody is told of it."""

MAX_SHARE = 0.05
"""Share of the people up to which a term says something."""

ONE_VOICE = 0.4
"""Share of a term's texts that one person may have written: beyond, it is their name or project,
and sharing it says little about anybody else."""

COHERENCE = 0.15
"""How much nearer to each other (in cosine) than texts at large the texts with a term must be."""

FEW_TEXTS = 0.3
"""Divided by the root of the number of texts, what few texts must show beyond `COHERENCE`: by
chance, three texts lie together more easily than thirty."""

FEW_IN_LANGUAGE = 8
"""Texts in a language below which it is judged by texts at large."""

ASSOCIATION = 0.45
"""Normalised pointwise mutual information that makes two words a phrase (Bouma 2009)."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The terms and who uses them; see `engine.snapshot` for the columns.

    Attributes:
        words: The terms, ascending.
        rarity: log(people / people who use it): float32 of shape (terms,).
        vectors: The direction of the texts that use it: unit vectors of shape (terms, d).
        members: Members to terms.
        member_posts: For each link of `members`, a post row or `training.spoken.PROFILE`.
        groups: Groups to terms.
        group_posts: For each link of `groups`, a post row or `training.spoken.PROFILE`.
    """

    words: Strings
    rarity: Vector
    vectors: Matrix
    members: Links
    member_posts: Rows
    groups: Links
    group_posts: Rows


def build_vocabulary(community: Community, texts: Texts, vectors: TextVectors) -> Vocabulary:
    """Find the distinctive terms of public texts and who uses them."""
    told = open_texts(community)
    whole = [*texts.posts, *texts.members]
    corpus = without_boilerplate(community, whole, told)
    matrix = np.concatenate([vectors.posts, vectors.members])
    shortened = [row for row, text in enumerate(whole) if text != corpus[row]]
    names, found = _counted([*whole, *(corpus[row] for row in shortened), *texts.groups])
    words, described = found[: len(whole)], found[len(whole) + len(shortened) :]
    if not words.nnz:
        return no_terms(community, matrix.shape[1])
    place = np.arange(len(whole))
    place[shortened] = len(whole) + np.arange(len(shortened))
    uses = found[place]
    seen_uses = sparse.csr_array(sparse.diags_array(told.astype(np.float32)) @ uses)
    seen_uses.eliminate_zeros()
    # A text that not all may see is blank here.
    distinct = _distinct([text if open_ else "" for text, open_ in zip(corpus, told, strict=True)])
    languages = _languages(words[distinct], names)
    kept, rarity = _find(community, seen_uses, names, distinct, matrix[distinct], languages)
    said = WhatWasSaid(community, len(texts.posts))
    members, member_posts = said.by_members(sparse.csr_array(uses[:, kept]), rarity)
    spoken = sparse.csr_array(seen_uses[:, kept])
    groups, group_posts = said.in_groups(spoken, sparse.csr_array(described[:, kept]))
    return Vocabulary(
        Strings.of(names[kept].tolist()),
        rarity,
        _directions(spoken[distinct], matrix[distinct]),
        members,
        member_posts,
        groups,
        group_posts,
    )


def no_terms(community: Community, dimension: int) -> Vocabulary:
    """Return the vocabulary of a community that has no distinctive terms."""
    nothing = np.zeros(0, np.int64)
    return Vocabulary(
        Strings.of([]),
        np.zeros(0, np.float32),
        np.zeros((0, dimension), np.float32),
        Links.of(len(community.members), nothing, nothing),
        nothing,
        Links.of(len(community.groups), nothing, nothing),
        nothing,
    )


def _counted(texts: Sequence[str]) -> tuple[NDArray[np.object_], sparse.csr_array]:
    """Return all words and phrases, as they come up, and a table of ones: which text uses which."""
    column: dict[str, int] = {}
    flat, ends = array("q"), [0]
    for text in texts:
        flat.extend(sorted({column.setdefault(term, len(column)) for term in analyze(text)}))
        ends.append(len(flat))
    found = np.frombuffer(flat, np.int64) if flat else np.zeros(0, np.int64)
    shape = len(texts), len(column)
    table = sparse.csr_array((np.ones(len(found), np.float32), found, ends), shape=shape)
    return np.array(list(column), dtype=object), table


def _find(
    community: Community,
    uses: sparse.csr_array,
    names: NDArray[np.object_],
    distinct: Rows,
    vectors: Matrix,
    languages: Rows,
) -> tuple[Rows, Vector]:
    """Return the columns of `uses` that are distinctive terms, by name, and how rare each is."""
    table = who_said(community, in_the_open(community, taking_part(community)))
    said = sparse.csr_array(
        (np.ones(len(table), np.float32), (table["member"], table["text"])),
        shape=(len(community.members), uses.shape[0]),
    )
    voices = np.count_nonzero(said @ (np.diff(uses.indptr) > 0).astype(np.float32))
    # Most words come up once or twice, which makes no term.
    often = np.flatnonzero(np.bincount(uses.indices, minlength=len(names)) >= MIN_WRITERS)
    often = often[np.argsort(names[often])]
    names, uses = names[often], sparse.csr_array(uses[:, often])
    times = sparse.csr_array(said @ uses)
    loudest = np.asarray(times.max(axis=0).todense()).ravel()
    by_member = _binary(times)
    writers = np.diff(sparse.csc_array(by_member).indptr)
    # Five authors of one talk are one voice: a term must come up in as many different texts.
    texts_with = np.diff(sparse.csc_array(uses[distinct]).indptr)
    several = (np.minimum(writers, texts_with) >= MIN_WRITERS) & (
        writers <= max(MAX_SHARE * voices, 10)
    )
    several &= _conversations_with(community, uses) >= 2
    several &= loudest <= ONE_VOICE * np.diff(sparse.csc_array(uses).indptr)
    candidates = np.flatnonzero(several)
    candidates = candidates[_is_wordy(names[candidates], CALENDAR.union(*_stop_words()))]
    candidates = candidates[_is_phrase(names, candidates, texts_with, len(distinct))]
    kept = candidates[_coherent(uses[:, candidates][distinct], vectors, languages)]
    return often[kept], np.log(max(voices, 1) / writers[kept]).astype(np.float32)


def _distinct(corpus: list[str]) -> Rows:
    """Return the first row of each different text that says something, ascending.

    A weekly event says the same words each week; that is one text, not agreement.
    """
    first = {text: row for row, text in reversed(list(enumerate(corpus)))}
    return np.array(sorted(row for text, row in first.items() if text), dtype=np.int64)


def _conversations_with(community: Community, uses: sparse.csr_array) -> Rows:
    """Return in how many conversations each term comes up: answers often repeat the question."""
    texts = uses.shape[0]
    roots = conversations(community, texts)
    shape = (texts, texts)
    inside = sparse.csr_array((np.ones(texts, np.float32), (roots, np.arange(texts))), shape=shape)
    counts: Rows = np.diff(sparse.csc_array(inside @ uses).indptr).astype(np.int64)
    return counts


def _is_wordy(names: NDArray[np.object_], stop: frozenset[str]) -> NDArray[np.bool_]:
    """Return which terms have neither a function word nor a stump in them."""

    def wordy(term: str) -> bool:
        return all(len(word) > 2 and word not in stop for word in re.split(r"[ '’]", term))

    return np.fromiter((wordy(term) for term in names), dtype=bool, count=len(names))


def _is_phrase(
    names: NDArray[np.object_], candidates: Rows, texts_with: Rows, texts: int
) -> NDArray[np.bool_]:
    """Return which candidates are single words, or pairs that belong together."""
    position = {name: row for row, name in enumerate(names)}
    held = np.ones(len(candidates), dtype=bool)
    for place, term in enumerate(candidates.tolist()):
        words = names[term].split()
        if len(words) == 2:
            one, other = (texts_with[position[word]] / texts for word in words)
            both = texts_with[term] / texts
            held[place] = np.log(both / (one * other)) >= -ASSOCIATION * np.log(both)
    return held


def _stop_words() -> list[frozenset[str]]:
    return [frozenset(get_stop_words(language)) for language in AVAILABLE_LANGUAGES]


def _languages(uses: sparse.csr_array, names: NDArray[np.object_]) -> Rows:
    """Return a language for each text: the one whose stop words it uses most, -1 for none."""
    stop, row_of = _stop_words(), {word: row for row, word in enumerate(names)}
    belongs = np.zeros((len(names), len(stop)), np.float32)
    for language, words in enumerate(stop):
        belongs[[row_of[word] for word in words if word in row_of], language] = 1
    counts = np.asarray(uses @ belongs)
    return np.where(counts.max(axis=1) > 0, counts.argmax(axis=1), -1).astype(np.int64)


def _coherent(uses: sparse.csr_array, matrix: Matrix, languages: Rows) -> NDArray[np.bool_]:
    """Return which terms' texts lie closer together than texts of their languages at large."""
    count = np.diff(sparse.csc_array(uses).indptr).astype(np.float64)
    sums = np.asarray(uses.T @ matrix, dtype=np.float64)
    names, member = np.unique(languages, return_inverse=True)
    belongs = sparse.csr_array(
        (np.ones(len(member), np.float32), (np.arange(len(member)), member)),
        shape=(len(member), len(names)),
    )
    texts = np.bincount(member, minlength=len(names)).astype(np.float64)
    at_large = _mean_cosine(np.asarray(belongs.T @ matrix, dtype=np.float64), texts)
    everywhere = _mean_cosine(
        matrix.sum(axis=0, dtype=np.float64)[None, :], np.array([len(matrix)])
    )
    at_large = np.where(texts >= FEW_IN_LANGUAGE, at_large, everywhere)
    shares = np.asarray((uses.T @ belongs).todense()) / np.maximum(count, 1)[:, None]
    threshold = shares @ at_large + COHERENCE + FEW_TEXTS / np.sqrt(np.maximum(count, 1))
    result: NDArray[np.bool_] = _mean_cosine(sums, count) >= threshold
    return result


def _mean_cosine(sums: NDArray[np.float64], count: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean cosine between n unit vectors from their sum: (|sum|² - n) / n(n-1)."""
    pairs = np.maximum(count * (count - 1), 1)
    return np.where(count > 1, ((sums**2).sum(axis=1) - count) / pairs, 0.0)


def _binary(matrix: sparse.csr_array) -> sparse.csr_array:
    matrix = sparse.csr_array(matrix)
    matrix.data[:] = 1
    return matrix


def _directions(uses: sparse.csr_array, matrix: Matrix) -> Matrix:
    sums: Matrix = np.asarray(sparse.csr_array(uses).T @ matrix, dtype=np.float32)
    sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    return sums
