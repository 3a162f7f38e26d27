"""Backups, damaged: by a faulty disk, or by somebody who makes checksums fit."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from random import Random

from benchmarks.fuzz_bundles import COMMUNITY, seed_bundle
from benchmarks.fuzz_mutations import damaged, json_bytes
from benchmarks.fuzz_target import Attempt, expect
from data.store.changes import PutGroup, PutMember, apply_changes, create_community
from data.store.connect import open_store
from engine.registry import CURRENT, Registry
from serving.backup import BUNDLES, CARD, STORE, checksums_of, make_backup, restore_backup

NOW = 1_750_000_000.0
FIRST_PAGE = 4_096


def backups(place: Path) -> Attempt:
    """Return what damages a backup and restores it: nothing but what was backed up arrives."""
    sound = _seed(place)
    files = sorted(path for path in sound.rglob("*") if path.is_file())
    names = [path.relative_to(sound).as_posix() for path in files]

    def attempt(random: Random, folder: Path) -> bool:
        source = Path(shutil.copytree(sound, folder / "backup"))
        (folder / "outside").mkdir()
        (folder / "outside" / "secret").write_text("not to be read")
        sealed = random.random() < 0.6
        for name in random.sample([*names, STORE, CARD], random.choice((0, 1, 1, 2))):
            _hurt(random, source / name, name)
        if random.random() < 0.1:
            os.symlink(folder / "outside" / "secret", source / BUNDLES / COMMUNITY / "link")
        if sealed:
            _seal(random, source)
        bundles = folder / "place" / "bundles"
        restore_backup(source, bundles, folder / "place" / "belong.sqlite3")
        _check_restored(sound, bundles, sealed)
        return True

    def checked(random: Random, folder: Path) -> bool:
        try:
            return attempt(random, folder)
        finally:
            expect(sorted(os.listdir(folder / "outside")) == ["secret"], "files lie outside")

    return checked


def _seed(place: Path) -> Path:
    """Return a backup of a small bundle and its store."""
    version = seed_bundle(place / "seed")
    registry = Registry(version.parent.parent)
    shutil.rmtree(place / "seed" / "tiny", ignore_errors=True)
    registry.promote(COMMUNITY, version.name)
    store = open_store(place / "belong.sqlite3")
    create_community(store, COMMUNITY, NOW)
    apply_changes(store, COMMUNITY, [PutMember("ana", text="rockets"), PutGroup("g1")], NOW)
    make_backup(registry.bundles, store, place / "backup", NOW)
    store.close()
    return place / "backup"


def _hurt(random: Random, path: Path, name: str) -> None:
    content = path.read_bytes()
    if name == STORE:  # of a large file the first page says what all others are
        path.write_bytes(damaged(random, content[:FIRST_PAGE]) + content[FIRST_PAGE:])
    elif name.endswith(CURRENT) or (path.suffix == ".json" and random.random() < 0.5):
        path.write_bytes(json_bytes(random, json.loads(content)))
    elif random.random() < 0.2:
        path.unlink()
    else:
        path.write_bytes(damaged(random, content))


def _seal(random: Random, source: Path) -> None:
    """Let the card vouch for the files as they are now, sometimes for other communities."""
    try:
        card = json.loads((source / CARD).read_bytes())
        card["files"] = {n: k for n, k in checksums_of(source).items() if n != CARD}
        if random.random() < 0.3:
            card["communities"] = {random.choice(("../../outside", "..", "", "no", "a\0")): "v1"}
        (source / CARD).write_text(json.dumps(card))
    except (OSError, ValueError, TypeError):
        return  # the card itself is what is damaged


def _check_restored(sound: Path, bundles: Path, sealed: bool) -> None:
    for path in bundles.rglob("*"):
        expect(not path.is_symlink(), "a link was restored")
        if path.is_file():
            told = path.read_bytes()
            expect(b"not to be read" not in told, "something from outside was restored")
            before = sound / BUNDLES / path.relative_to(bundles)
            expect(sealed or before.read_bytes() == told, f"{path.name} is not as it was")
