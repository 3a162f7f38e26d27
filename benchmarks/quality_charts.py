"""Bars and ratios, with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from benchmarks.quality_figures import Measured, ratio_digits, shown, with_interval
from benchmarks.quality_scales import Scale, from_zero, log_around
from benchmarks.quality_shapes import box, circle, clipped, group, line, picture, words

Show = Callable[[float], str]

WIDE, LABELS, VALUES, ROW = 340.0, 116.0, 58.0, 25.0
"""A chart's width, the room for names and for values, the height of a row."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a bar chart."""

    label: str
    figure: Measured
    ours: bool = False


def bars(key: str, title: str, rows: Sequence[Bar], show: Show) -> Element:
    """Return horizontal bars from 0 with their intervals, in the order given."""
    ends = [end for row in rows for end in row.figure.known]
    scale = from_zero(ends, LABELS, WIDE - VALUES)
    tall = ROW * max(len(rows), 1)
    said = "; ".join(f"{row.label} {with_interval(row.figure, show)}" for row in rows)
    shapes = [_bar(row, (place + 0.5) * ROW, scale, show) for place, row in enumerate(rows)]
    shapes.append(line("axis", (LABELS, 0), (LABELS, tall)))
    return picture(key, (WIDE, tall), title, said, shapes)


def _bar(row: Bar, middle: float, scale: Scale, show: Show) -> Element:
    mine = " ours" if row.ours else ""
    value = row.figure.value
    long = 0.0 if value is None else scale.place(value) - scale.start
    return group(
        "row",
        f"{row.label}: {with_interval(row.figure, show)}",
        words(f"name{mine}", (LABELS - 8, middle), clipped(row.label, 18), "end"),
        words(f"value{mine}", (WIDE, middle), shown(value, show), "end"),
        None if value is None else box(f"bar{mine}", (LABELS, middle - 7), long, 14),
        *_whisker(row.figure, scale, middle),
    )


def _whisker(figure: Measured, scale: Scale, middle: float) -> list[Element]:
    if figure.interval is None:
        return []
    low, high = (scale.place(end) for end in figure.interval)
    ends = (low, middle), (high, middle)
    return [line("halo", *ends), line("whisker", *ends)]


RATIO_WIDE, RATIO_TALL = 170.0, 24.0
ROUND_RATIOS = (0.125, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.5, 2.0, 3.0, 5.0, 8.0)


@dataclass(frozen=True, slots=True)
class RatioMarks:
    """Draws ratios on one logarithmic scale, so that the rows of a table can be compared."""

    scale: Scale
    show: Show

    @classmethod
    def fitting(cls, ratios: Sequence[Measured]) -> RatioMarks:
        """Return marks on a scale that holds these ratios, from 1/8 to 8 at most."""
        ends = [min(max(end, 0.125), 8.0) for ratio in ratios for end in ratio.known]
        return cls(log_around([*ends, 0.9, 1.1], 10, RATIO_WIDE - 10), ratio_digits(ratios))

    def said(self, ratio: Measured) -> str:
        """Return a ratio in figures, with the digits of all."""
        return with_interval(ratio, self.show)

    def head(self, key: str) -> Element:
        """Return the axis, to stand above the marks."""
        held = [tick for tick in ROUND_RATIOS if self.scale.low <= tick <= self.scale.high]
        shapes = []
        for tick in sorted({held[0], 1.0, held[-1]}):
            at = self.scale.place(tick)
            if tick == 1 or abs(at - self.scale.place(1.0)) > 20:
                shapes.append(words("tick", (at, 14), f"{tick:g}", "middle"))
        return picture(key, (RATIO_WIDE, RATIO_TALL), "Scale of the ratios", "1 is equal", shapes)

    def mark(self, key: str, ratio: Measured, *, bar: bool = False) -> Element:
        """Return a ratio with its interval beside the line of 1, as a point or as a bar."""
        one, middle = self.scale.place(1.0), RATIO_TALL / 2
        shapes = [line("axis", (one, 0), (one, RATIO_TALL))]
        if ratio.value is not None:
            at = self.scale.place(ratio.value)
            if bar:
                shapes.append(box("bar", (min(one, at), middle - 6), abs(at - one), 12))
            shapes += _whisker(ratio, self.scale, middle)
            shapes += [] if bar else [circle("dot", (at, middle), 4.5)]
        return picture(key, (RATIO_WIDE, RATIO_TALL), "Ratio", self.said(ratio), shapes)
