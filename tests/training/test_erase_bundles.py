"""A forgotten member is in no retained bundle, whatever interrupts it, and nobody else is lost."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from data.community import Community
from engine.bundle import Draft, load_bundle, save_bundle
from engine.encoder import OnnxEncoder
from engine.errors import BundleError, UnknownError
from engine.index import VectorIndex
from engine.recommender import Recommender
from engine.registry import Registry
from engine.types import Matrix
from tests.builders import Membership, Post, make, write_tiny_encoder
from tests.bundle_draft import contents, manifest_of
from tests.world import NOW
from training.activity import last_of
from training.build import build_snapshot
from training.erase_bundles import ERASURE, Remaining, erase_from_bundles
from training.texts import Texts, TextVectors, texts_of

WHEN = datetime(2026, 7, 1, tzinfo=UTC)
DAY = 86_400.0
ZOE = "zoe-quixotry"
WORDS = ("rocket", "sourdough", "chat")

# What nobody else says: four words of one kind to three of another have a direction of their own.
HERS = "rocket rocket rocket rocket chat chat chat xylography"


def town(*, zoe: bool = True) -> Community:
    """Return a dozen people in three groups, with or without Zoë, who is in two of them."""
    others = [f"m{row}" for row in range(12)]
    joined = [Membership(name, f"g{row % 3}", NOW - DAY) for row, name in enumerate(others)]
    posts = [
        Post(f"p{row}", (name,), (f"g{row % 3}",), NOW - 9 * DAY, f"{WORDS[row % 3]} oats {name}")
        for row, name in enumerate(others)
    ]
    ties = [("m0", "m1", NOW - DAY, 1.0)]
    people = dict.fromkeys(others, "")
    # Later than the bundle: it must not shape a bundle that is older.
    posts.append(Post("late", ("m0",), ("g0",), NOW + DAY, "sourdough sourdough chat"))
    if zoe:
        people = {**dict(list(people.items())[:5]), ZOE: HERS, **dict(list(people.items())[5:])}
        joined += [Membership(ZOE, "g0", NOW - DAY), Membership(ZOE, "g1", NOW - 5 * DAY, NOW - 9)]
        posts.insert(3, Post("zoes-post", (ZOE,), ("g0", "g1"), NOW - DAY, HERS))
        ties.append((ZOE, "m2", NOW - DAY, 2.0))
    groups = {"g0": "rocket", "g1": "sourdough", "g2": ""}
    return make(people, groups, joined, posts, ties=ties)


def until_now(found: Community) -> Community:
    """Return the community without the post that came later."""
    early = found.posts["ts"] <= NOW
    kept = set(np.flatnonzero(early.to_numpy()).tolist())
    assert sorted(kept) == list(range(len(kept)))  # the late one is the last
    return replace(
        found,
        posts=found.posts.filter(early),
        authors=found.authors.filter(found.authors["post"].is_in(kept)),
        post_groups=found.post_groups.filter(found.post_groups["post"].is_in(kept)),
    )


def embedded(texts: Texts, encoder: OnnxEncoder) -> TextVectors:
    def of(lines: list[str]) -> Matrix:
        vectors = encoder.encode(lines)
        vectors[[not line for line in lines]] = 0
        return vectors

    return TextVectors(of(texts.posts), of(texts.members), of(texts.groups))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an encoder."""
    return write_tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny")


@pytest.fixture(scope="module")
def encoder(tiny: Path) -> OnnxEncoder:
    """A word a direction."""
    return OnnxEncoder.load(tiny)


