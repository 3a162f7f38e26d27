"""A new bundle becomes current through the gate, or is forced through it and that is recorded."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data.community import Community
from engine.bundle import load_bundle, save_bundle
from engine.domain import DAY_S
from engine.erasure import without_members
from engine.errors import BundleError, GateError, UnknownError
from engine.group_ranker import GroupRanker
from engine.preferences import Preferences
from engine.registry import PROMOTIONS, Promotion, Registry
from engine.snapshot import Snapshot
from tests.bundle_draft import draft_of
from tests.training.circles import circles, learned
from tests.world import NOW, community, world
from training.gate import GateSettings
from training.promotion import (
    Candidate,
    preferences_compared,
    promote_if_good,
    with_few_joiners,
)
from training.windows import Window

WHEN = datetime(2026, 7, 1, 12, tzinfo=UTC)
PATIENT = GateSettings(latency=1_000)
"""On a busy machine anything may take longer; the latency has tests of its own."""


def silent() -> Snapshot:
    """Return the world with nothing to suggest."""
    snapshot = world().snapshot
    nothing = np.zeros(len(snapshot.groups.ids), bool)
    return replace(snapshot, groups=replace(snapshot.groups, public=nothing))


def add(
    folder: Path,
    version: str,
    snapshot: Snapshot | None = None,
    ranker: GroupRanker | None = None,
) -> None:
    draft = replace(draft_of(folder, version, snapshot), ranker=ranker or GroupRanker())
    save_bundle(draft, folder / "bundles" / "world")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A good bundle that is current, one just as good, and one that suggests nothing."""
    for version, snapshot in (("v1", None), ("v2", None), ("v3", silent())):
        add(tmp_path, version, snapshot)
    registry = Registry(tmp_path / "bundles")
    registry.promote("world", "v1")
    return registry


def candidate(registry: Registry, version: str, *, force: bool = False) -> Candidate:
    return Candidate(community(), version, registry.bundles.parent / "cache", force)


def test_the_first_bundle_of_a_community_passes_and_is_recorded(tmp_path: Path) -> None:
    add(tmp_path, "v1")
    registry = Registry(tmp_path / "bundles")
    verdict = promote_if_good(candidate(registry, "v1"), registry, WHEN)
    assert verdict.passed
    assert verdict.checks == ()
    assert registry.current("world").name == "v1"
    assert registry.promotions("world") == [Promotion("v1", "2026-07-01T12:00:00+00:00", False)]


def test_a_bundle_as_good_as_the_current_one_is_promoted_and_its_checks_are_recorded(
    registry: Registry,
) -> None:
    verdict = promote_if_good(candidate(registry, "v2"), registry, WHEN, PATIENT)
    assert verdict.passed
    assert registry.current("world").name == "v2"
    [record] = registry.promotions("world")
    assert (record.version, record.forced) == ("v2", False)
    assert record.checks == tuple(check.as_dict() for check in verdict.checks)
    assert [check["name"] for check in record.checks] == [
        "coverage", "answered", "exposure", "latency",
    ]  # fmt: skip


def test_a_bundle_that_is_worse_is_refused_and_what_dropped_is_said(registry: Registry) -> None:
    with pytest.raises(GateError, match="answered dropped from 1 to 0") as refused:
        promote_if_good(candidate(registry, "v3"), registry, WHEN, PATIENT)
    assert "v3 is not promoted" in str(refused.value)
    assert "coverage dropped" in str(refused.value)
    assert "exposure" not in str(refused.value)
    assert registry.current("world").name == "v1"
    assert registry.promotions("world") == []


def test_force_promotes_it_all_the_same_and_is_recorded(registry: Registry) -> None:
    verdict = promote_if_good(candidate(registry, "v3", force=True), registry, WHEN, PATIENT)
    assert not verdict.passed
    assert registry.current("world").name == "v3"
    [record] = registry.promotions("world")
    assert record.forced
    assert [check["name"] for check in record.checks if not check["passed"]] == [
        "coverage", "answered",
    ]  # fmt: skip


