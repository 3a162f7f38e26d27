"""What is known of a community's bundle without opening it, and how much memory it will take."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.bundle import ENCODER, MAPPED_FROM
from engine.manifest import Manifest, read_manifest

BESIDE = 1 << 19
"""Bytes a community takes beside its files: policies, stages, tables of rows."""

ENCODER_FACTOR = 1.3
"""How much an open encoder takes for each byte of its files, as measured."""

A_CHANGE = 6_000
"""Bytes counted for each member, group and post that is known better than by the bundle."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A promoted bundle, by its manifest.

    Attributes:
        name: Whose it is.
        folder: Where it lies.
        version: What it calls itself.
        watermark: The last entry of the log that it contains.
        created_ts: When it was made, unix seconds.
        members: Members in it.
        groups: Groups in it.
        encoder: Names the encoder by the checksums of its files; '' for none.
        size: Bytes it takes in memory, its encoder left out.
        encoder_size: Bytes its encoder takes, whoever shares it.
    """

    name: str
    folder: Path
    version: str = ""
    watermark: int = 0
    created_ts: float = 0.0
    members: int = 0
    groups: int = 0
    encoder: str = ""
    size: int = 0
    encoder_size: int = 0


def outline_of(name: str, folder: Path) -> Outline:
    """Return what a bundle's manifest tells.

    Args:
        name: The community's.
        folder: `<bundles>/<community>/<version>`.

    Raises:
        BundleError: It cannot be read.
    """
    manifest = read_manifest(folder)
    encoder = {file: known for file, known in manifest.files.items() if _is_of_encoder(file)}
    told = repr(sorted((file, known["sha256"]) for file, known in encoder.items()))
    return Outline(
        name=name,
        folder=folder,
        version=manifest.version,
        watermark=manifest.watermark,
        created_ts=datetime.fromisoformat(manifest.created_at).timestamp(),
        members=manifest.sizes.get("members", 0),
        groups=manifest.sizes.get("groups", 0),
        encoder=hashlib.sha256(told.encode()).hexdigest(),
        size=_size(manifest),
        encoder_size=int(ENCODER_FACTOR * sum(known["bytes"] for known in encoder.values())),
    )


def _size(manifest: Manifest) -> int:
    """Return the bytes of files, twice for those that are read and made into ids and terms."""
    sizes = [known["bytes"] for file, known in manifest.files.items() if not _is_of_encoder(file)]
    total: int = sum(sizes) + sum(size for size in sizes if size < MAPPED_FROM)
    return BESIDE + total


def _is_of_encoder(file: str) -> bool:
    return file.startswith(f"{ENCODER}/")
