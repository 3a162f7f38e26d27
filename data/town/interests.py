"""Which narrow interests the synthetic town knows, and the words of each: `interests.tsv`, read."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources

import numpy as np

from engine.errors import DataError
from engine.types import Rows

TERMS = 10
"""Terms of every interest; one number for all lets a term be found by arithmetic."""

SMALL_WORDS = frozenset({"and", "the", "of", "to", "for", "in"})


@dataclass(frozen=True, slots=True)
class Interest:
    """One narrow interest.

    Attributes:
        area: The broad area it lies in, such as "food and drink".
        name: What it is called, in full: "go the board game".
        terms: Ten words or short phrases a fan would use; each plural, a mass or a name, so
            that it stands in a sentence without an article.
        doing: What a fan does: "baking sourdough".
        fans: What fans are called: "bakers".
        short: What it is called in a sentence or the name of a group: "go".
    """

    area: str
    name: str
    terms: tuple[str, ...]
    doing: str
    fans: str
    short: str


@dataclass(frozen=True)
class Vocabulary:
    """The interests in use in one town. An interest is known by its row in ``interests``."""

    interests: tuple[Interest, ...]

    @cached_property
    def areas(self) -> tuple[str, ...]:
        """The broad areas, sorted."""
        return tuple(sorted({interest.area for interest in self.interests}))

    @cached_property
    def area_of(self) -> Rows:
        """The position in ``areas`` of each interest's area, of shape (interests,)."""
        position = {area: row for row, area in enumerate(self.areas)}
        return np.array([position[interest.area] for interest in self.interests], dtype=np.int64)


@cache
def read_interests() -> tuple[Interest, ...]:
    """Return every interest that ships with the package, in the order of its file.

    Raises:
        DataError: A line has another number of terms or forms than this module reads.
    """
    text = resources.files("data.town").joinpath("interests.tsv").read_text("utf-8")
    return tuple(_interest(row) for row in csv.DictReader(text.splitlines(), delimiter="\t"))


def draw_vocabulary(rng: np.random.Generator, count: int) -> Vocabulary:
    """Return ``count`` of the interests (all, if there are fewer), in the order of the file."""
    known = read_interests()
    chosen = np.sort(rng.permutation(len(known))[:count])
    return Vocabulary(tuple(known[row] for row in chosen))


def title_case(text: str) -> str:
    """Return text as it would stand in a name: "go and chess" becomes "Go and Chess"."""
    return " ".join(
        word if word in SMALL_WORDS and place else word[:1].upper() + word[1:]
        for place, word in enumerate(text.split(" "))
    )


def _interest(row: dict[str, str]) -> Interest:
    terms = tuple(row["terms"].split("|"))
    forms = row["forms"].split("|")
    if len(terms) != TERMS or len(forms) not in (2, 3):
        raise DataError(
            f"interests.tsv: expected {TERMS} terms and two or three forms for "
            f"'{row['interest']}', found {len(terms)} and {len(forms)}; mend that line"
        )
    short = forms[2] if len(forms) == 3 else row["interest"]
    return Interest(row["area"], row["interest"], terms, forms[0], forms[1], short)
