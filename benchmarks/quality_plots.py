"""Trade-offs between two measures, and calibration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias
from xml.etree.ElementTree import Element

from benchmarks.quality_charts import Show
from benchmarks.quality_figures import (
    Measured,
    decimals,
    percent,
    round_percent,
    shown,
    size,
    with_interval,
)
from benchmarks.quality_scales import Curve, Scale, around, digits, log_around
from benchmarks.quality_shapes import (
    Place,
    circle,
    clipped,
    diamond,
    group,
    line,
    path,
    picture,
    words,
)

WIDE, TALL = 400.0, 310.0
LEFT, RIGHT, TOP, BOTTOM = 48.0, 388.0, 32.0, 264.0
"""Where the axes end."""

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What is measured along an axis, and how its values are written; None to fit its ticks."""

    title: str
    show: Show | None = None
    log: bool = False


@dataclass(frozen=True, slots=True)
class Spot:
    """A point of a trade-off.

    Attributes:
        label: The setting, or the system.
        across: Where it stands from left to right.
        up: Where it stands from bottom to top.
        default: Whether this is what one gets without asking.
        beside: Whether it is another system, and not on the line.
    """

    label: str
    across: Measured
    up: Measured
    default: bool = False
    beside: bool = False

    @property
    def kind(self) -> str:
        """Its class in the drawing."""
        return "beside" if self.beside else "default" if self.default else "setting"

    @property
    def said(self) -> str:
        """Its label in the drawing."""
        return clipped(self.label, 22) + (" default" if self.default else "")


def trade_off(
    key: str, title: str, spots: Sequence[Spot], across: Axis, up: Axis
) -> Element | None:
    """Return settings as points on a line, in the order given; None if no point is known."""
    known = [spot for spot in spots if None not in (spot.across.value, spot.up.value)]
    if not known:
        return None
    fit = log_around if across.log else around
    x = fit([spot.across.value or 0.0 for spot in known], LEFT + 8, RIGHT - 8)
    y = around([end for spot in known for end in spot.up.known], BOTTOM, TOP)
    places = [(x.place(spot.across.value or 0.0), y.place(spot.up.value or 0.0)) for spot in known]
    on_line = [place for spot, place in zip(known, places, strict=True) if not spot.beside]
    shapes = [*_frame(x, y, across, up), path("path", on_line)]
    shapes += [_spot(spot, place, y) for spot, place in zip(known, places, strict=True)]
    shapes += _labels(known, places, y)
    said = "; ".join(
        f"{spot.said}: {across.title} {shown(spot.across.value, across.show or size)}, "
        f"{up.title} {with_interval(spot.up, up.show or decimals(3))}"
        for spot in known
    )
    return picture(key, (WIDE, TALL), title, said, shapes)


@dataclass(frozen=True, slots=True)
class Bin:
    """Suggestions of nearly the same stated chance."""

    predicted: float
    observed: Measured
    count: float

    @property
    def said(self) -> str:
        """What it says in words."""
        came = with_interval(self.observed, percent)
        return f"stated {percent(self.predicted)}, came true {came}"


def calibration(key: str, title: str, bins: Sequence[Bin]) -> Element:
    """Return stated chances against what came of them; a point's area is its count.

    Args:
        key: Ours, and of this picture only.
        title: What it is.
        bins: At least one, each with a value that was observed.
    """
    top = max(end for bin_ in bins for end in (bin_.predicted, *bin_.observed.known))
    top = min(1.0, top * 1.08) or 1.0
    curve = Curve.ROOT if crowded(bins) else Curve.LINEAR
    x, y = Scale(0, top, LEFT, RIGHT, curve), Scale(0, top, BOTTOM, TOP, curve)
    most = max(bin_.count for bin_ in bins) or 1.0
    shapes = _frame(x, y, Axis("stated chance", round_percent), Axis("came true", round_percent))
    shapes.append(line("ideal", (LEFT, BOTTOM), (RIGHT, TOP)))
    for bin_ in bins:
        across = x.place(bin_.predicted)
        radius = max(3.0, 13 * math.sqrt(max(bin_.count, 0.0) / most))
        bubble = circle("bubble", (across, y.place(bin_.observed.value or 0.0)), radius)
        shapes.append(
            group("bin", bin_.said, _upright("whisker", bin_.observed, across, y), bubble)
        )
    said = "; ".join(bin_.said for bin_ in bins)
    return picture(key, (WIDE, TALL), title, said, shapes)


