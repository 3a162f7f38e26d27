"""Vectors of texts already embedded, on disk: each text is embedded once, ever.

A cache holds the vectors of one encoder (its fingerprint names the folder) as immutable segments,
each written beside and renamed, so that an interrupted run keeps all but its last few seconds.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engine.encoder import MAX_CHARACTERS
from engine.errors import SettingError
from engine.types import UNIT_TOLERANCE, BoolVector, Matrix

log = logging.getLogger(__name__)

BEING_WRITTEN_S = 60.0
"""Age from which a file that is being written is taken to be a killed run's."""

Keys = NDArray[np.uint64]
"""Keys of texts: uint64 of shape (n, 2), the halves of a 128-bit hash."""


def read_of(text: str) -> str:
    """Return what is embedded of a text, and so what its key is made of."""
    return text[:MAX_CHARACTERS].strip()


def keys_of(texts: Sequence[str]) -> Keys:
    """Return the keys of texts, shape (n, 2); only equal texts have equal keys.

    >>> keys = keys_of(["rye", "oats", "rye"])
    >>> (keys[0] == keys[2]).all(), (keys[0] == keys[1]).all()
    (np.True_, np.False_)
    """
    digests = b"".join(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        for text in texts
    )
    return np.frombuffer(digests, dtype="<u8").reshape(-1, 2)


class VectorCache:
    """The vectors of one encoder's texts in one folder."""

    def __init__(self, folder: Path, fingerprint: str, dimension: int) -> None:
        self.folder = folder / fingerprint
        self.dimension = dimension
        self._record = np.dtype([("key", "<u8", 2), ("vector", "<f4", (dimension,))])

    def find(self, keys: Keys) -> tuple[BoolVector, Matrix]:
        """Return which of distinct keys are known, shape (n,), and their vectors, shape (n, d).

        Rows of unknown keys are zero. A segment that is damaged is removed and logged: its texts
        count as unknown and are embedded again.
        """
        found = np.zeros(len(keys), dtype=bool)
        vectors = np.zeros((len(keys), self.dimension), dtype=np.float32)
        if not len(keys):
            return found, vectors
        order = np.argsort(keys[:, 0])
        wanted = keys[order]
        for path in sorted(self.folder.glob("*.npy")):
            segment = self._open(path)
            if segment is None:
                continue
            held = np.ascontiguousarray(segment["key"])
            place = np.searchsorted(wanted[:, 0], held[:, 0]).clip(max=len(wanted) - 1)
            hit = np.flatnonzero((wanted[place] == held).all(axis=1))
            block = np.ascontiguousarray(segment["vector"][hit])
            if not _are_unit(block):
                self._discard(path, "it holds vectors that are not of unit length")
                continue
            rows = order[place[hit]]
            found[rows] = True
            vectors[rows] = block
        return found, vectors

    def add(self, keys: Keys, vectors: Matrix) -> None:
        """Keep vectors, shape (n, d), under their keys, shape (n, 2): all of them or none.

        Raises:
            SettingError: They cannot be written where the cache is.
        """
        if not len(keys):
            return
        segment = np.empty(len(keys), dtype=self._record)
        segment["key"], segment["vector"] = keys, vectors
        try:
            self._write(segment)
        except OSError as error:
            raise SettingError(
                f"vectors cannot be kept in {self.folder} ({error.strerror or error}): "
                "free some space, or name another folder with --cache"
            ) from error

    @classmethod
    def all_in(cls, folder: Path) -> list[Self]:
        """Return the caches of all encoders that have a vector in a folder."""
        caches: list[Self] = []
        for path in sorted(folder.glob("*/*.npy")):
            if caches and caches[-1].folder == path.parent:
                continue
            try:
                held = np.load(path, mmap_mode="r", allow_pickle=False).dtype["vector"]
                caches.append(cls(folder, path.parent.name, int(held.shape[0])))
            except Exception as error:  # as in `_open`; the next segment may say the dimension
                log.warning("cached vectors in %s are damaged (%s): removed", path.name, error)
                path.unlink(missing_ok=True)
        return caches

    def keep_only(self, texts: Sequence[str]) -> int:
        """Remove the vectors of all other texts, and what killed runs left; return how many.

        Segments are rewritten one by one, each in one step. Interrupted, it removes the rest when
        it is run again.

        Raises:
            SettingError: The cache cannot be written.
        """
        wanted = keys_of([read_of(text) for text in texts])
        count = 0
        try:
            self._sweep()
            for path in sorted(self.folder.glob("*.npy")):
                segment = self._open(path)
                if segment is None:
                    continue
                keep = _among(np.ascontiguousarray(segment["key"]), wanted)
                if keep.any() and not keep.all():
                    self._write(segment[keep], path.stem)
                elif not keep.any():
                    path.unlink(missing_ok=True)
                count += int((~keep).sum())
        except OSError as error:
            raise SettingError(
                f"vectors cannot be removed from {self.folder} ({error.strerror or error}): "
                "mend that and run it again"
            ) from error
        return count

    def _sweep(self) -> None:
        for path in self.folder.glob(".*.partial"):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > BEING_WRITTEN_S:
                    path.unlink()

    def _write(self, segment: NDArray[np.void], name: str | None = None) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        beside = self.folder / f".{uuid.uuid4().hex}.partial"
        try:
            with beside.open("wb") as file:
                header = np.lib.format.header_data_from_array_1_0(segment)
                np.lib.format.write_array_header_1_0(file, header)
                # np.save would not notice that the disk is full when it writes the last bytes.
                file.write(segment.tobytes())
                file.flush()
                os.fsync(file.fileno())
            beside.rename(self.folder / f"{name or uuid.uuid4().hex}.npy")
        finally:
            # What cannot be made cannot be removed either; the first error is the one to tell.
            with suppress(OSError):
                beside.unlink(missing_ok=True)

    def _open(self, path: Path) -> NDArray[np.void] | None:
        try:
            segment: NDArray[np.void] = np.load(path, mmap_mode="r", allow_pickle=False)
        except Exception as error:  # numpy raises whatever a damaged header makes it stumble over
            self._discard(path, str(error))
            return None
        if segment.dtype != self._record:
            self._discard(path, f"it holds {segment.dtype}")
            return None
        return segment

    def _discard(self, path: Path, why: str) -> None:
        log.warning("cached vectors in %s are damaged (%s): embedding them again", path.name, why)
        path.unlink(missing_ok=True)


def _among(keys: Keys, wanted: Keys) -> BoolVector:
    """Return which keys are among others, shape (n,)."""
    known = {(high, low) for high, low in wanted.tolist()}
    likely = np.flatnonzero(np.isin(keys[:, 0], wanted[:, 0]))
    found = np.zeros(len(keys), dtype=bool)
    found[likely] = [tuple(key) in known for key in keys[likely].tolist()]
    return found


def _are_unit(vectors: Matrix) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):  # damaged numbers may be of any size
        return bool((np.abs(np.linalg.norm(vectors, axis=1) - 1) < UNIT_TOLERANCE).all())