def test_force_that_was_not_needed_is_not_called_forced(registry: Registry) -> None:
    promote_if_good(candidate(registry, "v2", force=True), registry, WHEN, PATIENT)
    assert not registry.promotions("world")[0].forced


def test_a_current_bundle_that_cannot_be_read_keeps_no_good_one_out(registry: Registry) -> None:
    (registry.current("world") / "rarity.npy").write_bytes(b"")
    promote_if_good(candidate(registry, "v3"), registry, WHEN)
    assert registry.current("world").name == "v3"


def test_a_new_bundle_that_cannot_be_read_is_never_promoted_unforced(registry: Registry) -> None:
    (registry.bundles / "world" / "v2" / "rarity.npy").write_bytes(b"")
    with pytest.raises(BundleError, match="rarity"):
        promote_if_good(candidate(registry, "v2"), registry, WHEN)
    with pytest.raises(BundleError, match="no bundle"):
        promote_if_good(candidate(registry, "v9"), registry, WHEN)
    with pytest.raises(UnknownError):
        promote_if_good(candidate(registry, "v9", force=True), registry, WHEN)
    assert registry.current("world").name == "v1"


def test_what_is_current_already_is_compared_with_nothing(registry: Registry) -> None:
    assert promote_if_good(candidate(registry, "v1"), registry, WHEN).checks == ()
    assert registry.history("world") == ["v1"]


def test_after_an_erasure_the_revision_is_what_a_new_bundle_is_compared_with(
    registry: Registry, tmp_path: Path
) -> None:
    add(tmp_path, "v1-e1", without_members(world().snapshot, np.array([1])))
    registry.replace_version("world", "v1", "v1-e1")
    registry.discard("world", "v1")
    assert promote_if_good(candidate(registry, "v2"), registry, WHEN, PATIENT).passed
    assert registry.history("world") == ["v1-e1", "v2"]


# Other preferences


@pytest.fixture(scope="module")
def rings() -> Community:
    """Circles, of which who is there already tells what is joined next."""
    return replace(circles(100), name="world")


@pytest.fixture
def wishes(tmp_path: Path, rings: Community) -> Registry:
    """Bundles of equal preferences, and one whose slates follow interests above all."""
    snapshot, ranker = learned(rings)
    varied = replace(ranker, preferences=Preferences(variety=1))
    for version, chosen in (("v1", ranker), ("v2", ranker), ("v3", varied)):
        add(tmp_path, version, snapshot, chosen)
    registry = Registry(tmp_path / "bundles")
    registry.promote("world", "v1")
    return registry


def test_preferences_that_cost_too_much_are_refused(wishes: Registry, rings: Community) -> None:
    chosen = Candidate(rings, "v3", wishes.bundles / "cache")
    with pytest.raises(GateError, match="quality by preferences dropped from"):
        promote_if_good(chosen, wishes, WHEN, PATIENT)
    assert wishes.current("world").name == "v1"
    lenient = replace(PATIENT, quality=0.9, coverage=0.9, exposure=0.9)
    assert promote_if_good(chosen, wishes, WHEN, lenient).passed


def test_where_preferences_are_equal_they_are_not_compared(
    wishes: Registry, rings: Community
) -> None:
    verdict = promote_if_good(Candidate(rings, "v2", wishes.bundles), wishes, WHEN, PATIENT)
    assert "quality by preferences" not in [check.name for check in verdict.checks]


def test_equal_preferences_score_alike_and_nothing_can_be_told_without_dates(
    wishes: Registry, rings: Community, tmp_path: Path
) -> None:
    one, two = (load_bundle(wishes.folder("world") / version) for version in ("v1", "v2"))
    check = preferences_compared(Candidate(rings, "v2", tmp_path / "cache"), one, two, 0.05)
    assert check is not None
    assert check.current == check.new > 0
    assert check.passed
    undated = replace(rings, memberships=rings.memberships.clear(), posts=rings.posts.clear())
    assert preferences_compared(Candidate(undated, "v2", tmp_path), one, two, 0.05) is None


