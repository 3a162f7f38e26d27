"""Which bundles there are, which one is current, and how that changes in one step.

`<bundles>/<community>/current` names the promoted version and those promoted before it. It is
replaced by a rename, so a reader sees the old one or the new one. Beside it, `promotions.jsonl`
has a line for each promotion that passed the gate or was forced through it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.errors import BundleError, UnknownError
from engine.json_file import json_object, names_in, part_of
from engine.manifest import Manifest, read_manifest

CURRENT = "current"
PROMOTIONS = "promotions.jsonl"
DISCARDED = ".discarded"
"""Ending of a hidden folder that is on its way out; nothing in it is ever read."""
REMEMBERED = 50
"""Promotions that can be undone."""

LONGEST_NAME = 255
"""Bytes of UTF-8 that a folder's name may have."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A version in the registry; `manifest` is None and `problem` says why if it is unreadable."""

    version: str
    current: bool
    manifest: Manifest | None
    problem: str


@dataclass(frozen=True, slots=True)
class Promotion:
    """What is recorded of a promotion.

    Attributes:
        version: What was promoted, as it was called then: an erasure gives it another name.
        at: When, ISO 8601 in UTC.
        forced: Whether it was promoted although the gate refused it.
        checks: What the gate compared: name, current, new, margin, passed. None for a first one.
    """

    version: str
    at: str
    forced: bool
    checks: tuple[dict[str, Any], ...] = ()


