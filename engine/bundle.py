"""The versioned artifact that training writes and serving reads.

    <bundles>/<community>/<version>/
        manifest.json       format, fingerprint, watermark, sizes, settings, metrics, checksums
        <column>.npy        one file for each array of the snapshot, named like its field
        members.faiss       graphs over interests and prototypes; absent where all are compared
        groups.faiss
        ranker/             ranker.json, and .onnx for boosted trees
        introductions/      introductions.json, likewise, and what is known of members beforehand
        encoder/            model.onnx, tokenizer.json, encoder.json

A bundle is written beside its place, synced, then renamed: it is there whole or not at all. It is
loaded whole or refused, naming the file. There are no pickles in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.array_file import mapped_array
from engine.encoder import Encoder, OnnxEncoder
from engine.errors import BundleError
from engine.group_ranker import GroupRanker
from engine.index import VectorIndex
from engine.introduction_ranker import IntroductionRanker
from engine.manifest import MANIFEST, Manifest, read_manifest
from engine.snapshot import Snapshot, from_arrays, to_arrays
from engine.soundness import check_snapshot

MAPPED_FROM = 1 << 20
"""Bytes from which a column is mapped instead of read."""

ENCODER = "encoder"
"""The folder of the encoder's export."""

INTRODUCTIONS = "introductions"
"""The folder of what orders people."""

PARTIAL = ".partial"
OPENED = frozenset({".npy", ".faiss", ".onnx", ".json"})
"""Endings of the files that are opened, each of which the manifest must vouch for."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle in memory, ready to answer.

    Attributes:
        manifest: What is known of it.
        snapshot: The community, mapped from disk.
        members: Index over members' interests.
        groups: Index over groups' prototypes.
        encoder: Turns texts into vectors of the same space.
        ranker: What orders groups.
        introductions: What orders people.
    """

    manifest: Manifest
    snapshot: Snapshot
    members: VectorIndex
    groups: VectorIndex
    encoder: Encoder
    ranker: GroupRanker
    introductions: IntroductionRanker = field(default_factory=IntroductionRanker)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a bundle is made of."""

    manifest: Manifest
    snapshot: Snapshot
    members: VectorIndex
    groups: VectorIndex
    encoder_folder: Path
    ranker: GroupRanker = field(default_factory=GroupRanker)
    introductions: IntroductionRanker = field(default_factory=IntroductionRanker)


def save_bundle(draft: Draft, community_folder: Path) -> Manifest:
    """Write a bundle into `community_folder`/version, all of it or nothing.

    Returns:
        The manifest as written, with checksums.

    Raises:
        BundleError: It could not be written; what was there before is untouched.
    """
    target = community_folder / draft.manifest.version
    beside = community_folder / f".{target.name}.{uuid.uuid4().hex[:8]}{PARTIAL}"
    try:
        if target.exists():
            raise BundleError(f"{target} is there already: a bundle is never overwritten")
        _sweep(community_folder)
        with _folder_in_progress(beside):
            _write_files(draft, beside)
            _check_written(beside)
            manifest = Manifest(**{**asdict(draft.manifest), "files": _seal(beside)})
            text = json.dumps(asdict(manifest), indent=2, ensure_ascii=False)
            (beside / MANIFEST).write_text(text, "utf-8")
            _sync(beside / MANIFEST)
            _sync(beside / ENCODER)
            _sync(beside / "ranker")
            _sync(beside / INTRODUCTIONS)
            _sync(beside)
            beside.rename(target)
        _sync(community_folder)
    except OSError as error:
        raise BundleError(
            f"the bundle could not be written to {community_folder} ({error.strerror or error}): "
            "nothing has changed, free some space or mend the rights and train again"
        ) from error
    return manifest


def load_bundle(folder: Path, threads: int = 1, encoder: Encoder | None = None) -> Bundle:
    """Open a bundle after checking every file in it.

    Args:
        folder: `<bundles>/<community>/<version>`.
        threads: Threads for encoding a text.
        encoder: One that is open already and was made of files with the same checksums: it is
            shared then. None opens the bundle's.

    Raises:
        BundleError: It is absent, damaged, incomplete or of a newer format; the file is named.
    """
    manifest = read_manifest(folder)
    for name, known in manifest.files.items():
        _check_file(folder, name, known)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix in OPENED and name != MANIFEST and name not in manifest.files:
            raise BundleError(f"{path} is not in the manifest: train again or roll back")
    snapshot = _open_columns(folder)
    check_snapshot(snapshot)
    members, groups = _open_indexes(snapshot, folder)
    encoder = encoder or OnnxEncoder.load(folder / ENCODER, threads)
    dimensions = snapshot.members.interests.vectors.shape[1]
    if encoder.dimension != dimensions:
        raise BundleError(
            f"{folder / ENCODER} gives {encoder.dimension} dimensions, the bundle's vectors "
            f"have {dimensions}: train again or roll back"
        )
    ranker = GroupRanker.load(folder / "ranker")
    if len(ranker.seldom) not in (0, len(snapshot.groups.ids)):
        raise BundleError(
            f"{folder / 'ranker' / 'seldom.npy'} is of {len(ranker.seldom)} groups, the bundle has "
            f"{len(snapshot.groups.ids)}: train again or roll back"
        )
    introductions = IntroductionRanker.load(folder / INTRODUCTIONS)
    sizes = len(snapshot.members.ids), len(snapshot.groups.ids)
    if not introductions.acquaintance.fits(*sizes):
        raise BundleError(
            f"{folder / INTRODUCTIONS} is of other members or groups than the bundle: train again "
            "or roll back"
        )
    return Bundle(manifest, snapshot, members, groups, encoder, ranker, introductions)


def load_encoder(folder: Path, threads: int = 1) -> Encoder:
    """Open nothing of a bundle but its encoder, after checking the encoder's files.

    Args:
        folder: `<bundles>/<community>/<version>`.
        threads: Threads for encoding a text.

    Raises:
        BundleError: It is absent, damaged, incomplete or of a newer format; the file is named.
    """
    for name, known in read_manifest(folder).files.items():
        if name.startswith(f"{ENCODER}/"):
            _check_file(folder, name, known)
    return OnnxEncoder.load(folder / ENCODER, threads)


class _Arrays(dict[str, Any]):
    """The columns of a bundle, mapped when asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __missing__(self, name: str) -> Any:  # noqa: ANN401
        path = self._folder / f"{name}.npy"
        try:
            mapped: NDArray[Any] = mapped_array(path)
            # Each mapped file keeps a descriptor open, of which a process has about a thousand:
            # only files large enough to be worth sharing between workers stay mapped.
            if path.stat().st_size < MAPPED_FROM:
                mapped = np.array(mapped)
                mapped.setflags(write=False)
        except (OSError, ValueError) as error:
            raise BundleError(f"{path} is no readable column ({error}): train again") from error
        # A plain view is several times quicker to slice than numpy's memmap class.
        return np.asarray(mapped)


