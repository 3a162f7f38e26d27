"""A backup of a running server, put into an empty place, answers as the server did."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from belong.cli import app
from engine.errors import SettingError, UserError
from engine.registry import Registry
from serving.settings import ServeSettings
from tests.serving.running import another_version, wait_until
from tests.serving.test_changes import HERE, done, groups, groups_or_none, people, prepared, serving
from tests.world import BREAD, MEMBERS


def run(*words: object) -> Any:  # noqa: ANN401
    return CliRunner().invoke(app, [str(word) for word in words])


def backed_up(folder: Path, *options: str) -> Path:
    out = folder / "backup"
    where = ("--bundles", folder / "bundles", "--store", folder / "belong.sqlite3")
    ended = run("backup", out, *where, *options)
    assert ended.exit_code == 0, ended.output
    return out


def answers(client: TestClient) -> dict[str, Any]:
    everybody = [name for name in MEMBERS if name != "cy"] + ["pia"]
    return {name: (groups(client, name), people(client, name)) for name in everybody}


@pytest.mark.parametrize("options", [[], ["--link"]])
def test_a_restored_backup_answers_as_the_server_did(
    world_bundles: Path, tmp_path: Path, options: list[str]
) -> None:
    settings = prepared(world_bundles, tmp_path)
    with serving(settings) as client:
        done(client.put(f"{HERE}/members/bo/blocks/ana"))
        done(client.put(f"{HERE}/members/pia", json={"text": BREAD, "audience": "adult"}))
        done(client.delete(f"{HERE}/members/cy"))
        done(client.delete(f"{HERE}/groups/new-pad"))
        wait_until(lambda: "oven-talk" in groups_or_none(client, "pia")[:2])
        out = backed_up(tmp_path, *options)
        before = answers(client)
        done(client.put(f"{HERE}/members/nia/blocks/ana"))  # after the backup
    new = tmp_path / "new"
    ended = run("restore", out, "--bundles", new)
    assert ended.exit_code == 0, ended.output
    restored = replace(settings, bundles=new, store=str(new / "belong.sqlite3"))
    with serving(restored) as client:
        assert answers(client) == before
        assert "nia" in people(client, "ana")
        assert client.get(f"{HERE}/members/cy/recommendations/groups").status_code == 404
        # And it goes on.
        seq = done(client.put(f"{HERE}/groups/launch-site/members/ana"))
        assert "launch-site" not in groups(client, "ana", min_sequence=seq)


def test_the_versions_before_and_which_is_current_are_kept(
    world_bundles: Path, tmp_path: Path
) -> None:
    prepared(world_bundles, tmp_path)
    registry = Registry(tmp_path / "bundles")
    first = registry.current("world").name
    another_version(registry, "world", "v2")
    registry.promote("world", "v2")
    out = backed_up(tmp_path)
    told = json.loads(run("restore", out, "--bundles", tmp_path / "new").output)
    assert told["communities"] == {"world": "v2"}
    new = Registry(tmp_path / "new")
    assert new.current("world").name == "v2"
    assert new.roll_back("world") == first


def test_bundles_that_change_meanwhile_are_copied_whole(
    world_bundles: Path, tmp_path: Path
) -> None:
    prepared(world_bundles, tmp_path)
    registry, stop = Registry(tmp_path / "bundles"), threading.Event()

    def promote() -> None:
        for place in range(30):
            another_version(registry, "world", f"v{place}")
            registry.promote("world", f"v{place}")
            if place > 2:
                registry.replace_version("world", f"v{place - 2}", f"v{place}")
                registry.discard("world", f"v{place - 2}")
            if stop.wait(0.01):
                break

    writer = threading.Thread(target=promote)
    writer.start()
    try:
        out = backed_up(tmp_path, "--link")
    finally:
        stop.set()
        writer.join()
    assert run("restore", out, "--bundles", tmp_path / "new").exit_code == 0
    with serving(ServeSettings(tmp_path / "new", poll_s=0.05, patience_s=0)) as client:
        assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("arrives", [True, False])
def test_a_current_version_that_came_after_the_others_were_copied_is_waited_for(
    world_bundles: Path, tmp_path: Path, arrives: bool
) -> None:
    prepared(world_bundles, tmp_path)
    registry = Registry(tmp_path / "bundles")
    another_version(registry, "world", "v2")
    registry.promote("world", "v2")
    version = registry.current("world")
    aside = version.rename(version.with_name(".v2"))  # hidden, as if not there yet
    late = threading.Timer(0.3, lambda: aside.rename(version) if arrives else None)
    late.start()
    where = ("--bundles", tmp_path / "bundles")
    ended = run("backup", tmp_path / "backup", *where, "--link")
    late.join()
    assert (ended.exit_code == 0) is arrives
    assert (tmp_path / "backup").exists() is arrives
    assert not list(tmp_path.glob(".backup*"))


@pytest.mark.parametrize("victim", ["store.sqlite3", "bundles/world/current", "extra"])
def test_a_damaged_backup_is_refused_by_the_name_of_the_file(
    world_bundles: Path, tmp_path: Path, victim: str
) -> None:
    prepared(world_bundles, tmp_path)
    out = backed_up(tmp_path)
    with (out / victim).open("ab") as file:
        file.write(b"x")
    ended = run("restore", out, "--bundles", tmp_path / "new")
    assert isinstance(ended.exception, SettingError)
    assert victim in str(ended.exception)
    assert not (tmp_path / "new").exists()


def test_a_backup_that_leads_elsewhere_is_refused(world_bundles: Path, tmp_path: Path) -> None:
    prepared(world_bundles, tmp_path)
    out = backed_up(tmp_path)
    (tmp_path / "secret").write_text("not of this backup")
    (out / "bundles" / "world" / "linked").symlink_to(tmp_path / "secret")
    ended = run("restore", out, "--bundles", tmp_path / "new")
    assert "linked leads elsewhere" in str(ended.exception)
    (out / "bundles" / "world" / "linked").unlink()
    for name, why in (("../..", "no community is called"), ("isle", "has no bundles of 'isle'")):
        card = json.loads((out / "backup.json").read_text("utf-8"))
        card["communities"] = {name: "v1"}
        (out / "backup.json").write_text(json.dumps(card), "utf-8")
        ended = run("restore", out, "--bundles", tmp_path / "new")
        assert isinstance(ended.exception, UserError)
        assert why in str(ended.exception)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", '{"format": 1}', '{"format": true}', "\x00"])
def test_a_card_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "backup.json").write_text(text, "utf-8")
    ended = run("restore", tmp_path, "--bundles", tmp_path / "new")
    assert isinstance(ended.exception, SettingError)
    assert "holds no backup that can be read" in str(ended.exception)


def test_nothing_is_overwritten(world_bundles: Path, tmp_path: Path) -> None:
    settings = prepared(world_bundles, tmp_path)
    out = backed_up(tmp_path)
    again = run("backup", out, "--bundles", settings.bundles)
    assert "never overwritten" in str(again.exception)
    full = run("restore", out, "--bundles", settings.bundles)
    assert "not empty" in str(full.exception)
    held = run("restore", out, "--bundles", tmp_path / "new", "--store", settings.store)
    assert "restore elsewhere" in str(held.exception)
    for ended in (again, full, held):
        assert isinstance(ended.exception, UserError)
    assert not list(tmp_path.glob(".backup*"))


def test_what_is_not_there_cannot_be_backed_up_or_restored(tmp_path: Path) -> None:
    for words in (
        ("backup", tmp_path / "out", "--bundles", tmp_path / "none"),
        ("backup", tmp_path / "out", "--bundles", tmp_path, "--store", tmp_path / "none"),
        ("restore", tmp_path / "none", "--bundles", tmp_path / "new"),
    ):
        assert isinstance(run(*words).exception, UserError), words


def test_bundles_without_a_store_are_backed_up_alone(world_bundles: Path, tmp_path: Path) -> None:
    settings = prepared(world_bundles, tmp_path)
    out = tmp_path / "backup"
    told = json.loads(run("backup", out, "--bundles", settings.bundles).output)
    assert told["sequences"] is None
    assert run("restore", out, "--bundles", tmp_path / "new").exit_code == 0
    assert not (tmp_path / "new" / "belong.sqlite3").exists()
