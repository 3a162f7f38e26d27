"""Texts -> unit vectors, each text once ever, with progress and nothing lost when interrupted."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from engine.encoder import Encoder
from engine.types import Matrix
from training.progress import SILENT, Progress
from training.vector_cache import VectorCache, keys_of, read_of

CHUNK = 256
"""Texts handed to the encoder at a time: often enough to show progress and to stop on Ctrl-C."""

KEEP_EVERY_S = 20.0
"""How much work an interruption may cost at most, beyond the chunk at hand."""


def embed(
    texts: Sequence[str], encoder: Encoder, cache: VectorCache, progress: Progress = SILENT
) -> Matrix:
    """Return unit vectors of shape (n, d), in the order of the texts; a blank text's row is zero.

    Texts of a similar length are encoded together. What was encoded before an interruption
    stays in the cache.
    """
    cut = [read_of(text) for text in texts]
    keys, first, inverse = np.unique(
        keys_of(cut).reshape(-1, 2), axis=0, return_index=True, return_inverse=True
    )
    found, vectors = cache.find(keys)
    blank = np.fromiter((not cut[row] for row in first), dtype=bool, count=len(first))
    missing = np.flatnonzero(~found & ~blank)
    missing = missing[np.argsort([len(cut[first[i]]) for i in missing], kind="stable")]
    if len(missing):
        fresh = [cut[first[i]] for i in missing]
        vectors[missing] = _encode_and_keep(fresh, encoder, cache, progress)
    vectors[blank] = 0
    return vectors[inverse.ravel()]


def _encode_and_keep(
    texts: list[str], encoder: Encoder, cache: VectorCache, progress: Progress
) -> Matrix:
    keys = keys_of(texts)
    vectors = np.empty((len(texts), encoder.dimension), dtype=np.float32)
    kept, done, last = 0, 0, time.monotonic()
    try:
        with progress.task("embed", len(texts)) as advance:
            while done < len(texts):
                end = min(done + CHUNK, len(texts))
                vectors[done:end] = encoder.encode(texts[done:end])
                advance(end - done)
                done = end
                if time.monotonic() - last > KEEP_EVERY_S:
                    cache.add(keys[kept:done], vectors[kept:done])
                    kept, last = done, time.monotonic()
    finally:
        cache.add(keys[kept:done], vectors[kept:done])
    return vectors
