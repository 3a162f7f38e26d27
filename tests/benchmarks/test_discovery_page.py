"""The page of a result of discoveries says how many hidden groups are found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from benchmarks import discoveries
from benchmarks.discoveries import examples
from benchmarks.discovery_page import SECTIONS, render_discoveries
from benchmarks.quality_figures import GAP
from engine.discoveries import Discovery, Founder
from engine.errors import DataError
from engine.explanations import Reason
from engine.group_gaps import NearGroup
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

KMEANS, HDB = "k-means, places, 8 a cluster", "HDBSCAN, conversations, from 3, eom"


def cut(groups: int, ours: float, ratio: float) -> dict[str, Any]:
    """Return a part in which HDBSCAN is the best peer."""
    return {
        "groups": groups,
        "found": {"discoveries": figure(ours), KMEANS: figure(0.4), HDB: figure(0.5)},
        "ratios": {
            f"discoveries / {KMEANS}": figure(1.3),
            f"discoveries / {HDB}": figure(ratio, half=0.1),
        },
    }


def a_result(ratio: float = 1.2) -> dict[str, Any]:
    return {
        "dataset": "town",
        "draws": 2,
        "tuned": 1,
        "settings": {"k-means": KMEANS, "HDBSCAN": HDB},
        "tried": {"k-means": 12, "HDBSCAN": 11},
        "proposed": [76, 75],
        "seconds": [8.0, 7.5],
        "lacked": cut(221, 0.6, ratio),
        "all_hidden": cut(375, 0.45, 0.8),
        "examples": [
            {
                "name": "Virgo",
                "description": "8 people whose interests meet",
                "founders": [{"name": f"u{one}", "reasons": ["They talk."]} for one in range(6)],
                "nearest": [{"name": "EuroPython", "reasons": ["It is broad."]}],
            }
        ],
        "machine": {"cores": 2},
        "command": "python -m benchmarks.discoveries town",
    }


@pytest.mark.parametrize(
    ("ratio", "start", "figures"),
    [
        (1.2, "Belong’s discoveries bring back 1.20 times", "(1.10 to 1.30)"),
        (0.5, "Belong is behind: its discoveries bring back 0.50", "(0.40 to 0.60)"),
        (1.0, "Inconclusive: Belong’s discoveries bring back", "between 0.90 and 1.10 times"),
    ],
)
def test_the_headline_says_no_more_than_the_interval_of_the_lacked(
    ratio: float, start: str, figures: str
) -> None:
    page = render_discoveries(a_result(ratio))
    headline = headline_of(page)

    assert headline.startswith(start)
    assert figures in headline
    assert "the best peer, HDBSCAN" in headline


def test_that_it_is_behind_over_all_hidden_groups_is_said_beside_it() -> None:
    page = render_discoveries(a_result())

    assert "Judged on 221 groups of town that were hidden in 2 draws" in page
    assert "brings back 0.80 (0.70 to 0.90) times as many as HDBSCAN" in page
    assert "the best at that: behind." in page


def test_peers_are_called_by_their_kind_and_their_settings_stand_apart() -> None:
    page = render_discoveries(a_result())
    compared = [said(row).replace(GAP, " ") for row in element(page, "compare").iter("tr")]
    peers = [said(row) for row in element(page, "peers").iter("tr")]

    assert compared[1:] == [
        "Belong60 % (59 % to 61 %)",
        "HDBSCAN50 % (49 % to 51 %)1.20 (1.10 to 1.30)",
        "k-means40 % (39 % to 41 %)1.30 (1.29 to 1.31)",
    ]
    assert peers[1] == "k-meansscikit-learnplaces, 8 a cluster12"
    assert peers[2] == "HDBSCANscikit-learnconversations, from 3, eom11"


def test_both_ways_of_counting_stand_side_by_side() -> None:
    section = element(render_discoveries(a_result()), "slices")
    lacked, whole = [said(row).replace(GAP, " ") for row in section.iter("tr")][1:]

    assert "Of 2 slices, Belong is ahead in 1, behind in 1." in said(section)
    assert lacked.startswith("lacked")
    assert lacked.endswith("1.20 (1.10 to 1.30)22160 %HDBSCAN 50 %")
    assert whole.startswith("all hidden")
    assert whole.endswith("0.80 (0.70 to 0.90)37545 %HDBSCAN 50 %")


def test_each_draw_says_what_it_proposed() -> None:
    section = element(render_discoveries(a_result()), "draws")

    assert [said(row) for row in section.iter("tr")][1:] == ["1768", "2757.5"]
    assert "Peers were tuned on another draw." in said(section)


def test_examples_have_founders_and_why_the_nearest_groups_do_not_serve() -> None:
    section = element(render_discoveries(a_result()), "examples")

    assert "Virgo8 people whose interests meet" in said(section)
    assert "u0They talk." in said(section)
    assert "2 more" in said(section)
    assert "EuroPythonIt is broad." in said(section)


def test_an_example_is_made_of_a_discovery() -> None:
    reason = Reason("shared_interest", "They talk of rye.", ("p1",))
    found = Discovery(
        "Rye",
        "4 people",
        ("rye",),
        (Founder("m1", "Ana", (reason,)),),
        (NearGroup("g1", "Bread", (Reason("too_broad", "It is broad.", ("g1",)),)),),
        0.4,
    )

    assert examples([found]) == [
        {
            "name": "Rye",
            "description": "4 people",
            "founders": [{"name": "m1", "reasons": ["They talk of rye."]}],
            "nearest": [{"name": "Bread", "reasons": ["It is broad."]}],
        }
    ]


@pytest.mark.parametrize(
    ("key", "sections"),
    [
        ("lacked", {"compare"}),
        ("proposed", {"draws"}),
        ("examples", {"examples"}),
        ("settings", {"peers"}),
        ("tried", set()),
        ("all_hidden", set()),
    ],
)
def test_what_was_not_measured_is_said_to_be_so(key: str, sections: set[str]) -> None:
    page = render_discoveries(a_result() | {key: None})

    absent = {one.key for one in SECTIONS if with_class(element(page, one.key), "absent")}
    assert absent == sections
    assert "None" not in page


def test_an_empty_result_is_a_page_that_says_so() -> None:
    page = render_discoveries({})

    assert "discoveries were not measured in this run" in page
    assert page.count("Not measured in this run.") == len(SECTIONS) - 2, "terms and caveats stay"


def test_figures_that_are_not_known_leave_a_page_that_can_be_read() -> None:
    page = Page(render_discoveries(nulled(a_result())))

    assert not page.open
    assert "None" not in "".join(page.text)


def test_nothing_from_data_becomes_part_of_the_page() -> None:
    page = Page(render_discoveries(hostile(a_result())))

    assert "script" not in page.started
    assert not page.open
    assert not [value for _, value in page.attributes if "alert" in value]
    everything = "".join(page.text)
    for word in ("town", "8 a cluster", "Virgo", "u3", "They talk.", "EuroPython", "cores"):
        assert f"{word}{EVIL}" in everything


def test_a_page_that_cannot_be_written_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(discoveries.main)
    page = str(tmp_path / "nowhere" / "out.html")

    done = CliRunner().invoke(
        app, ["no-data", "--json", str(tmp_path / "out.json"), "--report", page]
    )

    assert isinstance(done.exception, DataError)
    assert "out.html cannot be written" in str(done.exception)
