"""Texts that nobody says any more, taken out of the caches of vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.newcomers import sentences_of
from training.vector_cache import VectorCache


def keep_only(vectors: Path, texts: Sequence[str]) -> int:
    """Remove all other texts from the caches of all encoders, and all other sentences.

    What was forgotten is not there to be named any more, nor are earlier versions of it: so the
    texts that are still said are named instead. Texts of communities that are in no store are
    embedded again when they are needed. A sentence is embedded by itself for those who are known
    by what they say alone.

    Args:
        vectors: The folder of caches, such as `<cache>/vectors`.
        texts: What is still said, as `training.texts.texts_of` composes it.

    Returns:
        How many vectors were removed.
    """
    parts = [part for text in texts for part in (text, *sentences_of(text))]
    return sum(cache.keep_only(parts) for cache in VectorCache.all_in(vectors))