def draft(tiny: Path, encoder: OnnxEncoder, version: str) -> Draft:
    found = until_now(town())
    texts = texts_of(found)
    snapshot = build_snapshot(found, texts, embedded(texts, encoder))
    return Draft(
        replace(manifest_of(version), community="town", window=(0.0, last_of(found))),
        snapshot,
        VectorIndex.build(snapshot.members.interests.vectors, exact_below=3),
        VectorIndex.build(snapshot.groups.prototypes.vectors, exact_below=3),
        tiny,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny: Path, encoder: OnnxEncoder) -> Path:
    """Three versions that know Zoë; the second is current, the third was never promoted."""
    registry = Registry(tmp_path_factory.mktemp("made"))
    for version in ("v1", "v2", "v3"):
        save_bundle(draft(tiny, encoder, version), registry.folder("town"))
    registry.promote("town", "v1")
    registry.promote("town", "v2")
    return registry.bundles


@pytest.fixture
def registry(made: Path, tmp_path: Path) -> Registry:
    """The three, to be changed."""
    return Registry(shutil.copytree(made, tmp_path / "bundles"))


def versions(registry: Registry) -> list[str]:
    return [listed.version for listed in registry.versions("town")]


def bytes_of(folder: Path) -> bytes:
    return b"\n".join(name.encode() + data for name, data in sorted(contents(folder).items()))


def is_done(registry: Registry) -> None:
    """Check that the three are rewritten, in their places, and nothing else is there."""
    folder = registry.folder("town")
    assert registry.history("town") == ["v1-e1", "v2-e1"]
    assert sorted(path.name for path in folder.iterdir()) == ["current", "v1-e1", "v2-e1", "v3-e1"]
    everything = bytes_of(folder)
    for word in (ZOE, "quixotry", "zoes-post", "xylography"):
        assert word.encode() not in everything, word
    for version in versions(registry):
        recommender = Recommender(load_bundle(folder / version))
        assert recommender.groups_for("m3", 3).items
        for asked in (ZOE, ""):
            with pytest.raises(UnknownError):
                recommender.groups_for(asked, 3)


def test_no_byte_of_a_forgotten_member_is_left_in_any_bundle(
    registry: Registry,
) -> None:
    columns = load_bundle(registry.current("town")).snapshot.members
    hers = columns.interests.of_row(columns.ids.tolist().index(ZOE))[0].tobytes()
    before = bytes_of(registry.folder("town"))
    assert all(known in before for known in (ZOE.encode(), hers))
    after = erase_from_bundles(registry, "town", [ZOE], WHEN)
    assert after == ["v1-e1", "v2-e1", "v3-e1"]
    is_done(registry)
    assert hers not in bytes_of(registry.folder("town"))


def test_rolling_back_brings_nobody_back(registry: Registry) -> None:
    erase_from_bundles(registry, "town", [ZOE], WHEN)
    assert registry.roll_back("town") == "v1-e1"
    assert ZOE not in load_bundle(registry.current("town")).snapshot.members.ids.tolist()


def test_a_revision_says_what_it_replaces_and_names_nobody(registry: Registry) -> None:
    old = load_bundle(registry.current("town")).manifest
    erase_from_bundles(registry, "town", [ZOE, "never-here"], WHEN)
    new = load_bundle(registry.current("town")).manifest
    assert new.settings == {
        **old.settings,
        ERASURE: {"replaces": "v2", "at": "2026-07-01T00:00:00+00:00", "members": 1},
    }
    for name in ("watermark", "window", "metrics", "created_at", "community", "libraries"):
        assert getattr(new, name) == getattr(old, name), name
    assert new.sizes == {"members": old.sizes["members"] - 1}
    assert new.fingerprint != old.fingerprint


def test_a_second_run_has_nothing_to_do_and_a_second_member_makes_a_second_revision(
    registry: Registry,
) -> None:
    erase_from_bundles(registry, "town", [ZOE], WHEN)
    before = bytes_of(registry.folder("town"))
    assert erase_from_bundles(registry, "town", [ZOE, ""], WHEN) == []
    assert bytes_of(registry.folder("town")) == before
    assert erase_from_bundles(registry, "town", ["m1"], WHEN) == ["v1-e2", "v2-e2", "v3-e2"]
    assert registry.history("town") == ["v1-e2", "v2-e2"]
    ids = load_bundle(registry.current("town")).snapshot.members.ids.tolist()
    assert ids.count("") == 2
    assert "m0" in ids


