"""What members, groups and posts of the synthetic town say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from data.town import phrases as phrases
from data.town import sentences as sentences
from data.town.groups import interest_within
from data.town.interests import TERMS
from data.town.people import NOBODY, People
from data.town.posts import Posts, Role
from data.town.text import (
    Lexicon,
    Words,
    draw_everyday,
    draw_picks,
    draw_terms,
    fill,
    join_sentences,
)
from data.town.truth import About, Groups
from engine.types import BoolVector, Rows

PROFILE_SHARE = 0.6
SEEKING_SHARE = 0.25
OFFERING_SHARE = 0.2

TITLES: dict[Role, Sequence[str]] = {
    Role.THREAD: sentences.THREAD_TITLES,
    Role.GATHERING: sentences.GATHERING_TITLES,
    Role.CHATTER: sentences.CHATTER_TITLES,
}
"""The titles of each kind of post; the others have none."""

BODY: tuple[tuple[dict[Role, Sequence[str]], dict[Role, float]], ...] = (
    (
        {Role.REPLY: sentences.NODS, Role.ANSWER: sentences.NODS},
        {Role.REPLY: 0.4, Role.ANSWER: 0.4},
    ),
    (
        {
            Role.THREAD: sentences.THREADS,
            Role.GATHERING: sentences.GATHERINGS,
            Role.REPLY: sentences.REPLIES,
            Role.ANSWER: sentences.ANSWERS,
            Role.CHATTER: sentences.CHATTER,
            Role.CHATTER_REPLY: sentences.CHATTER_REPLIES,
        },
        dict.fromkeys(Role, 1.0),
    ),
    (
        {
            Role.THREAD: sentences.MORE,
            Role.GATHERING: sentences.PRACTICAL,
            Role.REPLY: sentences.ADVICE,
            Role.ANSWER: sentences.ADVICE,
        },
        {Role.THREAD: 0.7, Role.GATHERING: 0.8, Role.REPLY: 0.35, Role.ANSWER: 0.5},
    ),
    (
        {
            Role.THREAD: sentences.STILL_MORE,
            Role.GATHERING: sentences.MORE_PRACTICAL,
            Role.REPLY: sentences.ASIDES,
            Role.ANSWER: sentences.ASIDES,
        },
        {Role.THREAD: 0.35, Role.GATHERING: 0.5, Role.REPLY: 0.4, Role.ANSWER: 0.35},
    ),
    (
        {
            Role.THREAD: sentences.CLOSERS,
            Role.CHATTER: sentences.SMALL_TALK,
            Role.CHATTER_REPLY: sentences.SMALL_TALK,
        },
        {Role.THREAD: 0.5, Role.CHATTER: 0.5, Role.CHATTER_REPLY: 0.3},
    ),
)
"""For each sentence of a post: what it may be, and how often it is there, by kind of post."""


def write_posts(
    rng: np.random.Generator, lexicon: Lexicon, posts: Posts
) -> tuple[pl.Series, pl.Series]:
    """Return the title ('' for a reply) and the text of each post."""
    terms = draw_terms(rng, len(posts))
    thread = np.where(posts.parent == NOBODY, np.arange(len(posts)), posts.parent)
    for _ in range(3):  # each turn doubles how far up the thread a reply looks
        thread = thread[thread]
    picks_up = (posts.parent != NOBODY) & (rng.random(len(posts)) < 0.7)
    terms = np.where(picks_up[:, None], terms[thread][:, [1, 0, 2]], terms)
    words = lexicon.words(posts.interest, terms, draw_everyday(rng, len(posts)))
    titles = _say(rng, [TITLES.get(role, ()) for role in Role], posts.role, words)
    body = []
    for choices, shares in BODY:
        share = np.array([shares.get(role, 0.0) for role in Role])
        said = rng.random(len(posts)) < share[posts.role]
        roles = np.where(said, posts.role, NOBODY)
        body.append(_say(rng, [choices.get(role, ()) for role in Role], roles, words))
    return titles, join_sentences(body)


def write_members(
    rng: np.random.Generator, lexicon: Lexicon, people: People, place: Rows, language: Rows
) -> dict[str, pl.Series]:
    """Return each member's ``text``, ``seeking`` and ``offering``; '' where there is none.

    Args:
        rng: The source of randomness.
        lexicon: The words of the town's interests.
        people: The members.
        place: Where each lives, an index into `phrases.PLACES`.
        language: What each writes, an index into `phrases.PROFILES_BY_LANGUAGE`.
    """
    count = len(people)
    everyday = draw_everyday(rng, count) | {"place": place}
    words = lexicon.words(people.interests[:, 0], draw_terms(rng, count), everyday)
    words = _with_other(rng, lexicon, words, people.interests[:, 1])
    writes = rng.random(count) < PROFILE_SHARE
    english = writes & (language == 0)
    also = english & (people.interests[:, 1] != NOBODY) & (rng.random(count) < 0.7)
    chats = english & (rng.random(count) < 0.5)
    speech = list(phrases.PROFILES_BY_LANGUAGE.values())
    profile = [
        _say(rng, speech, np.where(writes, language, NOBODY), words),
        _say(rng, [phrases.ALSO], _only(also), words),
        _say(rng, [phrases.ABOUT_ME], _only(chats), words),
    ]
    seeks, offers = rng.random(count) < SEEKING_SHARE, rng.random(count) < OFFERING_SHARE
    return {
        "text": join_sentences(profile),
        "seeking": _say(rng, [phrases.SEEKING], _only(seeks), words),
        "offering": _say(rng, [phrases.OFFERING], _only(offers), words),
    }


def write_groups(
    rng: np.random.Generator, lexicon: Lexicon, groups: Groups
) -> tuple[pl.Series, pl.Series]:
    """Return the name, different for each group, and the description of each group."""
    area_of = lexicon.vocabulary.area_of
    broad = groups.about == About.AREA
    about = np.where(broad, interest_within(rng, groups.area, area_of), groups.interest)
    words = lexicon.words(about, draw_terms(rng, len(groups)), draw_everyday(rng, len(groups)))
    other = interest_within(rng, groups.area, area_of)
    other = np.where(other == about, interest_within(rng, groups.area, area_of), other)
    words = _with_other(rng, lexicon, words, other)
    names = [phrases.GROUP_NAMES, phrases.AREA_NAMES, phrases.GENERAL_NAMES]
    texts = [phrases.GROUP_TEXTS, phrases.AREA_TEXTS, phrases.GENERAL_TEXTS]
    name = _distinct(_say(rng, names, groups.about, words))
    return name, _say(rng, texts, groups.about, words)


def _say(
    rng: np.random.Generator, lists: Sequence[Sequence[str]], roles: Rows, words: Words
) -> pl.Series:
    templates, pick = draw_picks(rng, lists, roles)
    return fill(templates, pick, words)


def _only(wanted: BoolVector) -> Rows:
    """Return role 0 where a sentence is wanted and -1 where not."""
    return np.where(wanted, 0, NOBODY)


def _with_other(rng: np.random.Generator, lexicon: Lexicon, words: Words, interests: Rows) -> Words:
    """Return the words with a second interest ``too`` and one of its terms ``x``."""
    about = np.maximum(interests, 0)
    term = about * TERMS + rng.integers(TERMS, size=len(about))
    names = lexicon.column(lambda one: one.short)
    return Words({**words.slots, "too": (names, about), "x": (lexicon.terms, term)})


def _distinct(names: pl.Series) -> pl.Series:
    """Return the names; the second and later bearers of one are numbered from 2."""
    frame = names.alias("name").to_frame()
    nth = pl.int_range(pl.len()).over("name") + 1
    numbered = pl.concat_str(pl.col("name"), pl.lit(" "), nth.cast(pl.String))
    return frame.select(pl.when(nth == 1).then(pl.col("name")).otherwise(numbered)).to_series()
