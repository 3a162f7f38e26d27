"""Which bundle is current changes in one step, and damage is told apart from absence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from engine.errors import BundleError, UnknownError
from engine.manifest import FORMAT, Manifest
from engine.registry import REMEMBERED, Registry

NOTHING_CHANGED = "nothing changed"


def add(bundles: Path, version: str, community: str = "town") -> None:
    """Write what the registry reads of a bundle."""
    folder = bundles / community / version
    folder.mkdir(parents=True)
    manifest = Manifest(
        FORMAT, community, version, "f", "2026-01-01T00:00:00+00:00", 0, (None, None), {}, {}, {}
    )
    (folder / "manifest.json").write_text(json.dumps(asdict(manifest)))


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Three versions, none of them current."""
    for version in ("v1", "v2", "v3"):
        add(tmp_path, version)
    return Registry(tmp_path)


def current(registry: Registry) -> str:
    return registry.current("town").name


def test_nothing_is_current_until_it_is_promoted(registry: Registry) -> None:
    with pytest.raises(UnknownError):
        registry.current("town")
    assert registry.communities() == []
    registry.promote("town", "v2")
    assert registry.current("town") == registry.bundles / "town" / "v2"
    assert registry.communities() == ["town"]


def test_rolling_back_undoes_one_promotion_at_a_time(registry: Registry) -> None:
    for version in ("v1", "v2", "v3"):
        registry.promote("town", version)
    assert registry.roll_back("town") == "v2"
    assert registry.roll_back("town") == "v1"
    assert current(registry) == "v1"


def test_rolling_back_with_nothing_before_changes_nothing(registry: Registry) -> None:
    with pytest.raises(UnknownError, match="no earlier version"):
        registry.roll_back("town")
    registry.promote("town", "v1")
    with pytest.raises(UnknownError, match="no earlier version"):
        registry.roll_back("town")
    assert current(registry) == "v1"


def test_promoting_what_is_current_adds_nothing_to_undo(registry: Registry) -> None:
    for version in ("v1", "v2", "v2"):
        registry.promote("town", version)
    assert registry.roll_back("town") == "v1"


def test_rolling_back_passes_over_a_version_that_is_gone(registry: Registry) -> None:
    for version in ("v1", "v2", "v3"):
        registry.promote("town", version)
    shutil.rmtree(registry.bundles / "town" / "v2")
    assert registry.roll_back("town") == "v1"


def test_rolling_back_passes_over_a_version_that_cannot_be_read(registry: Registry) -> None:
    for version in ("v1", "v2", "v3"):
        registry.promote("town", version)
    (registry.bundles / "town" / "v2" / "manifest.json").write_text("{")
    assert registry.roll_back("town") == "v1"


def test_only_so_many_promotions_are_remembered(registry: Registry) -> None:
    for _ in range(REMEMBERED):
        registry.promote("town", "v1")
        registry.promote("town", "v2")
    kept = json.loads((registry.bundles / "town" / "current").read_text())["promoted"]
    assert len(kept) == REMEMBERED
    assert kept[-1] == "v2"


@pytest.mark.parametrize("version", ["v9", "", ".", "..", "../town/v1", "v1/", "current"])
def test_a_version_that_is_not_there_is_never_promoted(registry: Registry, version: str) -> None:
    registry.promote("town", "v1")
    with pytest.raises(UnknownError, match="has no version"):
        registry.promote("town", version)
    assert current(registry) == "v1"


def test_a_version_that_cannot_be_read_is_never_promoted(registry: Registry) -> None:
    registry.promote("town", "v1")
    (registry.bundles / "town" / "v2" / "manifest.json").write_text("{")
    with pytest.raises(BundleError, match=r"manifest\.json"):
        registry.promote("town", "v2")
    assert current(registry) == "v1"


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../town", "/etc", "a/b", "..\\town", "a\0b", "\ud800", "x" * 300, "ä" * 200],
)
def test_no_community_name_leads_elsewhere_or_further_than_unknown(
    registry: Registry, name: str
) -> None:
    with pytest.raises(UnknownError):
        registry.current(name)
    with pytest.raises(UnknownError):
        registry.versions(name)
    with pytest.raises(UnknownError):
        registry.promote(name, "v1")
    with pytest.raises(UnknownError):
        registry.roll_back(name)


@pytest.mark.parametrize("name", ["Zürich", "a b", "100%", "x" * 255, "c++", "*", "[ab]"])
def test_any_other_name_is_a_name(tmp_path: Path, name: str) -> None:
    add(tmp_path, "v1", name)
    registry = Registry(tmp_path)
    registry.promote(name, "v1")
    assert registry.current(name) == tmp_path / name / "v1"
    assert registry.communities() == [name]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"promoted": null}', '{"promoted": 3}', "\udc80"]
)
def test_a_damaged_current_is_no_absence_and_promoting_mends_it(
    registry: Registry, text: str
) -> None:
    registry.promote("town", "v1")
    (registry.bundles / "town" / "current").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BundleError, match="promote a version again"):
        registry.current("town")
    assert [listed.version for listed in registry.versions("town")] == ["v1", "v2", "v3"]
    assert not any(listed.current for listed in registry.versions("town"))
    registry.promote("town", "v3")
    assert current(registry) == "v3"


