"""What the command hides when it is not told, what it refuses, and what stays out of the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from benchmarks import introductions
from benchmarks.introductions import hidden_share, shared
from data.community import Community
from engine.errors import SettingError
from tests.builders import make


def test_ties_are_hidden_where_none_has_a_date(town: Community) -> None:
    undated = make(["ana", "bo"], ["g"], ties=[("ana", "bo", None, 1.0)])

    assert hidden_share(undated, None, by_time=False) == 0.2
    assert hidden_share(town, None, by_time=False) is None
    assert hidden_share(undated, None, by_time=True) is None
    assert hidden_share(town, 0.5, by_time=False) == 0.5


@pytest.mark.parametrize(
    "options",
    [["--hide-ties", "0.2", "--until", "80%"], ["--cold-seeds", "2"]],
)
def test_hiding_ties_and_cutting_by_time_are_not_mixed(options: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "town"
    folder.mkdir()
    (folder / "members.tsv").write_text("id\nana\nbo\n", "utf-8")
    (folder / "groups.tsv").write_text("id\ng\n", "utf-8")
    (folder / "memberships.tsv").write_text("member\tgroup\tfirst_ts\nana\tg\t1\n", "utf-8")
    (folder / "ties.tsv").write_text("a\tb\tfirst_ts\nana\tbo\t1\n", "utf-8")
    app = typer.Typer()
    app.command()(introductions.main)

    done = CliRunner().invoke(app, [str(folder), "--json", str(tmp_path / "out.json"), *options])

    assert isinstance(done.exception, SettingError)
    assert "--hide-ties" in str(done.exception)


def test_real_peoples_slates_are_not_among_the_figures() -> None:
    result = {"members": 3, "examples": [{"member": "m000001"}]}

    assert json.dumps(shared(result)) == '{"members": 3}'
