"""Builds the elements of a page; whatever it is given as text is escaped when it is written.

Data only ever becomes text between tags, never an attribute: attributes are ours.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias
from xml.etree.ElementTree import Element, tostring

Content: TypeAlias = str | Element | None
"""What may stand inside an element; None is left out."""

NOT_FOR_A_PAGE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Control characters and halves of characters: no page may hold them."""


def node(tag: str, *children: Content) -> Element:
    """Return an element of HTML; what follows a dot in the tag is its class.

    >>> written(node("p.soft", "a < b, ", node("strong", "c")))
    '<p class="soft">a &lt; b, <strong>c</strong></p>'
    """
    name, _, kind = tag.partition(".")
    return shape(name, {"class": kind} if kind else {}, *children)


def shape(tag: str, attributes: Mapping[str, str | float], *children: Content) -> Element:
    """Return an element with attributes, as drawings need them; numbers are rounded.

    >>> written(shape("circle", {"r": 2.0, "cx": 1 / 3}))
    '<circle r="2" cx="0.33"></circle>'
    """
    made = Element(tag, {name: _attribute(value) for name, value in attributes.items()})
    for child in children:
        if isinstance(child, Element):
            made.append(child)
        elif child is not None:
            _add_text(made, NOT_FOR_A_PAGE.sub("\ufffd", child))
    return made


def table(
    key: str,
    caption: str,
    heads: Sequence[Content],
    rows: Sequence[Sequence[Content]],
    *,
    words: Collection[int] = (),
    ours: Collection[int] = (),
) -> Element:
    """Return a table that scrolls by itself where the screen is narrower.

    Args:
        key: Ours, and of this table only.
        caption: What it shows.
        heads: The columns' heads; the first column names the rows.
        rows: As many cells each.
        words: Columns of words; the others are numbers, set to the right.
        ours: Rows to be marked.
    """
    top = [_cell("th", head, place, words, "col") for place, head in enumerate(heads)]
    body = []
    for place, row in enumerate(rows):
        cells = [_cell("th", row[0], 0, words, "row")]
        cells += [_cell("td", cell, column, words) for column, cell in enumerate(row) if column]
        body.append(node("tr.ours" if place in ours else "tr", *cells))
    name = f"{key}-caption"
    # The caption stands outside, since inside it would be as wide as the table and scroll with it.
    said = shape("p", {"class": "caption", "id": name}, caption)
    parts = node("thead", node("tr", *top)), node("tbody", *body)
    whole = shape("table", {"aria-labelledby": name}, *parts)
    around = {"class": "scroll", "role": "region", "tabindex": "0", "aria-labelledby": name}
    return node("div.table", said, shape("div", around, whole))


def figure(chart: Element, note: str | None = None) -> Element:
    """Return a picture with a note under it."""
    return node("figure", chart, node("figcaption.note", note) if note else None)


def written(element: Element) -> str:
    """Return an element as HTML."""
    return tostring(element, encoding="unicode", method="html")


def _cell(
    tag: str, content: Content, column: int, words: Collection[int], scope: str = ""
) -> Element:
    attributes: dict[str, str | float] = {}
    if column:
        attributes["class"] = "words" if column in words else "number"
    if scope:
        attributes["scope"] = scope
    return shape(tag, attributes, content)


def _attribute(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def _add_text(made: Element, text: str) -> None:
    if len(made):
        made[-1].tail = (made[-1].tail or "") + text
    else:
        made.text = (made.text or "") + text
