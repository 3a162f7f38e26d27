"""From a community to a bundle that loads, whatever the community lacks and whoever interrupts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data.community import Community
from engine.bundle import load_bundle
from engine.encoder import Encoder
from engine.errors import SettingError
from engine.recommender import Recommender
from engine.registry import Registry
from engine.snapshot import to_arrays
from engine.types import Matrix
from tests.builders import Membership, Post, make
from tests.conftest import MODEL
from tests.training.circles import circles
from tests.training.conftest import WHEN, Trained
from tests.world import BREAD, NOW, ROCKETS, community
from training.discoveries import find_discoveries
from training.embed import embed
from training.manifest import fingerprint_of
from training.texts import texts_of, vectors_of
from training.train import (
    TrainSettings,
    Workshop,
    happened_by,
    model_of,
    snapshot_of,
    train,
)

MOMENT = datetime.fromtimestamp(NOW, tz=UTC)
QUICK_S = 5.0
"""How long a Ctrl-C may take on this machine when it is busy."""


STOPPED = {130, -signal.SIGINT}
"""Python itself dies of the signal, which a shell also calls 130, if it came inside an `exec`."""


class Strict:
    """An encoder that must not be asked for anything."""

    def __init__(self, real: Encoder) -> None:
        self.fingerprint = real.fingerprint
        self.dimension = real.dimension

    def encode(self, texts: Sequence[str]) -> Matrix:
        raise AssertionError(f"asked to embed {list(texts)[:3]} again")


@pytest.fixture
def settings(workshop: Workshop, cache: Path) -> TrainSettings:
    """The packaged model, already exported."""
    return TrainSettings(MODEL, None, cache)


def test_the_world_becomes_a_bundle_that_answers(world_bundles: Path) -> None:
    registry = Registry(world_bundles)
    bundle = load_bundle(registry.current("world"))
    assert bundle.manifest.sizes["members"] == 14
    assert bundle.manifest.community == "world"
    items = Recommender(bundle).groups_for("ana", 3).items
    assert "launch-site" in [item.id for item in items]


def test_a_town_becomes_a_bundle_with_what_was_built(town: Trained, workshop: Workshop) -> None:
    loaded = dict(to_arrays(load_bundle(town.registry.current("town")).snapshot))
    built = snapshot_of(town.community, workshop)
    vectors = vectors_of(texts_of(town.community), workshop.encoder, workshop.vectors)
    happened = happened_by(town.community, WHEN.timestamp())
    missing = find_discoveries(happened, vectors, built)
    expected = dict(to_arrays(replace(built, discoveries=missing)))
    assert loaded.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(loaded[name], array, err_msg=name)


def test_a_second_run_embeds_nothing(town: Trained, workshop: Workshop) -> None:
    texts = texts_of(town.community)
    every = [*texts.posts, *texts.members, *texts.groups]
    vectors = embed(every, Strict(workshop.encoder), workshop.vectors)
    assert vectors.shape == (len(every), workshop.encoder.dimension)


def test_equal_input_has_an_equal_fingerprint_and_another_version(
    town: Trained, settings: TrainSettings, tmp_path: Path
) -> None:
    registry, one = Registry(tmp_path), town.manifest
    two = train(town.community, settings, registry, WHEN + timedelta(seconds=1))
    assert one.fingerprint == two.fingerprint
    assert one.version < two.version
    assert registry.current("town").name == two.version


def test_two_processes_learn_what_one_does(
    town: Trained, settings: TrainSettings, tmp_path: Path
) -> None:
    both, steps = replace(settings, processes=2, worth_two=0), Steps()
    train(town.community, both, Registry(tmp_path), WHEN, steps)
    assert "introductions" in steps.names, "what was learned elsewhere is waited for"
    assert "meetings" not in steps.names
    one, two = (load_bundle(found.current("town")) for found in (town.registry, Registry(tmp_path)))
    # To the last digit nothing is promised: libraries add up in another order on fewer threads.
    assert type(one.ranker.known) is type(two.ranker.known)
    assert one.introductions.story.keys() == two.introductions.story.keys()
    assert one.introductions.settled == two.introductions.settled
    arrays = dict(to_arrays(two.snapshot))
    for name, array in to_arrays(one.snapshot):
        np.testing.assert_allclose(arrays[name], array, rtol=1e-3, atol=1e-4, err_msg=name)
    ours, theirs = (bundle.introductions.acquaintance for bundle in (one, two))
    np.testing.assert_allclose(ours.looking, theirs.looking, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours.prices, theirs.prices, rtol=1e-4, atol=1e-5)


class Steps:
    """Remembers the steps it is told of."""

    def __init__(self) -> None:
        self.names: list[str] = []

    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        self.names.append(name)
        yield lambda done: None


def test_other_settings_have_another_fingerprint(settings: TrainSettings) -> None:
    found = community()
    same = fingerprint_of(found, settings, "e")
    assert same == fingerprint_of(community(), TrainSettings(MODEL, None, Path("elsewhere")), "e")
    assert same != fingerprint_of(found, settings, "other encoder")
    assert same != fingerprint_of(found, TrainSettings(MODEL, "80%", settings.cache), "e")


def test_any_changed_cell_gives_another_fingerprint(settings: TrainSettings) -> None:
    base = full()
    seen = {fingerprint_of(base, settings, "e")}
    changed = 0
    for table in ("members", "groups", "memberships", "posts", "authors", "post_groups",
                  "participations", "ties", "blocks"):  # fmt: skip
        frame: pl.DataFrame = getattr(base, table)
        for name, dtype in frame.schema.items():
            cell = {pl.String: "other", pl.Boolean: False}.get(type(dtype) and dtype.base_type(), 7)
            column = pl.Series(name, [cell, *frame[name].to_list()[1:]], dtype=dtype)
            tables = {one: getattr(base, one) for one in Community.__dataclass_fields__}
            other = Community(**{**tables, table: frame.with_columns(column)})
            seen.add(fingerprint_of(other, settings, "e"))
            changed += 1
    assert len(seen) == changed + 1


def full() -> Community:
    """Return a community with a row in every table."""
    base = make(
        {"a": "rockets", "b": "bread"},
        {"g": "rockets"},
        [Membership("a", "g", NOW - 9, NOW - 5, 3), Membership("b", "g", NOW)],
        [Post("p", ("a",), ("g",), NOW, "hello"), Post("q", ("b",), ("g",), NOW, parent="p")],
        [("q", "a")],
        [("a", "b", NOW, 2)],
    )
    tables = {name: getattr(base, name) for name in Community.__dataclass_fields__}
    return Community(**{**tables, "blocks": pl.DataFrame({"member": [1], "other": [1]})})


def test_training_until_a_cut_knows_nothing_later(
    town: Trained, settings: TrainSettings, tmp_path: Path
) -> None:
    cut = TrainSettings(MODEL, "50%", settings.cache)
    manifest = train(town.community, cut, Registry(tmp_path), WHEN)
    assert manifest.settings["until"] == "50%"
    assert manifest.window[1] is not None
    assert town.manifest.window[1] is not None
    assert manifest.window[1] < town.manifest.window[1]
    assert manifest.sizes["posts"] < town.manifest.sizes["posts"]
    assert manifest.fingerprint != town.manifest.fingerprint


@pytest.mark.parametrize("name", ["", "..", "a/b"])
def test_a_name_that_is_no_folders_is_refused(
    settings: TrainSettings, tmp_path: Path, name: str
) -> None:
    tables = {one: getattr(full(), one) for one in Community.__dataclass_fields__}
    with pytest.raises(SettingError, match="cannot be called"):
        train(Community(**{**tables, "name": name}), settings, Registry(tmp_path), MOMENT)
    assert list(tmp_path.iterdir()) == []


def test_a_cut_that_makes_no_sense_leaves_nothing(settings: TrainSettings, tmp_path: Path) -> None:
    with pytest.raises(SettingError):
        train(community(), TrainSettings(MODEL, "soon", settings.cache), Registry(tmp_path), MOMENT)
    assert list(tmp_path.iterdir()) == []


POSTS = [Post("p", ("a",), ("g",), NOW, ROCKETS), Post("q", ("b",), ("g",), NOW - 9, BREAD)]
POOR = {
    "someone without text or group, a group without members": make(
        ["a", "b", "silent"], ["g", "empty"], [Membership("a", "g")], POSTS, ties=[]
    ),
    "no posts": make({"a": ROCKETS, "b": BREAD}, ["g", "h"], [Membership("a", "g")], ties=[]),
    "no posts and no texts": make(["a", "b"], ["g", "h"], [Membership("a", "g")]),
    "no memberships": make(["a", "b"], ["g"], posts=POSTS),
    "no ties": make(["a", "b"], ["g"], [Membership("a", "g")], POSTS, ties=[]),
    "no dates": make(
        ["a", "b"],
        ["g", "h"],
        [Membership("a", "g", None), Membership("b", "h", None)],
        [Post("p", ("a",), ("g",), None, ROCKETS), Post("q", ("b",), ("g",), None, BREAD)],
        ties=[("a", "b", None, 1)],
    ),
    "one member and one group": make({"a": ROCKETS}, ["g"], [Membership("a", "g")]),
    "one member who says nothing": make(["a"], ["g"]),
    "a number for a text": make({"a": "42"}, ["g"]),
    "an emoji for a text": make({"a": "🚀", "b": ""}, ["g"]),
    "odd texts": make({"a": "\x00\x07 " + "x" * 20_000, "b": "\u202e"}, ["g"]),
}


@pytest.mark.parametrize("what", POOR)
def test_a_community_that_lacks_something_still_becomes_a_bundle(
    what: str, settings: TrainSettings, tmp_path: Path
) -> None:
    found = POOR[what]
    train(found, settings, Registry(tmp_path), MOMENT)
    recommender = Recommender(load_bundle(Registry(tmp_path).current("small")))
    for member in found.members["id"].to_list():
        groups = recommender.groups_for(member, 10)
        people = recommender.members_for(member, 10)
        assert not groups.trace.failed
        assert not people.trace.failed
        assert member not in [item.id for item in people.items]


def start(town: Trained, bundles: Path, cache: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "belong", "train", str(town.folder), "--bundles", str(bundles)]
    return subprocess.Popen(
        [*command, "--cache", str(cache)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@pytest.fixture
def bundles(town: Trained, tmp_path: Path) -> Path:
    """The town's bundles, to be changed."""
    return Path(shutil.copytree(town.registry.bundles, tmp_path / "bundles"))