def test_groups_they_shaped_are_as_if_they_had_never_been_there(
    registry: Registry, encoder: OnnxEncoder
) -> None:
    without = town(zoe=False)
    expected = build_snapshot(
        until_now(without),
        texts_of(until_now(without)),
        embedded(texts_of(until_now(without)), encoder),
        now=NOW,
    )
    original = load_bundle(registry.current("town")).snapshot
    remaining = Remaining(without, {"tiny": embedded(texts_of(without), encoder)})
    erase_from_bundles(registry, "town", [ZOE], WHEN, remaining)
    found = load_bundle(registry.current("town")).snapshot
    for row, touched in enumerate([True, True, False]):
        vectors, shares = found.groups.prototypes.of_row(row)
        old = original.groups.prototypes.of_row(row)
        assert np.array_equal(vectors, old[0]) is not touched
        ours = (expected if touched else original).groups.prototypes.of_row(row)
        np.testing.assert_allclose(vectors, ours[0], atol=1e-6)
        np.testing.assert_allclose(shares, ours[1], atol=1e-3)  # ages count from another day
        topics = (expected if touched else original).behaviour.topics[row]
        np.testing.assert_allclose(found.behaviour.topics[row], topics, atol=1e-3)
        weights = (expected if touched else original).behaviour.text_weights[row]
        np.testing.assert_allclose(found.behaviour.text_weights[row], weights, atol=1e-5)
    is_done(registry)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (None, ["g0", "g1"]),
        (Remaining(town(zoe=False)), ["g0. rocket", "g1. sourdough"]),
        (Remaining(make(["m0"], {"g1": "chat"})), ["g0", "g1. chat"]),
    ],
)
def test_without_vectors_of_its_encoder_a_group_is_known_by_what_it_says_of_itself(
    registry: Registry, encoder: OnnxEncoder, known: Remaining | None, said: list[str]
) -> None:
    original = load_bundle(registry.current("town")).snapshot
    erase_from_bundles(registry, "town", [ZOE], WHEN, known)
    found = load_bundle(registry.current("town")).snapshot
    length = np.linalg.norm(original.behaviour.text_weights[2])
    for row, text in enumerate(said):
        vectors, shares = found.groups.prototypes.of_row(row)
        np.testing.assert_allclose(vectors, encoder.encode([text]), atol=1e-6)
        assert shares.tolist() == [1]
        np.testing.assert_allclose(found.behaviour.topics[row], vectors[0], atol=1e-6)
        np.testing.assert_allclose(
            found.behaviour.text_weights[row], vectors[0] * length, atol=1e-6
        )


def test_a_bundle_that_never_knew_them_stays_as_it_is(registry: Registry) -> None:
    before = bytes_of(registry.folder("town"))
    assert erase_from_bundles(registry, "town", ["never-here"], WHEN) == []
    assert bytes_of(registry.folder("town")) == before


def test_a_damaged_bundle_is_named_and_the_others_are_rewritten(registry: Registry) -> None:
    (registry.folder("town") / "v1" / "rarity.npy").write_bytes(b"")
    with pytest.raises(BundleError, match=re.escape("from v1 (")):
        erase_from_bundles(registry, "town", [ZOE], WHEN)
    assert versions(registry) == ["v1", "v2-e1", "v3-e1"]
    assert registry.history("town") == ["v1", "v2-e1"]
    shutil.rmtree(registry.folder("town") / "v1")
    assert erase_from_bundles(registry, "town", [ZOE], WHEN) == []


class PulledPlugError(Exception):
    """The power is gone."""


