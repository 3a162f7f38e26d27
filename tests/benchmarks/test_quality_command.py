"""What the command refuses, and what of its result goes into which file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from benchmarks import quality
from engine.errors import SettingError
from tests.benchmarks.fake_peers import Counted
from tests.benchmarks.quality_pages import Page
from training.figures_file import without_nan


@pytest.mark.parametrize(
    "options",
    [["--until", "50%", "--until", "80%"], ["--validate", "50%"], ["--intimacy", "0.5"]],
)
def test_what_only_a_comparison_knows_is_refused_without_peers(
    options: list[str], tmp_path: Path
) -> None:
    app = typer.Typer()
    app.command()(quality.main)

    done = CliRunner().invoke(app, [str(tmp_path), "--json", str(tmp_path / "out.json"), *options])

    assert isinstance(done.exception, SettingError)
    assert "--peers" in str(done.exception)


def test_suggestions_to_real_members_are_on_the_page_and_not_among_the_figures(
    compared: tuple[dict[str, Any], Counted], tmp_path: Path
) -> None:
    result, _ = compared
    figures, page = tmp_path / "quality.json", tmp_path / "quality.html"

    quality.write_result(result, figures, page, {"cores": 2})

    shown = " ".join(Page(page.read_text("utf-8")).text)
    shared = json.loads(figures.read_text("utf-8"))
    assert set(shared) == {*result, "machine", "command"} - {"suggestions"}
    assert shared["systems"] == without_nan(result["systems"])
    written = json.dumps(shared, ensure_ascii=False)
    assert len(result["suggestions"]) > 3
    for one in result["suggestions"]:
        groups = [*one["known_by"], *(item["name"] for item in one["items"])]
        assert len(groups) > 3
        for name in (one["member"], *groups):
            assert name in shown
            assert name not in written
