"""The page of a quality result says what was measured, honestly and to everybody."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.quality_report import SECTIONS, render
from benchmarks.quality_style import DARK, LIGHT
from tests.benchmarks.quality_pages import (
    EVIL,
    Page,
    a_result,
    element,
    figure,
    headline_of,
    hostile,
    nulled,
    number,
    said,
    with_class,
)

# The headline


@pytest.mark.parametrize(
    ("ratio", "start", "figures"),
    [
        ((1.25, 1.1, 1.4), "Belong’s ten suggestions are worth 1.25 times", "(1.10 to 1.40)"),
        ((0.8, 0.7, 0.9), "Belong is behind:", "(0.70 to 0.90)"),
        ((1.05, 0.9, 1.2), "Inconclusive:", "between 0.90 and 1.20 times"),
        ((1.0, 1.0, 1.0), "Inconclusive:", "between 1.00 and 1.00 times"),
        ((1.003, 1.001, 1.005), "Belong’s ten suggestions", "(1.001 to 1.005)"),
    ],
)
def test_the_headline_says_no_more_than_the_interval(
    ratio: tuple[float, float, float], start: str, figures: str
) -> None:
    page = render(a_result(ratio))
    headline = headline_of(page)
    assert headline.startswith(start)
    assert figures in headline
    assert "best peer, EASE" in headline


def test_a_ratio_without_an_interval_settles_nothing() -> None:
    result = a_result()
    result["ratios"]["ease"]["ndcg_at_10"] |= {"low": None}
    assert "not how far apart" in render(result)


def test_joins_that_last_are_compared_with_the_best_peer_at_them() -> None:
    result = a_result()
    result["systems"]["bpr"]["belonging_ndcg_at_10"] = figure(0.19)
    result["ratios"]["bpr"]["belonging_ndcg_at_10"] = figure(1.05, half=0.1)
    assert "worth 1.05 (0.95 to 1.15) times those of BPR, inconclusive." in render(result)


# What is drawn


def test_bars_are_as_long_as_their_values_and_the_best_comes_first() -> None:
    chart = element(render(a_result()), "compare-ndcg_at_10")
    rows = with_class(chart, "row")
    assert [row[0].text for row in rows] == [
        "Belong: 0.200 (0.190 to 0.210)",
        "EASE: 0.160 (0.150 to 0.170)",
        "BPR: 0.100 (0.090 to 0.110)",
    ]
    # From 0 to 0.21, the highest end, there are 340 - 58 - 116 = 166 units.
    lengths = [number(bar, "width") for bar in with_class(chart, "bar")]
    assert lengths == pytest.approx([166 * value / 0.21 for value in (0.2, 0.16, 0.1)], abs=0.01)
    whisker = with_class(rows[1], "whisker")[0]
    ends = [number(whisker, "x1") - 116, number(whisker, "x2") - 116]
    assert ends == pytest.approx([166 * 0.15 / 0.21, 166 * 0.17 / 0.21], abs=0.01)
    assert [said(row) for row in rows if with_class(row, "ours")] == [said(rows[0])]


def test_lower_is_first_where_lower_is_better() -> None:
    rows = with_class(element(render(a_result()), "sizes-median_size"), "row")
    assert [row[0].text for row in rows] == [
        "Belong: 20 (18 to 22)", "EASE: 40 (38 to 42)", "BPR: 80 (78 to 82)"
    ]  # fmt: skip


def test_only_the_default_setting_is_marked_and_smaller_groups_are_to_the_left() -> None:
    page = render(a_result())
    chart = element(page, "intimacy-ndcg_at_10")
    (default,) = with_class(chart, ["spot", "default"][1])[:1]
    assert len(with_class(chart, "ring")) == 1
    assert default[0].text == "0.5 default"
    across = [number(dot, "cx") for dot in with_class(chart, "dot") if dot.tag == "circle"]
    assert across == sorted(across, reverse=True)  # settings 0, 0.5, 1: sizes 80, 20, 5
    # On a logarithmic axis 80 to 20 is as far as 20 to 5.
    assert across[0] - across[1] == pytest.approx(across[1] - across[2], abs=0.02)
    assert page.count("(default)") == 2  # one row of each table of settings


def test_a_point_on_the_diagonal_came_true_as_stated_and_its_area_is_its_count() -> None:
    chart = element(render(a_result()), "calibration-plot")
    often, seldom = with_class(chart, "bubble")
    ideal = with_class(chart, "ideal")[0]
    rise = (number(ideal, "y2") - number(ideal, "y1")) / (number(ideal, "x2") - number(ideal, "x1"))
    for point, on_it in ((often, True), (seldom, False)):
        line = number(ideal, "y1") + rise * (number(point, "cx") - number(ideal, "x1"))
        assert (abs(line - number(point, "cy")) < 0.05) is on_it
    assert (number(often, "r") / number(seldom, "r")) ** 2 == pytest.approx(9, rel=0.01)


def test_a_column_that_is_needed_has_a_bar_to_the_left_and_comes_first() -> None:
    page = render(a_result())
    (one,) = with_class(element(page, "ablation-0"), "axis")
    (bar,) = with_class(element(page, "ablation-0"), "bar")
    assert number(bar, "x") + number(bar, "width") == pytest.approx(number(one, "x1"), abs=0.02)
    assert number(bar, "width") > 10
    assert number(with_class(element(page, "ablation-1"), "bar")[0], "width") == 0
    rows = [said(row) for row in element(page, "ablation").iter("tr")][1:]
    assert [row.split()[0] for row in rows] == ["vitala", "sparea"]
    assert "needed" in rows[0]
    assert "no difference shown" in rows[1]


# What is said


def test_a_slice_is_compared_with_the_best_peer_in_it() -> None:
    section = element(render(a_result()), "slices")
    row = said(list(section.iter("tr"))[1])
    assert "behind" in row
    assert "0.50 (0.40 to 0.60)" in row
    assert "BPR 0.200" in row


def test_chances_that_are_too_bold_are_called_so() -> None:
    text = said(element(render(a_result()), "calibration"))
    assert "The slope is 0.80 (0.70 to 0.90): too bold" in text
    assert "better than to state the same chance for every suggestion" in text


def test_only_suggestions_that_came_true_are_marked() -> None:
    section = element(render(a_result()), "suggestions")
    joined = [said(one) for one in section.iter("li") if with_class(one, "joined")]
    assert joined == ["Clay ✓ joined9 members · chance 25 %Ana is here."]
    assert "Of these 2 suggestions 1 came true" in said(section)
    assert "Chess 30 members" in said(section)
    assert said(next(section.iter("h3"))) == "Slow Yoga"


# What is missing


@pytest.mark.parametrize("null", [True, False])
@pytest.mark.parametrize(
    ("key", "sections"),
    [
        ("systems", {"compare", "sizes"}),
        ("slices", {"slices"}),
        ("intimacy", {"intimacy"}),
        ("exploration", {"exploration"}),
        ("calibration", {"calibration"}),
        ("ablation", {"ablation"}),
        ("suggestions", {"suggestions"}),
        ("peers", {"peers"}),
        ("ranker", {"ranker"}),
        ("ratios", set()),
        ("until", set()),
        ("members", set()),
    ],
)
def test_what_was_not_measured_is_said_and_not_drawn(
    key: str, sections: set[str], null: bool
) -> None:
    result = a_result()
    if null:
        result[key] = None
    else:
        del result[key]
    page = render(result)
    absent = {one.key for one in SECTIONS if with_class(element(page, one.key), "absent")}
    assert absent == sections
    assert "None" not in page


def test_an_empty_result_is_a_page_that_says_so() -> None:
    page = render({})
    assert "were not measured in this run" in page
    assert page.count("Not measured in this run.") == len(SECTIONS) - 2  # terms and caveats stay


def test_figures_that_are_null_or_not_finite_are_shown_as_not_known() -> None:
    page = render(nulled(a_result()))
    assert "None" not in page
    assert "n/a" in said(element(page, "peers"))
    result = a_result()
    result["systems"]["bpr"]["ndcg_at_10"] = figure(math.nan)
    row = with_class(element(render(result), "compare-ndcg_at_10"), "row")[-1]
    assert row[0].text == "BPR: n/a"
    assert not with_class(row, "bar")


# What it is safe for, and for whom


def test_whatever_data_says_is_text() -> None:
    page = render(hostile(a_result()))
    read = Page(page)
    assert "script" not in read.started
    assert not [value for _, value in read.attributes if "alert" in value]
    assert sum(text.count(EVIL) for text in read.text) > 50
    everything = "".join(read.text)
    for word in ("town", "bpr", "newcomers", "linear 1.0", "boosted", "vital", "m1", "Slow Yoga",
                 "Clay", "Ana is here.", "profiles are late"[1:], "cores"):  # fmt: skip
        assert f"{word}{EVIL}" in everything


def test_control_characters_and_halves_of_characters_do_not_break_the_page() -> None:
    page = render(a_result() | {"dataset": "a\x00b\x1b\ud800c", "caveat": "Née 🌱"})
    assert "a�b��c" in page
    assert "Née 🌱" in page
    page.encode("utf-8")


@pytest.mark.parametrize(
    "result",
    [a_result(), hostile(a_result()), nulled(a_result()), {}],
    ids=["whole", "hostile", "nulls", "empty"],
)
def test_every_element_is_closed_every_id_is_its_own_and_leads_somewhere(
    result: dict[str, Any],
) -> None:
    page = render(result)
    assert page.startswith("<!doctype html>\n")
    read = Page(page)
    assert read.open == []
    names = Counter(value for name, value in read.attributes if name == "id")
    assert [name for name, count in names.items() if count > 1] == []
    for name, value in read.attributes:
        if name == "aria-labelledby":
            assert set(value.split()) <= set(names)
        if name == "href":
            assert value.removeprefix("#") in names


def test_nothing_is_fetched_and_nothing_runs() -> None:
    page = render(a_result())
    read = Page(page)
    assert not {"script", "link", "img", "iframe", "object", "base"} & set(read.started)
    assert {name for name, _ in read.attributes} & {"src", "srcset", "style", "onload"} == set()
    for fetched in ("//", "url(", "@import", "http:", "https:"):
        assert fetched not in page


def test_every_picture_says_what_it_is_and_what_it_shows() -> None:
    page = render(a_result())
    body = ElementTree.fromstring(page[page.index("<body>") : page.index("</html>")])
    pictures = list(body.iter("svg"))
    assert len(pictures) > 10
    for picture in pictures:
        assert [one.tag for one in picture[:2]] == ["title", "desc"]
        assert all(one.text for one in picture[:2])
        assert picture.get("role") == "img"


def luminance(colour: str) -> float:
    """Return relative luminance (WCAG 2.2)."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_drawings_stand_out_from_the_paper(colours: dict[str, str]) -> None:
    for ground in ("paper", "card"):
        for ink, least in (("ink", 7), ("soft", 4.5), ("ours", 4.5), ("good", 4.5), ("bad", 4.5),
                           ("bar", 3)):  # fmt: skip
            light, dark = sorted((luminance(colours[ink]), luminance(colours[ground])))[::-1]
            assert (light + 0.05) / (dark + 0.05) >= least, (ink, ground)