def crowded(bins: Sequence[Bin]) -> bool:
    """Tell whether most chances are so small that the axes have to be stretched near 0."""
    stated = sorted(bin_.predicted for bin_ in bins)
    return stated[len(stated) // 2] < 0.2 * stated[-1]


def _frame(x: Scale, y: Scale, across: Axis, up: Axis) -> list[Element]:
    shapes = []
    write = up.show or decimals(digits(y.ticks()))
    for tick in y.ticks():
        at = y.place(tick)
        shapes.append(line("grid", (LEFT, at), (RIGHT, at)))
        shapes.append(words("tick", (LEFT - 8, at), write(tick), "end"))
    write = across.show or decimals(digits(x.ticks()))
    for tick in x.ticks():
        at = x.place(tick)
        shapes.append(line("axis", (at, BOTTOM), (at, BOTTOM + 5)))
        shapes.append(words("tick", (at, BOTTOM + 16), write(tick), "middle"))
    shapes.append(line("axis", (LEFT, BOTTOM), (RIGHT, BOTTOM)))
    shapes.append(words("label", (RIGHT, BOTTOM + 38), f"{across.title} →", "end"))
    shapes.append(words("label", (2, 12), f"↑ {up.title}"))
    return shapes


def _upright(kind: str, figure: Measured, across: float, y: Scale) -> Element | None:
    if figure.interval is None:
        return None
    low, high = (y.place(end) for end in figure.interval)
    return line(kind, (across, low), (across, high))


def _spot(spot: Spot, place: Place, y: Scale) -> Element:
    return group(
        f"spot {spot.kind}",
        spot.said,
        _upright("whisker", spot.up, place[0], y),
        circle("ring", place, 9.5) if spot.default else None,
        diamond("dot", place, 7) if spot.beside else circle("dot", place, 5.5),
    )


def _labels(spots: Sequence[Spot], places: Sequence[Place], y: Scale) -> list[Element]:
    """Return each point's label where it covers no point, line or other label, if there is room."""
    taken = list(_drawn(spots, places, y))
    shapes = []
    for spot, (across, down) in sorted(
        zip(spots, places, strict=True), key=lambda pair: not pair[0].default
    ):
        long = 7.2 * len(spot.said)
        corners = [
            (left, down + off)
            for off in (-14, 15, -30, 31)
            for left in (across + 12, across - 12 - long, across - long / 2)
        ]
        boxes = [(left, middle - 8, left + long, middle + 8) for left, middle in corners]
        inside = [box for box in boxes if box[0] >= LEFT and box[2] <= WIDE] or boxes
        box = min(inside, key=lambda box: sum(_overlap(box, other) for other in taken))
        taken.append(box)
        shapes.append(words(f"note {spot.kind}", (box[0], box[1] + 8), spot.said))
    return shapes


def _drawn(spots: Sequence[Spot], places: Sequence[Place], y: Scale) -> Iterator[Box]:
    """Yield what labels must not cover: points, their intervals, and pieces of the line."""
    for spot, (across, down) in zip(spots, places, strict=True):
        yield (across - 10, down - 9, across + 10, down + 9)
        if spot.up.interval is not None:
            low, high = (y.place(end) for end in spot.up.interval)
            yield (across - 2, high, across + 2, low)
    on_line = [place for spot, place in zip(spots, places, strict=True) if not spot.beside]
    for (left, start), (right, end) in pairwise(on_line):
        for step in range(1, 12):
            across, down = left + (right - left) * step / 12, start + (end - start) * step / 12
            yield (across - 2, down - 2, across + 2, down + 2)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
