"""What each command says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from engine.errors import BundleError
from engine.registry import Registry
from tests.belong.commands import HEAVY, belong, done, quick, written
from tests.world import tables


def first_member_called(name: str) -> pl.DataFrame:
    members = tables()["members"]
    return members.with_columns(
        name=pl.when(pl.col("id") == "bo").then(pl.lit(name)).otherwise("name")
    )


def test_train_list_promote_and_roll_back(
    world: Path, world_bundles: Path, cache: Path, tmp_path: Path
) -> None:
    bundles = tmp_path / "bundles"
    versions = []
    for _ in range(2):
        said = json.loads(done("train", world, "--bundles", bundles, "--cache", cache))
        assert said["community"] == "world"
        versions.append(said["version"])

    def current() -> list[str]:
        rows = json.loads(done("bundles", "list", "--bundles", bundles, "--json"))
        assert [row["version"] for row in rows] == versions
        assert {row["members"] for row in rows} == {14}
        return [row["version"] for row in rows if row["current"]]

    assert current() == versions[1:]
    assert versions[0] in done("bundles", "rollback", "--bundles", bundles)
    assert current() == versions[:1]
    assert versions[1] in done("bundles", "promote", versions[1], "--bundles", bundles)
    assert current() == versions[1:]


def test_versions_are_listed_whole_even_at_a_narrow_terminal(world_bundles: Path) -> None:
    (row,) = json.loads(done("bundles", "list", "--bundles", world_bundles, "--json"))
    ended = belong("bundles", "list", "--bundles", world_bundles, COLUMNS="80")
    assert row["version"] in ended.stdout


def test_a_version_that_is_not_current_can_be_removed(world_bundles: Path, tmp_path: Path) -> None:
    bundles = Path(shutil.copytree(world_bundles, tmp_path / "bundles"))
    current = Registry(bundles).current("world").name
    (bundles / "world" / "old").mkdir()  # nobody can read what has no manifest
    rows = json.loads(done("bundles", "list", "--bundles", bundles, "--json"))
    assert "manifest.json is missing" in {row["version"]: row["problem"] for row in rows}["old"]
    assert done("bundles", "remove", "old", "--bundles", bundles) == "old of world is gone\n"
    assert [one.version for one in Registry(bundles).versions("world")] == [current]
    kept = quick("bundles", "remove", current, "--bundles", bundles)
    assert isinstance(kept.exception, BundleError)
    assert Registry(bundles).current("world").is_dir()


def test_train_on_the_past_of_a_date_under_another_name(
    world: Path, cache: Path, tmp_path: Path
) -> None:
    options = ("--bundles", tmp_path, "--cache", cache, "--until", "50%", "--community", "past")
    assert json.loads(done("train", world, *options))["community"] == "past"
    (row,) = json.loads(done("bundles", "list", "--bundles", tmp_path, "--json"))
    assert (row["community"], row["members"]) == ("past", 14)


def test_recommend_suggests_groups_and_people_with_reasons(world_bundles: Path) -> None:
    groups = done("recommend", "ana", "--bundles", world_bundles)
    assert "Launch site" in groups
    assert "Mo, whom you already talk with, is here." in groups
    people = done("recommend", "ana", "--bundles", world_bundles, "--kind", "members")
    assert "Bo" in people
    assert "You both talk with Mo." in people


def test_recommend_for_programs_is_json_with_the_right_answers(world_bundles: Path) -> None:
    options = ("--bundles", world_bundles, "--json", "-k", "1")
    answer = json.loads(done("recommend", "ana", *options))
    assert (answer["community"], answer["member"]) == ("world", "ana")
    assert [item["id"] for item in answer["items"]] == ["launch-site"]
    assert set(answer["items"][0]["reasons"][0]) == {"kind", "text", "evidence"}
    people = json.loads(done("recommend", "ana", *options, "--kind", "members"))
    assert [item["id"] for item in people["items"]] == ["bo"]


def test_inspect_counts_for_people_and_for_programs(world: Path) -> None:
    assert "members closed to introductions" in done("inspect", world)
    facts = json.loads(done("inspect", world, "--json"))
    assert (facts["members"], facts["groups"], facts["ties"], facts["blocks"]) == (14, 9, 2, 2)
    assert facts["set_aside"] == []


def test_inspect_shows_what_was_set_aside(tmp_path: Path) -> None:
    ties = pl.DataFrame({"a": ["ana", "ana"], "b": ["mo", "[bold]nobody[/bold]"]})
    folder = written(tmp_path / "world", {"ties": ties})
    assert "ties.tsv:3: " in done("inspect", folder)
    assert "[bold]nobody[/bold]" in done("inspect", folder)
    (aside,) = json.loads(done("inspect", folder, "--json"))["set_aside"]
    assert (aside["file"], aside["line"]) == ("ties.tsv", 3)


@pytest.mark.parametrize("until", ["80%", "2025-03-25"])
def test_evaluate_measures_and_writes_plain_json(
    world: Path, cache: Path, tmp_path: Path, until: str
) -> None:
    file = tmp_path / "figures.json"
    said = done("evaluate", world, "--cache", cache, "--until", until, "--json", file)
    assert "popularity" in said

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    figures = json.loads(file.read_text("utf-8"), parse_constant=refuse)
    assert figures["dataset"] == "world"
    assert figures["members"] > 0
    assert "belong" in figures["systems"]
    assert set(figures["introductions"]) == {"members", "systems", "ratios", "hidden_share"}


def test_evaluate_hides_ties_by_a_seed(world: Path, cache: Path, tmp_path: Path) -> None:
    def members_measured(seed: int) -> tuple[int, str]:
        file = tmp_path / "figures.json"
        options = ("--hide-ties", "0.3", "--seed", seed, "--json", file)
        result = quick("evaluate", world, "--cache", cache, *options)
        assert result.exit_code == 0, result.output
        introductions = json.loads(file.read_text("utf-8"))["introductions"]
        assert introductions["hidden_share"] == 0.3
        return introductions["members"], result.stderr

    # default_rng(1).random(2) is 0.51, 0.95: no tie is hidden; default_rng(0)'s is 0.64, 0.27.
    measured, said = members_measured(seed=1)
    assert measured == 0
    assert "not measured: introductions" in said
    assert members_measured(seed=0)[0] == 2


def test_evaluate_splits_by_a_column(tmp_path: Path, cache: Path) -> None:
    groups = tables()["groups"]
    rockets = ~pl.col("id").is_in(["bakers", "oven-talk"])
    site = pl.when(rockets).then(pl.lit("rockets")).otherwise(pl.lit("bread"))
    posts = tables()["posts"].with_columns(
        site=pl.when(pl.col("groups").list.first() == "bakers")
        .then(pl.lit("bread"))
        .otherwise(pl.lit("rockets"))
    )
    changed = {"groups": groups.with_columns(site=site), "posts": posts}
    folder, file = written(tmp_path / "world", changed), tmp_path / "figures.json"
    done("evaluate", folder, "--cache", cache, "--split-by", "site", "--json", file)
    figures = json.loads(file.read_text("utf-8"))
    assert set(figures["until"]) == {"bread", "rockets"}
    assert figures["members"] > 0


def test_without_dates_introductions_can_be_measured_by_hiding_ties(
    undated: Path, cache: Path, tmp_path: Path
) -> None:
    file = tmp_path / "figures.json"
    options = ("--cache", cache, "--hide-ties", "0.5", "--json", file)
    result = quick("evaluate", undated, *options)
    assert result.exit_code == 0, result.output
    assert "not measured: undated: groups by time: no membership here has a date" in " ".join(
        result.stderr.split()
    )
    figures = json.loads(file.read_text("utf-8"))
    assert figures["members"] == 0
    assert figures["introductions"]["members"] == 2
    assert figures["until"] is None


@pytest.mark.slow
def test_demo_shows_three_members_and_ends(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "belong").symlink_to(cache)
    options = ("--members", 300, "--no-serve", "--folder", tmp_path / "demo")
    ended = belong("demo", *options, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("╭") == 3
    assert "nobody to suggest" not in ended.stdout
    assert "belong serve --bundles" in ended.stdout


@pytest.mark.alone
def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = "import belong.cli, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert not HEAVY & set(loaded.stdout.split())
    started = time.monotonic()
    ended = belong("--help")
    assert time.monotonic() - started < 3  # about 0.3 s on an idle machine
    assert ended.returncode == 0
    for command in ("train", "evaluate", "inspect", "bundles", "serve", "recommend", "demo"):
        assert command in ended.stdout


# Names as they are


@pytest.mark.parametrize(
    "name", ["[bold]x[/bold]", "[/]", "[red]", ":rocket:", "back\\", "[link=x]y"]
)
def test_names_are_printed_as_they_are(cache: Path, tmp_path: Path, name: str) -> None:
    groups = tables()["groups"].with_columns(
        name=pl.when(pl.col("id") == "launch-site").then(pl.lit(name)).otherwise("name")
    )
    changed = {"members": first_member_called(name), "groups": groups}
    folder = written(tmp_path / name.replace("/", "|"), changed)
    done("train", folder, "--bundles", tmp_path / "b", "--cache", cache, "--community", "w")
    for kind in ("groups", "members"):
        said = done("recommend", "ana", "--bundles", tmp_path / "b", "--kind", kind)
        assert f" {name} " in said
    said = done("evaluate", folder, "--cache", cache)
    assert f"members of {folder.name} " in said
    assert f" {folder.name} " in done("inspect", folder)