class Registry:
    """The bundles of all communities in one folder."""

    def __init__(self, bundles: Path) -> None:
        self.bundles = bundles

    def communities(self) -> list[str]:
        """Return the communities that have a current bundle, in order of name."""
        if not self.bundles.is_dir():
            return []
        return sorted(path.parent.name for path in self.bundles.glob(f"*/{CURRENT}"))

    def only_community(self) -> str:
        """Return the one community there is.

        Raises:
            UnknownError: There is none, or more than one.
        """
        names = self.communities()
        if not names:
            raise UnknownError(f"{self.bundles} holds no current bundle: run belong train first")
        if len(names) > 1:
            raise UnknownError(
                f"{self.bundles} holds several communities ({', '.join(names)}): "
                "name one with --community"
            )
        return names[0]

    def folder(self, community: str) -> Path:
        """Return where a community's bundles lie.

        Raises:
            UnknownError: The name cannot be that of a folder in here.
        """
        # A name from a URL must never lead out of the bundles folder.
        if not _is_folder_name(community):
            raise UnknownError(f"no community is called {community!r}")
        return self.bundles / community

    def current(self, community: str) -> Path:
        """Return the folder of the current bundle.

        Raises:
            UnknownError: The community has none.
        """
        history = self._history(community)
        if not history:
            raise UnknownError(f"no community called {community!r} has a bundle in {self.bundles}")
        return self.folder(community) / history[-1]

    def versions(self, community: str) -> list[Listed]:
        """Return all versions, oldest first."""
        try:
            current = next(iter(self._history(community)[-1:]), None)
        except BundleError:
            current = None
        listed = []
        for version in self._folders(community):
            try:
                manifest, problem = read_manifest(self.folder(community) / version), ""
            except BundleError as error:
                manifest, problem = None, str(error)
            listed.append(Listed(version, version == current, manifest, problem))
        return listed

    def history(self, community: str) -> list[str]:
        """Return the versions promoted, the current one last; none for an unknown community.

        Raises:
            BundleError: The file that names them cannot be read.
        """
        return self._history(community)

    def promote(self, community: str, version: str, record: Promotion | None = None) -> None:
        """Make a version current.

        Args:
            community: Whose.
            version: Which.
            record: What to keep of it in `promotions.jsonl`; it is written first, so that no
                forced promotion goes unrecorded.

        Raises:
            UnknownError: There is no such version.
            BundleError: It cannot be read, or nothing could be written.
        """
        known = [listed.version for listed in self.versions(community)]
        if version not in known:
            raise UnknownError(f"{community!r} has no version {version!r}, but {known or 'none'}")
        with self._changing(community):
            read_manifest(self.folder(community) / version)
            try:
                history = self._history(community)
            except BundleError:
                history = []  # promoting is how a damaged file is mended
            if record is not None:
                self._record(community, record)
            if history[-1:] != [version]:
                self._write(community, [*history, version])

    def promotions(self, community: str) -> list[Promotion]:
        """Return what is recorded of promotions, oldest first; a torn line is passed over."""
        path = self.folder(community) / PROMOTIONS
        try:
            lines = path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise BundleError(f"{path} cannot be read ({error}): mend its rights") from error
        found = (_promotion_of(line) for line in lines)
        return [promotion for promotion in found if promotion is not None]

    def roll_back(self, community: str) -> str:
        """Make the version promoted before the current one current again, and return it.

        Raises:
            UnknownError: Nothing was promoted before that is still there.
        """
        if not self._history(community):
            raise UnknownError(f"{community!r} has no earlier version to go back to")
        with self._changing(community):
            history = self._history(community)[:-1]
            while history and not self._is_readable(community, history[-1]):
                history.pop()
            if not history:
                raise UnknownError(f"{community!r} has no earlier version to go back to")
            self._write(community, history)
            return history[-1]

    def replace_version(self, community: str, old: str, new: str) -> None:
        """Put a version in the place of another wherever it was promoted, in one step.

        A version that was never promoted changes nothing.

        Raises:
            BundleError: The new one cannot be read, or nothing could be written.
        """
        with self._changing(community):
            read_manifest(self.folder(community) / new)
            history = self._history(community)
            if old in history:
                self._write(community, [new if name == old else name for name in history])

    def discard(self, community: str, version: str) -> None:
        """Remove a version that is not promoted, at once and for good.

        A reader that has it open keeps it until it lets go.

        Raises:
            UnknownError: There is no such version.
            BundleError: It is promoted, or could not be removed.
        """
        if not (_is_folder_name(version) and (self.folder(community) / version).is_dir()):
            raise UnknownError(f"{community!r} has no version {version!r}")
        with self._changing(community):
            if version in self._history(community):
                raise BundleError(f"{version} of {community!r} is promoted: it cannot be removed")
            folder = self.folder(community)
            aside = folder / f".{version}.{uuid.uuid4().hex[:8]}{DISCARDED}"
            try:
                # Half a bundle must never be listed, whenever this is interrupted.
                (folder / version).rename(aside)
                shutil.rmtree(aside)
            except OSError as error:
                raise BundleError(f"{folder / version} could not be removed ({error})") from error

    def remove(self, community: str, version: str) -> None:
        """Remove a version that is not current, readable or not; it cannot be gone back to.

        Raises:
            UnknownError: There is no such version.
            BundleError: It is current, or could not be removed.
        """
        if version not in self._folders(community):
            raise UnknownError(f"{community!r} has no version {version!r}")
        with self._changing(community):
            try:
                history = self._history(community)
            except BundleError:
                history = []  # the file is damaged: nothing is current
            if history[-1:] == [version]:
                raise BundleError(
                    f"{version} is what {community!r} is served from: promote another, or roll "
                    "back, then remove it"
                )
            if version in history:
                self._write(community, [name for name in history if name != version])
        self.discard(community, version)

    def _folders(self, community: str) -> list[str]:
        """Return the names of the versions, oldest first, whatever is in them."""
        folder = self.folder(community)
        try:
            there = sorted(path.name for path in folder.iterdir() if path.is_dir())
        except FileNotFoundError:
            return []
        # A hidden one is being written or removed.
        return [name for name in there if not name.startswith(".")]

    def _is_readable(self, community: str, version: str) -> bool:
        try:
            read_manifest(self.folder(community) / version)
        except BundleError:
            return False
        return True

    def _history(self, community: str) -> list[str]:
        path = self.folder(community) / CURRENT
        try:
            history = names_in(json_object(path.read_bytes()), "promoted")
            if not all(_is_folder_name(version) for version in history):
                raise ValueError("a version in it is no name of a folder")
            return list(history)
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise BundleError(
                f"{path} cannot be read ({error}): promote a version again"
            ) from error

    @contextmanager
    def _changing(self, community: str) -> Iterator[None]:
        """Let one process at a time change what is current."""
        folder = os.open(self.folder(community), os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _record(self, community: str, record: Promotion) -> None:
        path = self.folder(community) / PROMOTIONS
        line = json.dumps(asdict(record), ensure_ascii=False)
        try:
            with path.open("a+b") as file:
                if file.tell():
                    file.seek(-1, os.SEEK_END)
                    # What a killed writer left of a line must not spoil this one.
                    line = line if file.read(1) == b"\n" else f"\n{line}"
                file.write(f"{line}\n".encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise BundleError(f"{path} could not be written ({error}): nothing changed") from error

    def _write(self, community: str, history: list[str]) -> None:
        path = self.folder(community) / CURRENT
        beside = path.with_name(f".{CURRENT}.{uuid.uuid4().hex[:8]}")
        text = json.dumps({"promoted": history[-REMEMBERED:]}, indent=2)
        try:
            with beside.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError as error:
            raise BundleError(f"{path} could not be written ({error}): nothing changed") from error
        finally:
            beside.unlink(missing_ok=True)
        _sync(path.parent)


def _promotion_of(line: bytes) -> Promotion | None:
    try:
        told = json_object(line)
        checks = part_of(told, "checks", list)
        return Promotion(
            part_of(told, "version", str),
            part_of(told, "at", str),
            part_of(told, "forced", bool),
            tuple(part_of({"check": check}, "check", dict) for check in checks),
        )
    except ValueError:
        return None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_folder_name(name: str) -> bool:
    """Return whether a folder in here can have this name, on any file system in use."""
    odd = name in {"", ".", ".."} or any(sign in name for sign in "/\\\0")
    # A lone surrogate cannot be written as UTF-8, so its "?" differs from it.
    encoded = name.encode("utf-8", "replace")
    return not odd and encoded.decode("utf-8") == name and len(encoded) <= LONGEST_NAME