def test_a_bundle_made_of_the_past_is_judged_by_the_past(
    wishes: Registry, rings: Community, tmp_path: Path
) -> None:
    whole, other = (load_bundle(wishes.folder("world") / version) for version in ("v1", "v3"))
    early = replace(
        whole, manifest=replace(whole.manifest, settings=whole.manifest.settings | {"until": "70%"})
    )
    chosen = Candidate(rings, "v1", tmp_path / "cache")
    checks = [preferences_compared(chosen, other, new, 0.05) for new in (whole, early)]
    assert checks[0] != checks[1]


def test_of_many_joiners_a_sample_is_judged(rings: Community) -> None:
    window = Window(NOW - 182 * DAY_S, NOW + 1)
    few = with_few_joiners(rings, window, 10)
    inside = pl.col("first_ts") >= window.cut
    assert few.memberships.filter(inside)["member"].n_unique() == 10
    assert few.memberships.filter(~inside).equals(rings.memberships.filter(~inside))
    assert with_few_joiners(rings, window, 100) is rings


# The record


def test_a_torn_line_of_the_record_spoils_neither_those_before_nor_those_after(
    registry: Registry,
) -> None:
    path = registry.bundles / "world" / PROMOTIONS
    first, second = (Promotion(name, "2026", False, ({"name": "x"},)) for name in ("v2", "v3"))
    registry.promote("world", "v2", first)
    with path.open("a") as file:
        file.write('{"version": "v9", "at"')
    registry.promote("world", "v3", second)
    assert registry.promotions("world") == [first, second]
    assert len(path.read_text().splitlines()) == 3
    assert Registry(registry.bundles).promotions("nowhere") == []


def test_promoting_by_hand_leaves_no_record(registry: Registry) -> None:
    registry.promote("world", "v2")
    assert registry.promotions("world") == []


def test_a_version_takes_anothers_place_wherever_it_was_promoted(registry: Registry) -> None:
    for version in ("v2", "v1"):
        registry.promote("world", version)
    registry.replace_version("world", "v1", "v3")
    assert registry.history("world") == ["v3", "v2", "v3"]
    registry.replace_version("world", "v1", "v2")  # never promoted now: nothing to do
    assert registry.history("world") == ["v3", "v2", "v3"]
    with pytest.raises(BundleError):
        registry.replace_version("world", "v3", "v9")
    assert registry.history("world") == ["v3", "v2", "v3"]


def test_what_is_promoted_is_never_discarded(registry: Registry) -> None:
    registry.promote("world", "v2")
    for version in ("v1", "v2"):
        with pytest.raises(BundleError, match="is promoted"):
            registry.discard("world", version)
    registry.discard("world", "v3")
    with pytest.raises(UnknownError):
        registry.discard("world", "v3")
    left = sorted(path.name for path in (registry.bundles / "world").iterdir())
    assert left == ["current", "v1", "v2"]


PROMOTE = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from engine.registry import Promotion, Registry

registry = Registry(Path(sys.argv[2]))
for turn in range(10):
    for version in sys.argv[3:]:
        registry.promote("world", version, Promotion(version, str(turn), False))
"""


def test_promotions_by_several_processes_at_once_are_all_there(registry: Registry) -> None:
    folder = registry.bundles / "world"
    shutil.copytree(folder / "v3", folder / "v4")
    command = [sys.executable, "-c", PROMOTE, str(Path.cwd()), str(registry.bundles)]
    both = [subprocess.Popen([*command, *pair]) for pair in (("v1", "v2"), ("v3", "v4"))]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert len(registry.promotions("world")) == 40
    lines = (folder / PROMOTIONS).read_text().splitlines()
    assert all(json.loads(line)["forced"] is False for line in lines)
    # The first, and 20 by each process; only one of what was current already adds nothing.
    assert len(registry.history("world")) in {40, 41}
