"""The page of a result of rounds says how near pairs come to the best there are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from benchmarks import rounds
from benchmarks.quality_figures import GAP
from benchmarks.round_page import SECTIONS, near_all, render_rounds
from tests.benchmarks.quality_pages import (
    EVIL,
    Page,
    element,
    hostile,
    nulled,
    number,
    said,
    with_class,
)


def planned(members: int, size: int) -> dict[str, Any]:
    return {
        "members": members,
        "size": size,
        "opted_in": members - 100,
        "coverage": 0.999989,
        "mean_quality": 0.3726,
        "worst_quality": 0.0071,
        "seconds": 39.8,
        "cpu_seconds": 37.7,
        "peak_mb": 1598.8,
        "snapshot_mb": 894.3,
    }


def a_result() -> dict[str, Any]:
    return {
        "large": planned(100_000, 2),
        "bounded": {"members": 100_000, "weight": 990.0, "bound": 1000.0, "of_bound": 0.99},
        "exact": {
            "members": 1_000,
            "weight": 190.0,
            "exact": 191.0,
            "bound": 200.0,
            "of_exact": 0.99476,
            "of_bound": 0.95,
            "coverage": 0.998,
        },
        "circles": planned(10_000, 4),
        "machine": {"cpu": "fast", "cores": 2},
        "command": "python -m benchmarks.rounds",
    }


def test_the_headline_holds_pairs_against_the_exact_matching_and_the_bound() -> None:
    page = render_rounds(a_result())
    headline = page[page.index("<h1>") : page.index("</h1>")].replace(GAP, " ")

    assert "99.5 % of the summed quality of the exact matching" in headline
    assert "95.0 % of a bound" in headline
    assert "Of 100,000 members, 99.999 % of those who opted in were matched" in page.replace(
        GAP, " "
    )


@pytest.mark.parametrize("value", [0.9996, 0.99996, 0.999996])
def test_nearly_all_is_never_written_as_all(value: float) -> None:
    assert not near_all(value).startswith("100")
    assert near_all(1.0) == f"100{GAP}%"


def test_each_row_is_held_against_what_it_names() -> None:
    section = element(render_rounds(a_result()), "compare")
    rows = [said(row).replace(GAP, " ") for row in section.iter("tr")]

    assert rows[1:] == [
        "1,000 membersexact matching of the same candidates190.00191.0099.5 %",
        "1,000 membersbound over all pairs who may meet190.00200.0095.0 %",
        "100,000 membersbound over the same candidates990.001,000.0099.0 %",
    ]


def test_bars_are_as_long_as_the_summed_quality() -> None:
    chart = element(render_rounds(a_result()), "compare-weight")
    bound, exact, ours = (number(bar, "width") for bar in with_class(chart, "bar"))

    assert exact / bound == pytest.approx(191 / 200, abs=0.001)
    assert ours / bound == pytest.approx(190 / 200, abs=0.001)
    assert [said(row) for row in with_class(chart, "row") if with_class(row, "ours")]


def test_whole_rounds_say_who_is_matched_and_what_it_took() -> None:
    page = render_rounds(a_result())
    matched = [said(row).replace(GAP, " ") for row in element(page, "matched").iter("tr")]
    taken = [said(row) for row in element(page, "taken").iter("tr")]

    assert matched[1] == "pairs100,00099,90099.999 %0.3730.007"
    assert matched[2].startswith("circles of 410,0009,900")
    assert taken[1] == "pairs100,00039.837.71,598.8894.3"


def test_without_circles_there_is_no_row_of_them() -> None:
    result = a_result()
    del result["circles"]
    page = render_rounds(result)

    assert len(list(element(page, "matched").iter("tr"))) == 2
    assert not with_class(element(page, "matched"), "absent")


@pytest.mark.parametrize("result", [{}, nulled(a_result())], ids=["empty", "nulls"])
def test_what_was_not_measured_is_said_to_be_so(result: dict[str, Any]) -> None:
    page = render_rounds(result)

    assert "were not held against the exact matching in this run" in page
    assert not Page(page).open
    absent = {one.key for one in SECTIONS if with_class(element(page, one.key), "absent")}
    assert {"compare", "matched", "taken"} <= absent
    assert "None" not in page


def test_nothing_from_data_becomes_part_of_the_page() -> None:
    page = Page(render_rounds(hostile(a_result())))

    assert "script" not in page.started
    assert not page.open
    assert f"fast{EVIL}" in "".join(page.text)


def test_the_command_writes_the_page_of_what_it_measured(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(rounds.main)
    figures, page = tmp_path / "rounds.json", tmp_path / "rounds.html"

    done = CliRunner().invoke(
        app,
        ["--json", str(figures), "--members", "60", "--exact", "40", "--circles", "0",
         "--report", str(page)],
    )  # fmt: skip

    assert done.exception is None
    measured = json.loads(figures.read_text("utf-8"))
    shown = page.read_text("utf-8")
    assert f"{near_all(measured['exact']['of_exact'])} of the summed quality" in shown
    assert "cores" in said(element(shown, "provenance"))