def _open_columns(folder: Path) -> Snapshot:
    snapshot: Snapshot = from_arrays(Snapshot, _Arrays(folder))
    return snapshot


def _open_indexes(snapshot: Snapshot, folder: Path) -> tuple[VectorIndex, VectorIndex]:
    interests, prototypes = snapshot.members.interests.vectors, snapshot.groups.prototypes.vectors
    members = VectorIndex.load(interests, folder / "members.faiss")
    return members, VectorIndex.load(prototypes, folder / "groups.faiss")


def _check_written(folder: Path) -> None:
    """Open what was written: numpy and faiss overlook a disk that fills as a file's end is due."""
    try:
        _open_indexes(_open_columns(folder), folder)
    except BundleError as error:
        raise OSError(f"it cannot be read back: {error}") from error


def _write_files(draft: Draft, folder: Path) -> None:
    for name, array in to_arrays(draft.snapshot):
        np.save(folder / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)
    try:
        draft.members.save(folder / "members.faiss")
        draft.groups.save(folder / "groups.faiss")
    except RuntimeError as error:  # faiss has no other word for a full disk
        raise OSError(str(error)) from error
    draft.ranker.save(folder / "ranker")
    draft.introductions.save(folder / INTRODUCTIONS)
    shutil.copytree(draft.encoder_folder, folder / ENCODER)


def _seal(folder: Path) -> dict[str, dict[str, Any]]:
    """Sync every file and return their checksums."""
    files: dict[str, dict[str, Any]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        _sync(path)
        name = path.relative_to(folder).as_posix()
        files[name] = {"sha256": _checksum(path), "bytes": path.stat().st_size}
    return files


def _check_file(folder: Path, name: str, known: dict[str, Any]) -> None:
    path = folder / name
    try:
        same = path.stat().st_size == known["bytes"] and _checksum(path) == known["sha256"]
    except FileNotFoundError:
        raise BundleError(f"{path} is missing: restore it, train again or roll back") from None
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} cannot be read ({error}): mend that or roll back") from error
    if not same:
        raise BundleError(f"{path} does not match its checksum: train again or roll back")


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _folder_in_progress(folder: Path) -> Iterator[None]:
    """Make a folder, and remove it again if what happens in it fails or is interrupted."""
    folder.mkdir(parents=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _sweep(community_folder: Path) -> None:
    """Remove what a killed run left more than a day ago; a younger one may be another's work."""
    import time

    for path in community_folder.glob(f".*{PARTIAL}"):
        with suppress(OSError):  # another run may have just removed or renamed it
            age_s = time.time() - path.stat().st_mtime
            if age_s > 86_400:
                shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