@pytest.mark.parametrize("version", ["../../elsewhere", "/etc", "..", ""])
def test_a_current_that_points_elsewhere_is_damaged(registry: Registry, version: str) -> None:
    registry.promote("town", "v1")
    (registry.bundles / "town" / "current").write_text(json.dumps({"promoted": [version]}))
    with pytest.raises(BundleError, match="promote a version again"):
        registry.current("town")


def test_versions_are_listed_oldest_first_with_what_is_wrong(registry: Registry) -> None:
    registry.promote("town", "v2")
    (registry.bundles / "town" / "v3" / "manifest.json").write_text("{")
    listed = registry.versions("town")
    assert [(one.version, one.current, bool(one.problem)) for one in listed] == [
        ("v1", False, False),
        ("v2", True, False),
        ("v3", False, True),
    ]
    assert listed[2].manifest is None


def test_a_folder_being_written_is_not_listed(registry: Registry) -> None:
    shutil.copytree(registry.bundles / "town" / "v1", registry.bundles / "town" / ".v4.ab.partial")
    assert [listed.version for listed in registry.versions("town")] == ["v1", "v2", "v3"]


def test_a_folder_that_has_lost_its_manifest_is_listed_for_what_else_is_in_it(
    registry: Registry,
) -> None:
    (registry.bundles / "town" / "v2" / "manifest.json").unlink()
    lost = {listed.version: listed for listed in registry.versions("town")}["v2"]
    assert (lost.manifest, "manifest.json is missing" in lost.problem) == (None, True)
    registry.remove("town", "v2")
    assert [listed.version for listed in registry.versions("town")] == ["v1", "v3"]


def test_what_is_removed_cannot_be_gone_back_to_and_what_is_current_stays(
    registry: Registry,
) -> None:
    for version in ("v1", "v2", "v3"):
        registry.promote("town", version)
    (registry.bundles / "town" / "v2" / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(BundleError, match="v3 is what 'town' is served from"):
        registry.remove("town", "v3")
    registry.remove("town", "v2")
    assert registry.history("town") == ["v1", "v3"]
    assert registry.roll_back("town") == "v1"
    for nothing in ("v2", "..", "../town/v3", ".", ""):
        with pytest.raises(UnknownError, match="has no version"):
            registry.remove("town", nothing)


@pytest.mark.parametrize(
    "text",
    [
        '{"promoted": "v1"}',
        '{"promoted": [1]}',
        '{"promoted": {"v1": 1}}',
        "[" * 100_000,
        '{"promoted": ["v\\ud800"]}',
    ],
)
def test_a_current_of_another_shape_is_damaged_and_not_guessed_at(
    registry: Registry, text: str
) -> None:
    (registry.bundles / "town" / "current").write_text(text)
    with pytest.raises(BundleError, match="current cannot be read"):
        registry.current("town")


def test_a_promotion_torn_within_a_letter_or_of_other_types_is_passed_over(
    registry: Registry,
) -> None:
    whole = {"version": "v\u2028", "at": "2026", "forced": False, "checks": []}
    odd = [{**whole, "forced": "false"}, {**whole, "checks": {}}, {**whole, "version": 1}, [whole]]
    lines = [json.dumps(one, ensure_ascii=False).encode() for one in (whole, *odd)]
    torn = "é".encode()[:1]
    (registry.bundles / "town" / "promotions.jsonl").write_bytes(b"\n".join([*lines, torn, b""]))
    assert [one.version for one in registry.promotions("town")] == ["v\u2028"]


def test_nothing_outside_of_the_bundles_is_ever_discarded(registry: Registry) -> None:
    (registry.bundles / "isle").mkdir()
    for path in ("../isle", "../../", "v9", "."):
        with pytest.raises(UnknownError, match="has no version"):
            registry.discard("town", path)
    assert (registry.bundles / "isle").is_dir()


def test_one_community_needs_no_name(registry: Registry) -> None:
    with pytest.raises(UnknownError, match="run belong train first"):
        registry.only_community()
    registry.promote("town", "v1")
    assert registry.only_community() == "town"
    add(registry.bundles, "v1", "village")
    registry.promote("village", "v1")
    with pytest.raises(UnknownError, match="town, village"):
        registry.only_community()
    with pytest.raises(UnknownError, match="run belong train first"):
        Registry(registry.bundles / "nowhere").only_community()


FULL = """
import resource, sys
from pathlib import Path
from engine.errors import BundleError
from engine.registry import Registry

resource.setrlimit(resource.RLIMIT_FSIZE, (5, 5))
try:
    Registry(Path(sys.argv[1])).promote("town", "v2")
except BundleError as error:
    sys.exit("refused: " + str(error))
"""


def test_a_disk_that_fills_while_promoting_keeps_the_old_one_current(registry: Registry) -> None:
    registry.promote("town", "v1")
    command = [sys.executable, "-c", FULL, str(registry.bundles)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.stderr.startswith("refused: "), done.stderr
    assert NOTHING_CHANGED in done.stderr
    assert current(registry) == "v1"
    assert sorted(os.listdir(registry.bundles / "town")) == ["current", "v1", "v2", "v3"]


def test_a_current_that_cannot_be_replaced_is_a_sentence(registry: Registry) -> None:
    (registry.bundles / "town" / "current" / "sub").mkdir(parents=True)
    with pytest.raises(BundleError, match=NOTHING_CHANGED):
        registry.promote("town", "v1")
    assert sorted(os.listdir(registry.bundles / "town")) == ["current", "v1", "v2", "v3"]
