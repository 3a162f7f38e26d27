"""The commands between a folder, the store and a bundle."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.store.changes import PutMember, apply_changes
from data.store.connect import open_store
from engine.manifest import read_manifest
from engine.registry import Registry
from tests.belong.commands import belong, done, quick, written
from tests.world import NOW
from training.store_commands import read_from_store
from training.train import TrainSettings, train


def test_a_folder_goes_into_the_store_and_out_again(tmp_path: Path, store_address: str) -> None:
    data = written(tmp_path / "world")
    told = json.loads(done("import", data, "--store", store_address).splitlines()[-1])
    assert told["community"] == "world"
    assert told["sequence"] > 0
    again = json.loads(done("import", data, "--store", store_address).splitlines()[-1])
    assert again == told
    done("export", tmp_path / "out", "--store", store_address, "--community", "world")
    done("import", tmp_path / "out", "--store", store_address, "--community", "copy")
    done("export", tmp_path / "copy", "--store", store_address, "--community", "copy")
    for path in (tmp_path / "out").iterdir():
        assert (tmp_path / "copy" / path.name).read_bytes() == path.read_bytes()


def test_the_store_is_beside_the_bundles_unless_named(tmp_path: Path) -> None:
    done("import", written(tmp_path / "world"), "--bundles", tmp_path / "bundles")
    assert (tmp_path / "bundles" / "belong.sqlite3").is_file()
    community, stored = read_from_store(None, tmp_path / "bundles", None)
    assert (community.name, stored.watermark > 0) == ("world", True)
    assert Registry(tmp_path / "bundles").communities() == []


def test_a_bundle_from_the_store_names_the_entry_it_was_made_at(
    tmp_path: Path, cache: Path
) -> None:
    bundles = tmp_path / "bundles"
    done("import", written(tmp_path / "world"), "--bundles", bundles)
    store = open_store(bundles / "belong.sqlite3")
    seq = apply_changes(store, "world", [PutMember("zoe", text="late")], NOW)
    store.close()
    done("train", "--bundles", bundles, "--cache", cache)
    manifest = read_manifest(Registry(bundles).current("world"))
    assert manifest.watermark == seq
    assert manifest.settings["feedback"]["used"] is False  # nothing was ever suggested
    assert manifest.sizes["members"] == len(read_from_store(None, bundles, "world")[0].members)


def test_a_bundle_from_a_folder_knows_of_no_log(tmp_path: Path, cache: Path) -> None:
    from data.validate import read_community

    world = read_community(written(tmp_path / "world"), now=NOW)
    settings = TrainSettings("all-MiniLM-L6-v2", None, cache)
    moment = datetime.fromtimestamp(NOW, tz=UTC)
    manifest = train(world, settings, Registry(tmp_path / "bundles"), moment)
    assert manifest.watermark == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "--bundles", "{}/none"], "there is no store"),
        (["train", "{}", "--store", "x.db", "--bundles", "{}"], "give one of them"),
        (["import", "{}"], "no table"),
        (["export", "{}/out", "--store", "{}/none.db"], "make one with belong import"),
        (["export", "{}/out"], "say which store"),
    ],
)
def test_a_mistake_is_told(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "something").touch()
    result = quick(*(one.format(tmp_path) for one in arguments))
    assert said in str(result.exception)


def test_several_communities_are_told_apart_by_name(tmp_path: Path) -> None:
    data, store = written(tmp_path / "world"), tmp_path / "b.sqlite3"
    done("import", data, "--store", store)
    done("import", data, "--store", store, "--community", "isle")
    result = quick("export", tmp_path / "out", "--store", store)
    assert "isle, world" in str(result.exception)


def test_a_database_that_cannot_be_used_is_one_sentence_without_a_password(tmp_path: Path) -> None:
    address = "postgresql://ann:hunter2@127.0.0.1:1/belong"
    ended = belong("import", written(tmp_path / "world"), "--store", address)
    assert ended.returncode == 2
    assert "cannot be used now" in ended.stderr
    assert "hunter2" not in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr
