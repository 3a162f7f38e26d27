"""How the synthetic town's texts come about: sentences with places, filled column by column."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from data.town import phrases as phrases
from data.town.interests import TERMS, Interest, Vocabulary, title_case
from data.town.people import NOBODY
from engine.types import Rows

_SLOT = re.compile(r"\{(\w+)\}")

NUMBERS = [str(number) for number in range(2, 13)]

SKIP = ""
"""Stands among templates where no sentence is wanted."""


@dataclass(frozen=True, slots=True)
class Words:
    """What each place in a sentence says on each of n rows.

    Attributes:
        slots: For each name, the words to choose from and the choice on each row, of shape (n,).
    """

    slots: Mapping[str, tuple[pl.Series, Rows]]

    def say(self, slot: str, rows: Rows) -> pl.Series:
        """Return the words of one place on the given rows."""
        values, choice = self.slots[slot]
        return values.gather(choice[rows])


class Lexicon:
    """A vocabulary as columns of words, in each form a sentence may need."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Lay out the words of every interest; term t of interest i stands at 10 i + t."""
        self.vocabulary = vocabulary
        terms = [term for interest in vocabulary.interests for term in interest.terms]
        self.terms = pl.Series(terms, dtype=pl.String)
        self.capital_terms = pl.Series([_capital(term) for term in terms], dtype=pl.String)
        self.title_terms = pl.Series([title_case(term) for term in terms], dtype=pl.String)

    def column(self, word: Callable[[Interest], str]) -> pl.Series:
        """Return one word of every interest."""
        return pl.Series([word(interest) for interest in self.vocabulary.interests])

    def words(self, interests: Rows, terms: Rows, everyday: Mapping[str, Rows]) -> Words:
        """Return the words of rows about the given interests.

        Args:
            interests: The interest of each row, of shape (n,); where it is -1 only everyday
                words may be used.
            terms: Which three of the ten terms, of shape (n, 3), see `draw_terms`.
            everyday: Choices of place, day and the like, see `draw_everyday`.
        """
        about = np.maximum(interests, 0)
        first, second, third = (about * TERMS + terms[:, place] for place in range(3))
        slots = {
            "a": (self.terms, first),
            "b": (self.terms, second),
            "c": (self.terms, third),
            "A": (self.capital_terms, first),
            "T": (self.title_terms, first),
            "U": (self.title_terms, second),
            "it": (self.column(lambda one: one.short), about),
            "It": (self.column(lambda one: title_case(one.short)), about),
            "doing": (self.column(lambda one: one.doing), about),
            "Doing": (self.column(lambda one: _capital(one.doing)), about),
            "fans": (self.column(lambda one: one.fans), about),
            "area": (self.column(lambda one: one.area), about),
            "Area": (self.column(lambda one: title_case(one.area)), about),
        }
        chosen = {name: (_EVERYDAY[name], choice) for name, choice in everyday.items()}
        return Words(slots | chosen)


_EVERYDAY: dict[str, pl.Series] = {
    "place": pl.Series(phrases.PLACES),
    "spot": pl.Series(phrases.SPOTS),
    "day": pl.Series(phrases.DAYS),
    "when": pl.Series(phrases.WHENS),
    "num": pl.Series(NUMBERS),
    "n": pl.Series(NUMBERS),
}


def draw_everyday(rng: np.random.Generator, count: int) -> dict[str, Rows]:
    """Return a place, a room, a day, a time and two numbers for each row."""
    return {name: rng.integers(len(words), size=count) for name, words in _EVERYDAY.items()}


def draw_terms(rng: np.random.Generator, count: int) -> Rows:
    """Return three different numbers below ten for each row, of shape (count, 3)."""
    first = rng.integers(TERMS, size=count)
    step = rng.integers(TERMS - 1, size=count)
    other = (step + 1 + rng.integers(TERMS - 2, size=count)) % (TERMS - 1)
    return np.column_stack([first, (first + 1 + step) % TERMS, (first + 1 + other) % TERMS])


def draw_picks(
    rng: np.random.Generator, lists: Sequence[Sequence[str]], roles: Rows
) -> tuple[list[str], Rows]:
    """Return all templates in one list, and which of them each row uses.

    Args:
        rng: The source of randomness.
        lists: The templates of each role; an empty list means no sentence.
        roles: The role of each row, an index into ``lists``, or -1 for no sentence.
    """
    templates = [SKIP]
    starts, counts = [], []
    for sentences in lists:
        starts.append(len(templates))
        counts.append(len(sentences))
        templates += sentences
    spin = rng.random(len(roles))
    start, count = np.array(starts)[roles], np.array(counts)[roles]
    pick = start + (spin * count).astype(np.int64)
    return templates, np.where((roles == NOBODY) | (count == 0), 0, pick)


def fill(templates: Sequence[str], pick: Rows, words: Words) -> pl.Series:
    """Return for each row its template with every place filled.

    Args:
        templates: Sentences with places in braces.
        pick: Which template each row uses, of shape (n,).
        words: What the places say, on the same n rows.

    Returns:
        Strings, of length n; '' where the template is ''.
    """
    order = np.argsort(pick, kind="stable")
    bounds = np.searchsorted(pick[order], np.arange(len(templates) + 1))
    filled = [pl.Series([], dtype=pl.String)]
    for row, template in enumerate(templates):
        mine = order[bounds[row] : bounds[row + 1]]
        if len(mine):
            filled.append(_fill_one(template, mine, words))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return pl.concat(filled).gather(place)


def join_sentences(sentences: Sequence[pl.Series]) -> pl.Series:
    """Return the sentences of each row as one text, single spaces between, '' ones left out."""
    frame = pl.DataFrame({str(place): column for place, column in enumerate(sentences)})
    spaced = [
        pl.when((pl.col(name) == "") | (pl.lit(place) == 0))
        .then(pl.col(name))
        .otherwise(pl.concat_str(pl.lit(" "), pl.col(name)))
        for place, name in enumerate(frame.columns)
    ]
    return frame.select(pl.concat_str(spaced).str.strip_chars_start()).to_series()


def _fill_one(template: str, rows: Rows, words: Words) -> pl.Series:
    pieces = _SLOT.split(template)  # literal, slot, literal, slot, ..., literal
    columns = {
        str(place): words.say(piece, rows) for place, piece in enumerate(pieces) if place % 2 == 1
    }
    if not columns:
        return pl.repeat(template, len(rows), dtype=pl.String, eager=True)
    parts = [
        pl.col(str(place)) if place % 2 else pl.lit(piece) for place, piece in enumerate(pieces)
    ]
    return pl.DataFrame(columns).select(pl.concat_str(parts)).to_series()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
