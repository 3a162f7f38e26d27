"""Bundles and their store, copied while both are in use, checked, and put into an empty place.

    OUT/backup.json     when it was made, what is in it, a checksum for every file
    OUT/bundles/...     every version of every community, and which is current
    OUT/store.sqlite3   the store, whichever database it is in

The bundles are copied first: the log in the store then reaches at least as far as any bundle's
watermark, so that bundle and log together are the whole truth again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import NoneType
from typing import Any

from data.store.backup import back_up_store, put_back_store
from data.store.connect import Store
from engine.errors import BundleError, SettingError
from engine.json_file import json_object, number_in, part_of
from engine.manifest import MANIFEST
from engine.registry import CURRENT, PROMOTIONS, Registry

FORMAT = 1
CARD, STORE, BUNDLES = "backup.json", "store.sqlite3", "bundles"

TRIES = 20
"""Times a community is looked at again because one of its versions came or went meanwhile."""


AGAIN_S = 0.05
"""Seconds between two of these looks."""


@dataclass(frozen=True, slots=True)
class BackupCard:
    """What is known of a backup without opening it.

    Attributes:
        format: Version of the layout.
        made_ts: When it was begun, unix seconds.
        communities: The current version of each community.
        sequences: For each community in the store the last entry of its log; None without one.
        files: For each file, its SHA-256 and size in bytes.
    """

    format: int
    made_ts: float
    communities: dict[str, str]
    sequences: dict[str, int] | None
    files: dict[str, dict[str, Any]]


def make_backup(
    bundles: Path, store: Store | None, out: Path, now: float, *, link: bool = False
) -> BackupCard:
    """Write a backup into a new folder, all of it or nothing, while servers answer and train.

    Args:
        bundles: The folder of all bundles.
        store: The store, opened with patience; None if there is none.
        out: The new folder.
        now: Unix seconds.
        link: Share the files of bundles, which never change, with the bundles folder where the
            file system can: quick and small, but no protection from a broken disk.

    Raises:
        SettingError: `out` is there already.
        BundleError: A community's bundles cannot be copied.
        StoreUnavailableError: The store cannot be copied.
        OSError: `out` cannot be written.
    """
    if out.exists():
        raise SettingError(f"{out} is there already: a backup is never overwritten")
    beside = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.partial")
    beside.mkdir(parents=True, mode=0o700)
    try:
        registry = Registry(bundles)
        versions = {
            name: _copy_community(registry, name, beside / BUNDLES, link=link)
            for name in registry.communities()
        }
        sequences = None if store is None else back_up_store(store, beside / STORE, now)
        card = BackupCard(FORMAT, now, versions, sequences, checksums_of(beside))
        (beside / CARD).write_text(json.dumps(asdict(card), indent=2, ensure_ascii=False), "utf-8")
        _sync_tree(beside)
        beside.rename(out)
        _sync(out.parent)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return card


def read_card(source: Path) -> BackupCard:
    """Read what is known of a backup.

    Raises:
        SettingError: There is none, or it is of another format.
    """
    try:
        fields = json_object((source / CARD).read_bytes())
        written = part_of(fields, "format", int)
        if written != FORMAT:
            raise SettingError(f"{source} is of format {str(written)[:20]}, expected {FORMAT}")
        communities = part_of(fields, "communities", dict)
        sequences = part_of(fields, "sequences", dict, NoneType)
        return BackupCard(
            format=FORMAT,
            made_ts=number_in(fields, "made_ts"),
            communities={name: part_of(communities, name, str) for name in communities},
            sequences=sequences and {name: part_of(sequences, name, int) for name in sequences},
            files=part_of(fields, "files", dict),
        )
    except (OSError, ValueError) as error:
        raise SettingError(f"{source} holds no backup that can be read ({error})") from error


def restore_backup(source: Path, bundles: Path, address: str | Path) -> BackupCard:
    """Put a backup into an empty place, after checking every file of it.

    Args:
        source: What `make_backup` wrote; it stays as it is.
        bundles: The folder of all bundles: absent or empty.
        address: The store: absent or empty. It may be of the other kind.

    Returns:
        What was put back.

    Raises:
        SettingError: The place is not empty, or the backup is damaged; the file is named.
        StoreUnavailableError: The store cannot be written.
        OSError: The bundles cannot be written.
    """
    card = read_card(source)
    check_backup(source, card)
    # A name never leads out of either folder.
    folders = {name: Registry(source / BUNDLES).folder(name) for name in card.communities}
    lost = next((name for name, there in folders.items() if not there.is_dir()), None)
    if lost is not None:
        raise SettingError(f"{source} has no bundles of {lost!r}")
    bundles.mkdir(parents=True, exist_ok=True)
    if any(bundles.iterdir()):
        raise SettingError(f"{bundles} is not empty: restore into a new folder")
    if card.sequences is not None:
        put_back_store(source / STORE, address)
    for name, there in folders.items():
        shutil.copytree(there, Registry(bundles).folder(name))
    _sync_tree(bundles)
    return card


def check_backup(source: Path, card: BackupCard) -> None:
    """Check that every file of a backup is there and as it was written.

    Raises:
        SettingError: One is not; it is named.
    """
    linked = next((path for path in sorted(source.rglob("*")) if path.is_symlink()), None)
    if linked is not None:
        raise SettingError(f"{linked} leads elsewhere: a backup holds files and no links")
    found = checksums_of(source)
    found.pop(CARD, None)
    for name in sorted(card.files.keys() | found.keys()):
        if card.files.get(name) != found.get(name):
            raise SettingError(f"{source / name} is missing, new or not as it was written")


def _copy_community(registry: Registry, name: str, to: Path, *, link: bool) -> str:
    """Copy every version and return the current one, which is among them."""
    folder, target = registry.folder(name), to / name
    target.mkdir(parents=True)
    for _ in range(TRIES):
        # A version may be promoted, rewritten or removed at any moment; it is never changed.
        with suppress(FileNotFoundError, shutil.Error, BundleError):
            versions = _versions(folder)
            for version in versions - _versions(target):
                _copy_version(folder / version, target / version, link=link)
            for version in _versions(target) - versions:  # it holds somebody who was forgotten
                shutil.rmtree(target / version)
            shutil.copy2(folder / CURRENT, target / CURRENT)
            if (folder / PROMOTIONS).exists():
                shutil.copy2(folder / PROMOTIONS, target / PROMOTIONS)
            current = Registry(to).current(name)
            if (current / MANIFEST).exists():
                return current.name
        time.sleep(AGAIN_S)
    raise BundleError(f"the bundles of {name!r} change too often to be copied: try again")


def _versions(folder: Path) -> set[str]:
    found = (path.parent.name for path in folder.glob(f"*/{MANIFEST}"))
    return {name for name in found if not name.startswith(".")}


def _copy_version(version: Path, target: Path, *, link: bool) -> None:
    """Copy a version, or leave nothing of it."""
    try:
        shutil.copytree(version, target, copy_function=_link_or_copy if link else shutil.copy2)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)


def checksums_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the SHA-256 and the size of every file below a folder, as a card lists them."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = path.stat().st_size
        found[path.relative_to(folder).as_posix()] = {"sha256": digest, "bytes": size}
    return found


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def as_row(card: BackupCard) -> Mapping[str, Any]:
    """Return what to tell of a backup, without its files one by one."""
    size = sum(known["bytes"] for known in card.files.values())
    return {
        "communities": card.communities,
        "sequences": card.sequences,
        "files": len(card.files),
        "bytes": size,
    }
