"""The few shapes all pictures are made of; what they look like is the style's, by their class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias
from xml.etree.ElementTree import Element

from benchmarks.quality_html import Content, shape

Place: TypeAlias = tuple[float, float]
"""From the left, from the top."""


def picture(
    key: str, area: Place, title: str, description: str, shapes: Sequence[Element]
) -> Element:
    """Return a drawing that says what it shows to those who do not see it.

    Args:
        key: Ours, and of this picture only.
        area: Width and height.
        title: What it is.
        description: What is to be seen.
        shapes: What is drawn, the farthest first.
    """
    name, words = f"{key}-title", f"{key}-description"
    attributes = {
        "id": key,
        "role": "img",
        "aria-labelledby": f"{name} {words}",
        "viewBox": f"0 0 {area[0]:g} {area[1]:g}",
    }
    said = (
        shape("title", {"id": name}, title),
        shape("desc", {"id": words}, description),
    )
    return shape("svg", attributes, *said, *shapes)


def group(kind: str, hint: str, *shapes: Content) -> Element:
    """Return shapes that belong together; the hint shows where a pointer rests on them."""
    return shape("g", {"class": kind}, shape("title", {}, hint), *shapes)


def line(kind: str, start: Place, end: Place) -> Element:
    """Return a straight line."""
    return shape(
        "line", {"class": kind, "x1": start[0], "y1": start[1], "x2": end[0], "y2": end[1]}
    )


def path(kind: str, places: Sequence[Place]) -> Element:
    """Return a line through some places."""
    points = " ".join(f"{across:.1f},{down:.1f}" for across, down in places)
    return shape("polyline", {"class": kind, "points": points})


def box(kind: str, corner: Place, width: float, height: float) -> Element:
    """Return a rectangle by its upper left corner."""
    at = {"x": corner[0], "y": corner[1], "width": width, "height": height}
    return shape("rect", {"class": kind, **at})


def diamond(kind: str, centre: Place, half: float) -> Element:
    """Return a square that stands on a corner."""
    across, down = centre
    corners = [(across, down - half), (across + half, down), (across, down + half)]
    corners += [(across - half, down)]
    points = " ".join(f"{one:.1f},{other:.1f}" for one, other in corners)
    return shape("polygon", {"class": kind, "points": points})


def circle(kind: str, centre: Place, radius: float) -> Element:
    """Return a circle."""
    return shape("circle", {"class": kind, "cx": centre[0], "cy": centre[1], "r": radius})


def words(kind: str, place: Place, said: str, anchor: str = "start") -> Element:
    """Return text whose start, middle or end is at a place."""
    at: dict[str, str | float] = {"class": kind, "x": place[0], "y": place[1]}
    return shape("text", at | {"text-anchor": anchor}, said)


def clipped(text: str, most: int) -> str:
    """Return a text that has room.

    >>> clipped("recent popularity", 18), clipped("a very long name of a system", 10)
    ('recent popularity', 'a very lo…')
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"
