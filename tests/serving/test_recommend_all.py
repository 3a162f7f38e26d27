"""A slate for every member in a file: `belong recommend --all --out FILE`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from belong.cli import app
from data.store.changes import DeleteGroup, PutBlock, apply_changes
from data.store.connect import open_store
from data.store.erasure import erase_member
from engine.answers import Suggestion
from engine.errors import SettingError, UnknownError
from engine.recommender import Recommender
from serving.recommend_all import write_slates
from tests.live_facts import bundle_of
from tests.serving.test_changes import prepared
from tests.world import MEMBERS, world


def written(folder: Path, *options: str) -> dict[str, list[str]]:
    out = folder / "slates.jsonl"
    ended = run("--bundles", folder / "bundles", "--all", "--out", out, *options)
    assert ended.exit_code == 0, ended.output
    assert [path.name for path in folder.glob(".slates*")] == []
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    return {line["member"]: [item["id"] for item in line["items"]] for line in lines}


def run(*words: object) -> Any:  # noqa: ANN401
    return CliRunner().invoke(app, ["recommend", *map(str, words)])


@pytest.fixture
def world_folder(world_bundles: Path, tmp_path: Path) -> Path:
    prepared(world_bundles, tmp_path)
    return tmp_path


def test_every_member_has_a_line_with_what_they_would_be_answered(world_folder: Path) -> None:
    for kind in ("groups", "members"):
        found = written(world_folder, "--kind", kind)
        assert set(found) == set(MEMBERS)
        alone = run("ana", "--bundles", world_folder / "bundles", "--kind", kind, "--json")
        items = json.loads(alone.output)["items"]
        assert found["ana"] == [item["id"] for item in items]
        assert all("probability" in item for item in items)


def test_what_has_changed_since_the_bundle_is_known(world_folder: Path) -> None:
    address = str(world_folder / "belong.sqlite3")
    assert "bo" in written(world_folder, "--kind", "members", "--store", address)["ana"]
    store = open_store(address)
    apply_changes(store, "world", [PutBlock("bo", "ana"), DeleteGroup("oven-talk")], time.time())
    erase_member(store, "world", "cy", time.time())
    store.close()
    people = written(world_folder, "--kind", "members", "--store", address)
    groups = written(world_folder, "--store", address)
    assert "bo" not in people["ana"]
    assert "cy" not in people
    assert not any("cy" in slate for slate in people.values())
    assert not any("oven-talk" in slate for slate in groups.values())


@pytest.mark.parametrize("words", [["ana", "--all"], [], ["--all"], ["ana", "--out", "x"]])
def test_one_member_or_all_of_them_and_a_file(world_folder: Path, words: list[str]) -> None:
    ended = run(*words, "--bundles", world_folder / "bundles")
    assert isinstance(ended.exception, SettingError)


def test_a_store_or_a_community_that_is_not_there_is_a_mistake(world_folder: Path) -> None:
    here = ("ana", "--bundles", world_folder / "bundles")
    assert isinstance(run(*here, "--store", world_folder / "none").exception, SettingError)
    assert isinstance(run(*here, "--community", "none").exception, UnknownError)


def test_a_file_that_cannot_be_finished_leaves_the_one_before(tmp_path: Path) -> None:
    out = tmp_path / "slates.jsonl"
    out.write_text("the one before")
    recommender = Recommender(bundle_of(world().snapshot))

    def ask(member: str, k: int) -> tuple[Suggestion, ...]:
        if member == "bo":
            raise OSError("no space left")
        return recommender.groups_for(member, k).items

    with pytest.raises(OSError, match="no space"):
        write_slates(out, recommender, ask, 5, lambda _: None)
    assert out.read_text() == "the one before"
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
