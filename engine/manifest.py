"""What is known of a bundle without opening it: its manifest, read strictly.

A manifest is the one file that nothing else vouches for. So every field must be there and of its
type, and no file it names may lie outside of the bundle.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from engine.errors import BundleError
from engine.json_file import json_object, number_in, only, part_of

FORMAT = 4
"""The format this version writes, and the only one it reads.

2 added behaviour and a ranker; 3 what members mute, and the names of languages and places;
4 what members seek and offer, whom they answered, and posts that may still be answered.
"""

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of a bundle without opening it.

    Attributes:
        format: Version of the layout.
        community: The community's name.
        version: The bundle's name among its community's.
        fingerprint: Hash of inputs and settings: equal for equal work.
        created_at: When it was made, ISO 8601 in UTC.
        watermark: Sequence number of the last change it contains, 0 for a folder.
        window: First and last second of the data, null if undated.
        sizes: How many members, groups, memberships and so on.
        settings: What it was trained with.
        libraries: Versions of what computed it.
        metrics: What evaluation said of it, if it was evaluated.
        files: For each file, its SHA-256 and size in bytes.
    """

    format: int
    community: str
    version: str
    fingerprint: str
    created_at: str
    watermark: int
    window: tuple[float | None, float | None]
    sizes: dict[str, int]
    settings: dict[str, Any]
    libraries: dict[str, str]
    metrics: dict[str, Any] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)


def read_manifest(folder: Path) -> Manifest:
    """Read what is known of a bundle.

    Raises:
        BundleError: There is none, it cannot be read, or it is of a newer format.
    """
    path = folder / MANIFEST
    try:
        told = json_object(path.read_bytes())
        written = part_of(told, "format", int)
        if written != FORMAT:
            raise BundleError(
                f"{path} is of format {str(written)[:20]}, this version reads {FORMAT}: "
                f"{'update Belong' if written > FORMAT else 'train again'}"
            )
        return _manifest(told)
    except FileNotFoundError as error:
        raise BundleError(f"{folder} holds no bundle: {MANIFEST} is missing") from error
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} cannot be read ({error}): train again or roll back") from error


def _manifest(told: dict[str, Any]) -> Manifest:
    only(told, [one.name for one in fields(Manifest)])
    datetime.fromisoformat(part_of(told, "created_at", str))
    sizes, watermark = part_of(told, "sizes", dict), part_of(told, "watermark", int)
    if watermark < 0:
        raise ValueError("'watermark' is less than 0")
    return Manifest(
        format=FORMAT,
        community=_text(told, "community"),
        version=_text(told, "version"),
        fingerprint=_text(told, "fingerprint"),
        created_at=_text(told, "created_at"),
        watermark=watermark,
        window=_window(told),
        sizes={name: part_of(sizes, name, int) for name in sizes},
        settings=part_of(told, "settings", dict),
        libraries=part_of(told, "libraries", dict),
        metrics=part_of(told, "metrics", dict),
        files=_files(part_of(told, "files", dict)),
    )


def _text(told: dict[str, Any], name: str) -> str:
    found: str = part_of(told, name, str)
    found.encode()  # a half character can be neither shown nor stored; ValueError
    return found


def _window(told: dict[str, Any]) -> tuple[float | None, float | None]:
    ends = part_of(told, "window", list)
    if len(ends) != 2:
        raise ValueError("'window' is not a first and a last second")
    first, last = (None if one is None else number_in({"window": one}, "window") for one in ends)
    return first, last


def _files(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = {}
    for name in told:
        path = PurePosixPath(name)
        if "\0" in name or not name or path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{name[:80]!r} is no file of a bundle")
        known = part_of(told, name, dict)
        checksum, size = part_of(known, "sha256", str), part_of(known, "bytes", int)
        found[name] = {"sha256": checksum, "bytes": size}
    return found
