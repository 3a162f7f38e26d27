"""The page of a result of responders says what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from benchmarks import responders
from benchmarks.responder_page import SECTIONS, render_responders
from engine.errors import DataError
from tests.benchmarks.quality_pages import (
    EVIL,
    Page,
    element,
    figure,
    headline_of,
    hostile,
    nulled,
    said,
    with_class,
)


def system(three: float, ten: float) -> dict[str, Any]:
    return {
        "recall_at_3": figure(three),
        "recall_at_10": figure(ten),
        "coverage": 0.02,
        "gini": 0.9 + three / 10,
    }


def window(name: str, questions: int) -> dict[str, Any]:
    return {
        "name": name,
        "cut": 1_456_074_214.0,
        "questions": questions,
        "answers_to_be_found": 107,
        "answers_by_people_who_came_later_or_are_not_open": 100,
        "questions_that_nobody_who_could_be_named_answered": 9,
        "people": 550,
        "answers_before": 1_073,
    }


def a_result(ratio: float = 1.5) -> dict[str, Any]:
    """Return a result in which BM25 is the best of three, and the most active are of ten."""
    over = figure(ratio, half=0.1)
    return {
        "dataset": "town",
        "same_people_for_all_at_best": 0.4881,
        "systems": {
            "belong": system(0.3, 0.4),
            "bm25": system(0.2, 0.3),
            "most_active": system(0.1, 0.5),
        },
        "ratios": {
            "bm25": {"recall_at_3": over, "recall_at_10": figure(1.3)},
            "most_active": {"recall_at_3": figure(3.0), "recall_at_10": figure(0.8, half=0.1)},
        },
        "peers": {
            "bm25": {"package": "bm25s 0.3", "settings": {"k1": 1.2}, "tried": 12},
            "most_active": {"package": "numpy 2", "settings": {"half_life_days": 14.0}},
        },
        "windows": [window("beer", 70), window("", 30)],
        "not_measured": {"tiny": "too few questions"},
        "rehearsal": False,
        "caveat": "profiles are late",
        "cost": {"seconds": 3.0},
        "machine": {"cores": 2},
        "command": "python -m benchmarks.responders town",
    }


@pytest.mark.parametrize(
    ("ratio", "start", "figures"),
    [
        (1.5, "Belong’s three names hold 1.50 times", "(1.40 to 1.60)"),
        (0.5, "Belong is behind: its three names hold 0.50", "(0.40 to 0.60)"),
        (1.0, "Inconclusive: Belong’s three names hold", "between 0.90 and 1.10 times"),
    ],
)
def test_the_headline_says_no_more_than_the_interval_of_three_names(
    ratio: float, start: str, figures: str
) -> None:
    page = render_responders(a_result(ratio))
    headline = headline_of(page)

    assert headline.startswith(start)
    assert figures in headline
    assert "by the best peer, BM25" in headline


def test_that_ten_names_are_behind_is_said_beside_it() -> None:
    page = render_responders(a_result())

    assert "Judged on who answered 100 questions of town in 2 parts" in page
    assert "Ten names hold 0.80 (0.70 to 0.90) times as many as ten by most active" in page
    assert "the best at that: behind." in page


def test_systems_are_ordered_and_compared_by_three_names() -> None:
    section = element(render_responders(a_result()), "compare")
    rows = [said(row) for row in section.iter("tr")]

    assert rows[0].endswith("Belong / it, Recall@3")
    assert [row.split("0.")[0] for row in rows[1:]] == ["Belong", "BM25", "most active"]
    assert rows[2].endswith("1.50 (1.40 to 1.60)")
    assert "would have a recall@3 of 0.488" in said(section)


def test_what_nobody_could_find_is_counted_over_all_parts() -> None:
    section = element(render_responders(a_result()), "windows")

    assert "200 more answers came from people who came later" in said(section)
    assert "18 more questions have no answer by anybody who could be named" in said(section)
    rows = [said(row) for row in section.iter("tr")]
    assert rows[1].startswith("beer21 February 201670107550")
    assert rows[2].startswith("all21 February 2016")


def test_peers_are_shown_with_their_settings_and_how_many_were_tried() -> None:
    section = element(render_responders(a_result()), "peers")

    assert "bm25s 0.3k1 1.212" in said(section)
    assert "highest recall@3 on earlier windows" in said(section)
    assert "NDCG" not in said(section), "no figure that nobody has"


def test_a_rehearsal_is_called_one() -> None:
    assert "rehearsal" not in render_responders(a_result())
    assert "This is a rehearsal" in render_responders(a_result() | {"rehearsal": True})


def test_caveats_hold_what_the_result_says_of_itself() -> None:
    text = said(element(render_responders(a_result()), "caveats"))

    assert "Profiles are late." in text
    assert "tiny: too few questions." in text
    assert "each part is one draw of who is busy" in text


@pytest.mark.parametrize(
    ("key", "sections"),
    [
        ("systems", {"compare"}),
        ("windows", {"windows"}),
        ("peers", {"peers"}),
        ("ratios", set()),
        ("same_people_for_all_at_best", set()),
    ],
)
def test_what_was_not_measured_is_said_to_be_so(key: str, sections: set[str]) -> None:
    page = render_responders(a_result() | {key: None})

    absent = {one.key for one in SECTIONS if with_class(element(page, one.key), "absent")}
    assert absent == sections
    assert "None" not in page


def test_an_empty_result_is_a_page_that_says_so() -> None:
    page = render_responders({})

    assert "responders were not measured in this run" in page
    assert page.count("Not measured in this run.") == len(SECTIONS) - 2, "terms and caveats stay"


def test_nothing_from_data_becomes_part_of_the_page() -> None:
    page = Page(render_responders(hostile(a_result())))

    assert "script" not in page.started
    assert not page.open
    assert not [value for _, value in page.attributes if "alert" in value]
    everything = "".join(page.text)
    for word in ("town", "beer", "bm25", "bm25s 0.3", "too few questions", "cores"):
        assert f"{word}{EVIL}" in everything


def test_figures_that_are_not_known_leave_a_page_that_can_be_read() -> None:
    page = Page(render_responders(nulled(a_result())))

    assert not page.open
    assert "None" not in "".join(page.text)


def test_a_cut_that_is_no_date_is_not_known() -> None:
    result = a_result() | {"windows": [window("beer", 70) | {"cut": 1e300}]}

    assert "beern/a70" in said(element(render_responders(result), "windows"))


def test_a_page_that_cannot_be_written_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(responders.main)
    page = str(tmp_path / "nowhere" / "out.html")

    done = CliRunner().invoke(
        app, ["no-data", "--json", str(tmp_path / "out.json"), "--report", page]
    )

    assert isinstance(done.exception, DataError)
    assert "out.html cannot be written" in str(done.exception)