def test_what_is_announced_for_next_year_is_no_reason_to_learn_nothing(workshop: Workshop) -> None:
    here = circles(150)
    late = pl.when(pl.int_range(pl.len()) == 0).then(NOW + 400 * 86_400).otherwise("ts")
    announced = replace(here, posts=here.posts.with_columns(ts=late))
    _, ranker = model_of(announced, workshop, now=NOW)
    assert ranker.story["windows"][0]["cut"] < NOW
    assert ranker.story["known"]["validation"]


def test_the_command_makes_a_bundle_and_says_so(town: Trained, bundles: Path, cache: Path) -> None:
    process = start(town, bundles, cache)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    said = json.loads(out)
    assert said["community"] == "town"
    assert Registry(bundles).current("town").name == said["version"]
    # Another process, the same data: the same work.
    assert load_bundle(Registry(bundles).current("town")).manifest.fingerprint == (
        town.manifest.fingerprint
    )


@pytest.mark.alone
def test_after_ctrl_c_at_any_moment_a_whole_bundle_is_current(
    town: Trained, bundles: Path, cache: Path
) -> None:
    before = Registry(bundles).current("town")
    stopped = 0
    for delay_s in (0.8, 1.2, 1.6, 1.9, 2.2, 2.5, 2.8):
        process = start(town, bundles, cache)
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        sent = time.monotonic()
        _, err = process.communicate(timeout=60)
        took_s = time.monotonic() - sent
        there = [path.name for path in (bundles / "town").iterdir()]
        assert not [name for name in there if name.endswith(".partial")], (delay_s, there)
        now = Registry(bundles).current("town")
        if now != before:  # it was promoted before the signal came: it has to be whole
            load_bundle(now)
            assert Registry(bundles).roll_back("town") == before.name
        stopped += now == before
        if process.returncode == 0:
            continue
        assert process.returncode in STOPPED, (delay_s, process.returncode, err)
        assert "Traceback" not in err, (delay_s, err)
        assert took_s < QUICK_S, delay_s
    assert stopped >= 2
    load_bundle(before)
