"""What a worker does: it trains what is due, and takes whoever was forgotten out of every byte."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.store.changes import Change, PutMember, PutMembership, PutPost, apply_changes
from data.store.connect import Store, open_store
from data.store.erasure import erase_member, erasure
from data.store.import_export import import_community
from data.store.jobs import queue_job
from engine.bundle import load_bundle
from engine.errors import SettingError
from engine.manifest import FORMAT
from engine.registry import Registry
from tests.world import NOW, community
from training.train import TrainSettings, Workshop, read_stored, train
from training.worker import TRAIN, Worker, WorkerSettings
from training.worker_command import seconds_of

WORDS = ("quixotically", "xylographer", "zymurgist")
"""Nobody else says these: of a name, a profile and a post."""
DAY_S = 86_400.0


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def place(tmp_path: Path, cache: Path, workshop: Workshop) -> Path:
    """A folder with a cache that holds the model, and nothing else."""
    shutil.copytree(cache / "encoders", tmp_path / "cache" / "encoders")
    return tmp_path


@pytest.fixture
def store(place: Path) -> Store:
    """The world, and Zoë, who says what nobody else says."""
    opened = open_store(place / "bundles" / "belong.sqlite3")
    import_community(opened, community(), NOW)
    name, profile, post = WORDS
    tell: list[Change] = [
        PutMember("zoe-" + name, name=name, text=f"{profile} of rockets", audience="adult"),
        PutMembership("zoe-" + name, "rocket-club"),
        PutPost("by-" + name, ("zoe-" + name,), ("rocket-club",), text=f"{post} launch, igniter"),
    ]
    apply_changes(opened, "world", tell, NOW)
    return opened


def worker(place: Path, store: Store, clock: Clock, every_s: float | None = None) -> Worker:
    made = TrainSettings("all-MiniLM-L6-v2", None, place / "cache")
    return Worker(store, Registry(place / "bundles"), WorkerSettings(made, every_s), "me", clock)


def told(place: Path) -> list[str]:
    """Return which of the words are in any byte of any file."""
    content = [path.read_bytes() for path in place.rglob("*") if path.is_file()]
    return [word for word in WORDS if any(word.encode() in part for part in content)]


def test_a_forgotten_member_is_in_no_byte_of_any_file(place: Path, store: Store) -> None:
    clock = Clock(NOW)
    mine, registry = worker(place, store, clock), Registry(place / "bundles")
    for days in (0, 1):  # two retained bundles
        clock.now = NOW + days * DAY_S
        queue_job(store, "world", TRAIN, {}, clock.now)
        mine.work()
    assert len(registry.versions("world")) == 2
    assert told(place) == list(WORDS)
    receipt = erase_member(store, "world", "zoe-" + WORDS[0], clock.now)
    mine.work()
    assert told(place) == []
    steps = erasure(store, "world", receipt.id).steps
    assert {"store", "bundles", "cache", "compact"} <= set(steps)
    # Nobody else is missing, in the current bundle or in the one before.
    for listed in registry.versions("world"):
        found = load_bundle(registry.folder("world") / listed.version).snapshot.members.ids
        assert set(found.tolist()) - {""} == set(community().members["id"])
    registry.roll_back("world")
    assert told(place) == []
    assert mine.work() == 0, "what is done is not done again"
    store.close()


def test_a_bundle_nobody_can_read_holds_forgetting_up_visibly_until_it_is_removed(
    place: Path, store: Store
) -> None:
    clock = Clock(NOW)
    mine, registry = worker(place, store, clock), Registry(place / "bundles")
    queue_job(store, "world", TRAIN, {}, NOW)
    mine.work()
    current, old = registry.current("world").name, "2024"
    shutil.copytree(registry.current("world"), registry.folder("world") / old)
    manifest = registry.folder("world") / old / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8").replace(f'"format": {FORMAT}', '"format": 2'))
    receipt = erase_member(store, "world", "zoe-" + WORDS[0], clock.now)
    assert mine.work() == 1  # the cache and the database are rid of them, and the newer bundle
    held = erasure(store, "world", receipt.id)
    assert "bundles" not in held.steps
    assert {"cache", "compact"} <= held.steps.keys()
    assert f"{old} cannot be read" in held.held_up
    assert told(registry.folder("world") / f"{current}-e1") == []
    assert told(place) == [WORDS[0]], "the old one holds the name"
    assert mine.work() == 0, "a worker does not turn in circles"
    (registry.folder("world") / ".v9.aa.partial").mkdir()
    registry.remove("world", old)
    assert mine.work() == 1
    done = erasure(store, "world", receipt.id)
    assert ("bundles" in done.steps, done.held_up) == (True, "")
    assert told(place) == []
    assert not list(registry.folder("world").glob(".v9*")), "what was being written may hold them"
    store.close()


def test_a_training_that_had_read_them_before_brings_nobody_back(place: Path, store: Store) -> None:
    clock = Clock(NOW)
    mine, registry = worker(place, store, clock), Registry(place / "bundles")
    queue_job(store, "world", TRAIN, {}, NOW)
    mine.work()
    found, stored = read_stored(store, "world", NOW)
    erase_member(store, "world", "zoe-" + WORDS[0], NOW)
    mine.work()
    assert told(place) == []
    moment = datetime.fromtimestamp(NOW + 60, tz=UTC)
    train(found, mine.settings.train, registry, moment, stored=stored)
    assert told(place), "they are in its bundle, and in the cache"
    mine.work()
    assert told(place) == []
    mine.work()
    assert told(place) == []
    store.close()


def test_whoever_has_come_back_under_their_old_id_is_not_taken_out(
    place: Path, store: Store
) -> None:
    clock = Clock(NOW)
    mine, registry = worker(place, store, clock), Registry(place / "bundles")
    erase_member(store, "world", "zoe-" + WORDS[0], NOW)
    apply_changes(store, "world", [PutMember("zoe-" + WORDS[0], audience="adult")], NOW)
    found, stored = read_stored(store, "world", NOW)
    train(found, mine.settings.train, registry, datetime.fromtimestamp(NOW, tz=UTC), stored=stored)
    mine.work()
    ids = load_bundle(registry.current("world")).snapshot.members.ids.tolist()
    assert "zoe-" + WORDS[0] in ids
    store.close()


def test_a_bundle_that_is_old_enough_is_made_anew(place: Path, store: Store) -> None:
    clock = Clock(NOW)
    mine, registry = worker(place, store, clock, every_s=DAY_S), Registry(place / "bundles")
    assert mine.work() == 2  # it was due, and done
    first = registry.current("world").name
    clock.now += DAY_S / 2
    assert mine.work() == 0
    clock.now += DAY_S
    mine.work()
    assert registry.current("world").name != first
    store.close()


def test_a_training_that_fails_says_why_and_leaves_what_is_current(
    place: Path, store: Store
) -> None:
    clock = Clock(NOW)
    mine = worker(place, store, clock)
    queue_job(store, "no such community", TRAIN, {}, NOW)
    assert mine.work() == 1
    assert Registry(place / "bundles").communities() == []
    broken = replace(mine.settings.train, model="no such model")
    other = replace(mine, settings=WorkerSettings(broken), holder="other")
    queue_job(store, "world", TRAIN, {}, NOW)
    assert other.work() == 1
    assert Registry(place / "bundles").communities() == []
    store.close()


@pytest.mark.parametrize("span", ["", "24", "h", "-1h", "0d", "1w", "1.2.3h"])
def test_what_is_no_span_of_time_is_refused(span: str) -> None:
    with pytest.raises(SettingError):
        seconds_of(span)
