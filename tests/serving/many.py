"""Many small communities in one folder, cheaply: one bundle, of which each has its own copy.

Each one's groups bear its number, so that an answer from another's bundle is seen. Files that are
alike are hard links.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

from engine.bundle import save_bundle
from engine.columns import Strings
from engine.manifest import MANIFEST
from engine.registry import Registry
from engine.snapshot import Snapshot
from tests.bundle_draft import VERSION, draft_of
from tests.serving.running import replace_file
from tests.world import world

WIDE = 900_000
"""Bytes of each community that are read into memory, besides some small columns."""

MARK = "###"
"""What stands for a community's number in the one they are copies of."""

MARKED = ("groups.ids.data.npy", "groups.names.data.npy")


def name_of(number: int) -> str:
    return f"c{number:03}"


def marked_world() -> Snapshot:
    """Return the world with marked groups, and a member whose name is long: Lu is never shown."""
    snapshot = world().snapshot
    groups = snapshot.groups
    ids = Strings.of(f"{one}-{MARK}" for one in groups.ids.tolist())
    names = Strings.of(f"{one} {MARK}" for one in groups.names.tolist())
    members = snapshot.members
    long = {members.ids.tolist().index("lu"): "x" * WIDE}
    return replace(
        snapshot,
        groups=replace(groups, ids=ids, names=names),
        members=replace(members, names=members.names.with_items(long, len(members.names))),
    )


def many_bundles(folder: Path, count: int, snapshot: Snapshot | None = None) -> Registry:
    """Write so many communities into a folder: copies of the marked world, or of another."""
    draft = draft_of(folder.parent, snapshot=snapshot or marked_world())
    save_bundle(draft, folder.parent / "pattern")
    for number in range(count):
        copy_of(folder.parent / "pattern" / VERSION, folder / name_of(number), number)
    return Registry(folder)


def copy_of(pattern: Path, community: Path, number: int, version: str = VERSION) -> Path:
    """Add the pattern to a community's versions as the current one, with a number for the mark."""
    shutil.copytree(pattern, community / version, copy_function=os.link)
    told = json.loads((pattern / MANIFEST).read_text("utf-8"))
    told |= {"community": community.name, "version": version}
    for file in MARKED:
        content = (pattern / file).read_bytes().replace(MARK.encode(), f"{number:03}".encode())
        replace_file(community / version / file, content)
        told["files"][file]["sha256"] = hashlib.sha256(content).hexdigest()
    replace_file(community / version / MANIFEST, json.dumps(told).encode())
    (community / "current").unlink(missing_ok=True)  # it may be a link to another's
    (community / "current").write_text(json.dumps({"promoted": [version]}), "utf-8")
    return community / version


def add_file(bundle: Path, size: int) -> None:
    """Give a bundle a file of so many zeros, which is checked when the bundle is loaded."""
    with (bundle / "wide.bin").open("w+b") as file:
        file.truncate(size)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    told = json.loads((bundle / MANIFEST).read_text("utf-8"))
    told["files"]["wide.bin"] = {"sha256": digest, "bytes": size}
    replace_file(bundle / MANIFEST, json.dumps(told).encode())
