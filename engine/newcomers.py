"""Someone known by what they say -> interests, sentence by sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from engine.interests import Interests, find_interests
from engine.types import Matrix

MAX_SENTENCES = 12
"""Sentences of a newcomer's text that are looked at one by one."""

_SENTENCE = re.compile(r"(?<=[.!?…。！？])\s+|\n+")


def sentences_of(text: str) -> list[str]:
    """Return what is embedded of a text: its sentences, or all of it if it is but one.

    >>> sentences_of("I bake rye bread. I fix old radios. Yes.")
    ['I bake rye bread.', 'I fix old radios.']
    >>> sentences_of("  ")
    []
    """
    if not text.strip():
        return []
    parts = [part for part in _SENTENCE.split(text.strip()) if len(part.split()) > 2]
    return parts[:MAX_SENTENCES] if len(parts) > 1 else [text]


def interests_of(parts: Sequence[str], vectors: Matrix) -> Interests:
    """Return the interests of somebody who says these sentences; longer ones count more.

    Args:
        parts: What `sentences_of` returned.
        vectors: Their unit vectors, of shape (len(parts), d).
    """
    return find_interests(vectors, np.array([np.sqrt(len(part)) + 1 for part in parts]))


def interests_of_all(
    texts: Sequence[str], encode: Callable[[Sequence[str]], Matrix]
) -> list[Interests]:
    """Return the interests behind each text, all sentences encoded in one go."""
    parts = [sentences_of(text) for text in texts]
    vectors = encode([part for said in parts for part in said])
    ends = np.cumsum([len(said) for said in parts])
    return [
        interests_of(said, vectors[end - len(said) : end])
        for said, end in zip(parts, ends.tolist(), strict=True)
    ]
