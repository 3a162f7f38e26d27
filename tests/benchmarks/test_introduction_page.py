"""The page of a result of introductions says what was measured, and so do the README's tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.introduction_page import SECTIONS, render_introductions
from benchmarks.introduction_tables import introduction_goals, introduction_tables
from tests.benchmarks.quality_pages import EVIL, Page, element, figure, hostile, nulled, said
from training.figures_file import write_figures


def system(ndcg: float, gini: float) -> dict[str, Any]:
    return {
        "ndcg_at_10": figure(ndcg),
        "recall_at_10": figure(2 * ndcg),
        "coverage": figure(0.4),
        "gini": figure(gini),
    }


def a_result() -> dict[str, Any]:
    """Return a result in which Adamic-Adar is the best peer and shows a few people to all."""
    section = {
        "members": 100,
        "pairs": 70,
        "systems": {"belong": system(0.3, 0.4), "adamic_adar": system(0.2, 0.8)},
        "ratios": {
            "adamic_adar": {
                "ndcg_at_10": figure(1.5, half=0.2),
                "recall_at_10": figure(1.25, half=0.1),
                "gini": figure(0.5, half=0.1),
            }
        },
    }
    return {
        "dataset": "town",
        "rehearsal": False,
        "hidden_share": None,
        "until": "2017-04-01T00:00:00+00:00",
        "window_days": 91.0,
        **section,
        "about": "members who met somebody new",
        "slices": {
            "without_ties": {"about": "without any earlier tie", **section},
            "every_tie_hidden": {"about": "whose every tie is hidden", **section},
        },
        "fairness": {
            "peer": "adamic_adar",
            "gini_over_peer": figure(0.5, half=0.1),
            "ndcg_over_unpriced": figure(0.98),
            "never_shown": 0.25,
            "never_shown_by_peer": 0.5,
        },
        "policies": {"slates": 9, "shown": 1234, "broken": {"blocked": 0}, "broken_in_all": 0},
        "peers": {"adamic_adar": {"package": "scipy 1", "settings": {"x": 1}, "tried": 12}},
        "examples": [
            {"member": "m1", "known_by": "in Slow Yoga", "items": [
                {"member": f"m{place}", "known_by": "says rye", "met": place == 3,
                 "reasons": ["You are both in Slow Yoga."]} for place in range(2, 9)]}
        ],
        "cost": {"seconds": 3.0},
        "machine": {"cores": 2},
        "command": "python -m benchmarks.introductions town",
    }  # fmt: skip


def test_the_page_says_how_belong_does_beside_the_best_peer() -> None:
    page = render_introductions(a_result())

    assert "worth 1.50 times those of the best peer, Adamic/Adar" in " ".join(page.split())
    assert "Judged on whom 100 members met for the first time in the 91 days after" in page
    assert "70 new pairs" in page


def test_the_page_says_how_evenly_people_are_shown_and_what_it_costs() -> None:
    text = said(element(render_introductions(a_result()), "exposure"))

    assert "0.50 (0.40 to 0.60) times that of Adamic/Adar" in text
    assert "never shows 25" in text
    assert "NDCG@10 is 0.98 (0.97 to 0.99) times" in text


def test_the_page_counts_what_broke_a_policy_and_shows_whom_somebody_met() -> None:
    page = render_introductions(a_result())

    assert "Of 1,234 places of slates, 0 break a rule" in said(element(page, "policies"))
    assert said(element(page, "examples")).count("✓ met") == 1


def test_a_rehearsal_is_called_one() -> None:
    assert "rehearsal" not in render_introductions(a_result())
    assert "This is a rehearsal" in render_introductions(a_result() | {"rehearsal": True})


def test_hidden_ties_are_said_to_be_hidden() -> None:
    page = render_introductions(a_result() | {"hidden_share": 0.2})

    assert "with 20" in page
    assert "of all ties hidden" in page


def test_what_was_not_measured_is_said_to_be_so() -> None:
    page = render_introductions({})

    # Terms and caveats stay.
    assert page.count("Not measured in this run.") == len(SECTIONS) - 2


def test_figures_that_are_not_known_leave_a_page_that_can_be_read() -> None:
    page = Page(render_introductions(nulled(a_result())))

    assert not page.open
    assert "Not measured in this run." in page.text


def test_nothing_from_data_becomes_part_of_the_page() -> None:
    page = Page(render_introductions(hostile(a_result())))

    assert "script" not in page.started
    assert EVIL in " ".join(page.text)


def test_the_tables_hold_every_system_and_slice_and_the_goals_their_ratios(tmp_path: Path) -> None:
    result = a_result()
    write_figures(tmp_path / "introductions-lastfm.json", result)

    systems, slices, exposure = introduction_tables(result)
    goals = introduction_goals(tmp_path)

    assert "| adamic_adar (scipy 1) | 0.200 (0.190–0.210) |" in systems
    assert systems.splitlines()[-1].endswith("| 1.50 (1.30–1.70) |")
    assert slices.count("1.25 (1.15–1.35) × adamic_adar") == 2
    assert "gini / that of adamic_adar 0.50 (0.40–0.60)" in exposure
    assert "0 of 1,234 places break a policy" in exposure
    assert [*goals.values()] == [
        "1.50 (1.30–1.70) × adamic_adar",
        "1.25 (1.15–1.35) × adamic_adar",
        "lastfm 0.50 (0.40–0.60)",
        "lastfm 0.980 (0.970–0.990)",
        "0 of 1,234",
    ]


def test_what_is_not_measured_yet_is_no_goal(tmp_path: Path) -> None:
    assert introduction_goals(tmp_path) == {}