class Unplugged(Registry):
    """A registry whose process dies before or after one of its steps."""

    def __init__(self, bundles: Path, step: str, *, after: bool, nth: int) -> None:
        super().__init__(bundles)
        self.step, self.after, self.left = step, after, nth

    def replace_version(self, community: str, old: str, new: str) -> None:
        self._dies("replace", before=True)
        super().replace_version(community, old, new)
        self._dies("replace", before=False)

    def discard(self, community: str, version: str) -> None:
        self._dies("discard", before=True)
        super().discard(community, version)
        self._dies("discard", before=False)

    def _dies(self, step: str, *, before: bool) -> None:
        if step == self.step and before is not self.after:
            self.left -= 1
            if not self.left:
                raise PulledPlugError


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", ["replace", "discard"])
def test_killed_between_any_two_steps_it_is_finished_by_running_it_again(
    registry: Registry, step: str, after: bool, nth: int
) -> None:
    with pytest.raises(PulledPlugError):
        erase_from_bundles(
            Unplugged(registry.bundles, step, after=after, nth=nth), "town", [ZOE], WHEN
        )
    load_bundle(registry.current("town"))
    erase_from_bundles(registry, "town", [ZOE], WHEN)
    is_done(registry)


def test_what_a_killed_run_left_half_written_or_half_removed_goes(registry: Registry) -> None:
    folder = registry.folder("town")
    for name in (".v1.aaaa.partial", ".v9.bbbb.discarded"):
        shutil.copytree(folder / "v1", folder / name)
    erase_from_bundles(registry, "town", [ZOE], WHEN)
    is_done(registry)


@pytest.mark.parametrize("replaces", ["../isle", "../../x", "..", ".", "", "/etc", 7, None, ["v1"]])
def test_a_revision_that_names_what_is_no_version_removes_nothing(
    registry: Registry, replaces: object
) -> None:
    (registry.bundles / "isle").mkdir()
    path = registry.folder("town") / "v3" / "manifest.json"
    fields = json.loads(path.read_text("utf-8"))
    fields["settings"][ERASURE] = replaces if isinstance(replaces, list) else {"replaces": replaces}
    path.write_text(json.dumps(fields), "utf-8")
    erase_from_bundles(registry, "town", ["never-here"], WHEN)
    assert versions(registry) == ["v1", "v2", "v3"]
    assert (registry.bundles / "isle").is_dir()


def test_an_erasure_begun_for_another_does_not_hide_this_one(registry: Registry) -> None:
    with pytest.raises(PulledPlugError):
        erase_from_bundles(
            Unplugged(registry.bundles, "replace", after=False, nth=1), "town", ["m1"], WHEN
        )
    assert "v1-e1" in versions(registry)
    erase_from_bundles(registry, "town", [ZOE], WHEN)
    is_done(registry)


def test_an_original_promoted_again_before_it_could_go_is_replaced_there_too(
    registry: Registry,
) -> None:
    with pytest.raises(PulledPlugError):
        erase_from_bundles(
            Unplugged(registry.bundles, "replace", after=True, nth=1), "town", [ZOE], WHEN
        )
    registry.promote("town", "v1")
    erase_from_bundles(registry, "town", [ZOE], WHEN)
    assert registry.history("town") == ["v1-e1", "v2-e1", "v1-e1"]
    assert versions(registry) == ["v1-e1", "v2-e1", "v3-e1"]


ERASE = """
import sys
sys.path.insert(0, sys.argv[1])
from datetime import UTC, datetime
from pathlib import Path
from engine.registry import Registry
from training.erase_bundles import erase_from_bundles

print("ready", flush=True)
erase_from_bundles(Registry(Path(sys.argv[2])), "town", [sys.argv[3]], datetime.now(UTC))
"""


def test_after_kill_9_at_any_moment_a_whole_bundle_is_current(registry: Registry) -> None:
    command = [sys.executable, "-c", ERASE, str(Path.cwd()), str(registry.bundles), ZOE]
    for delay_s in (0.0, 0.02, 0.05, 0.09, 0.14):
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(delay_s)
        process.kill()
        process.wait()
        process.stdout.close()
        load_bundle(registry.current("town"))
    erase_from_bundles(registry, "town", [ZOE], WHEN)
    is_done(registry)
