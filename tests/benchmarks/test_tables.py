"""The figures in the README are those of the results, and nothing else of it is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.tables import BEGIN, END, PAGES, RESULTS, pages, tables, write_into
from engine.errors import DataError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["README.md", *sorted(set(PAGES.values()))])
def test_a_page_shows_what_the_results_say(tmp_path: Path, page: str) -> None:
    copy = tmp_path / "page.md"
    copy.write_text((ROOT / page).read_text("utf-8"), "utf-8")
    write_into(copy, pages(ROOT / RESULTS)[page])
    assert copy.read_text("utf-8") == (ROOT / page).read_text("utf-8")


def test_a_result_that_no_benchmark_is_known_to_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "quolity-town.json").write_text("{}", "utf-8")
    with pytest.raises(DataError, match="quolity-town"):
        tables(tmp_path, "README.md")


def test_only_what_stands_between_the_markers_is_replaced(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before {BEGIN} old {END} after", "utf-8")
    write_into(readme, "new")
    assert readme.read_text("utf-8") == f"before {BEGIN}\n\nnew\n\n{END} after"


def test_a_readme_without_a_place_for_tables_is_refused(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("no markers", "utf-8")
    with pytest.raises(DataError, match="no place for tables"):
        write_into(readme, "new")


def test_no_member_and_no_group_of_a_real_community_is_among_the_figures() -> None:
    paths = list((ROOT / RESULTS).glob("*.json"))
    assert paths
    for path in paths:
        assert "suggestions" not in json.loads(path.read_text("utf-8")), path
