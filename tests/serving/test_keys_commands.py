"""`belong keys`: make, list, rotate, revoke, in a store that is named or that of the bundles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from data.store import STORE
from data.store.connect import open_store
from data.store.key_finder import KeyFinder, key_finder
from engine.errors import SettingError, UnknownError
from serving.key_commands import app

NOW = 4e9
"""Later than any key is made by the tests."""


def keys(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["keys", *map(str, arguments)])


def done(*arguments: object) -> str:
    result = keys(*arguments)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return str(result.stdout)


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    return tmp_path / "bundles"


@pytest.fixture
def finder(bundles: Path) -> Iterator[KeyFinder]:
    store = open_store(bundles / STORE)
    finder = key_finder(store)
    yield finder
    finder.close()
    store.close()


def test_a_key_is_shown_once_alone_on_its_line_and_works(bundles: Path, finder: KeyFinder) -> None:
    shown = done("create", "--name", "forum", "--scope", "read", "--scope", "write",
                 "--community", "town", "--community", "city", "--bundles", bundles)  # fmt: skip
    key = finder.find(shown.removesuffix("\n"), NOW)
    assert key
    assert key.name == "forum"
    assert key.scopes == {"read", "write"}
    assert key.communities == {"town", "city"}
    for told in (done("list", "--bundles", bundles), done("list", "--json", "--bundles", bundles)):
        assert key.id in told
        assert "forum" in told
        assert shown.strip().rpartition("_")[2] not in told


def test_a_store_that_is_named_is_used(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    done("create", "--name", "forum", "--scope", "host", "--all", "--store", path)
    (row,) = json.loads(done("list", "--json", "--store", path))
    assert (row["scopes"], row["communities"], row["revoked_ts"]) == (["host"], ["*"], None)


def test_rotating_shows_a_new_key_and_ends_the_old_one(bundles: Path, finder: KeyFinder) -> None:
    old = json.loads(
        done("create", "--name", "f", "--scope", "read", "--all", "--json", "--bundles", bundles)
    )
    new = json.loads(done("rotate", old["id"], "--json", "--bundles", bundles))
    assert finder.find(old["key"], NOW) is None
    found = finder.find(new["key"], NOW)
    assert found
    assert found.rotated_from == old["id"]


def test_a_grace_keeps_the_old_one_that_long(bundles: Path, finder: KeyFinder) -> None:
    old = done("create", "--name", "f", "--scope", "read", "--all", "--bundles", bundles).strip()
    done("rotate", old.split("_")[1], "--grace", 60, "--bundles", bundles)
    (ending, new) = json.loads(done("list", "--json", "--bundles", bundles))
    assert ending["revoked_ts"] == pytest.approx(new["created_ts"] + 60)
    assert finder.find(old, ending["revoked_ts"] - 1)
    assert finder.find(old, ending["revoked_ts"]) is None


def test_revoking_ends_a_key_at_once(bundles: Path, finder: KeyFinder) -> None:
    shown = done("create", "--name", "f", "--scope", "read", "--all", "--bundles", bundles).strip()
    assert finder.find(shown, NOW)
    assert "is revoked" in done("revoke", shown.split("_")[1], "--bundles", bundles)
    assert finder.find(shown, NOW) is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["--scope", "read"],
        ["--scope", "read", "--all", "--community", "town"],
        ["--scope", "read", "--community", "*"],
        ["--scope", "read", "--community", ""],
    ],
)
def test_a_key_for_nowhere_or_for_some_and_all_is_refused(
    bundles: Path, arguments: list[str]
) -> None:
    result = keys("create", "--name", "f", *arguments, "--bundles", bundles)
    assert isinstance(result.exception, SettingError)
    assert not bundles.exists()


@pytest.mark.parametrize("arguments", [["--all"], ["--all", "--scope", "admin"]])
def test_a_key_without_a_known_scope_is_refused(bundles: Path, arguments: list[str]) -> None:
    assert keys("create", "--name", "f", *arguments, "--bundles", bundles).exit_code == 2


@pytest.mark.parametrize("command", [["list"], ["revoke", "abc"], ["rotate", "abc"]])
def test_a_store_that_is_not_there_is_not_made_by_looking(
    bundles: Path, command: list[str]
) -> None:
    result = keys(*command, "--bundles", bundles)
    assert isinstance(result.exception, SettingError)
    assert "belong keys create" in str(result.exception)
    assert not bundles.exists()


def test_which_store_must_be_said() -> None:
    assert isinstance(keys("list").exception, SettingError)


@pytest.mark.parametrize("command", ["revoke", "rotate"])
def test_an_unknown_key_is_said_to_be_so(bundles: Path, finder: KeyFinder, command: str) -> None:
    result = keys(command, "feedfacecafe", "--bundles", bundles)
    assert isinstance(result.exception, UnknownError)
