"""Rows of columns put in the place of others: the handiwork of the overlay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.columns import Links, spliced
from engine.types import Rows, Vector

Column = TypeVar("Column", bound=NDArray[Any])

Row = tuple[Rows, Vector]
"""The targets of one row of links, ascending, and their weights."""


def even(rows: Iterable[int]) -> Row:
    """Return links to these rows, each of weight 1."""
    found = np.array(sorted(rows), np.int64)
    return found, np.ones(len(found), np.float32)


def extended(column: Column, values: Mapping[int, Any], size: int, fill: float = 0) -> Column:
    """Return a column of `size` rows with some values replaced; new ones not given are `fill`."""
    longer = np.full((size, *column.shape[1:]), fill, column.dtype)
    longer[: len(column)] = column
    for row, value in values.items():
        longer[row] = value
    return longer  # type: ignore[return-value]


def terms_left(terms: Links, posts: Rows, row: int, gone: set[int]) -> dict[int, tuple[float, int]]:
    """Return the weight and the post of a row's terms, but for those that `gone` posts showed."""
    found, weights = terms.of_row(row)
    start = int(terms.offsets[row])
    places = posts[start : start + len(found)]
    told = zip(found.tolist(), weights.tolist(), places.tolist(), strict=True)
    return {term: (weight, post) for term, weight, post in told if post not in gone}


def terms_of(found: Mapping[int, tuple[float, int]]) -> tuple[Row, Rows]:
    """Return terms with their weights, and their posts, from term -> (weight, post)."""
    order = sorted(found)
    weights = np.array([found[term][0] for term in order], np.float32)
    posts = np.array([found[term][1] for term in order], np.int64)
    return (np.array(order, np.int64), weights), posts


def terms_with(
    links: Links, shown: Rows, rows: Mapping[int, tuple[Row, Rows]], size: int
) -> tuple[Links, Rows]:
    """Return terms and the posts that show them, with some rows replaced."""
    parts = {row: (*terms, posts) for row, (terms, posts) in rows.items()}
    columns: list[NDArray[Any]] = [links.targets, links.weights, shown]
    offsets, [targets, weights, places] = spliced(links.offsets, columns, parts, size)
    return Links(offsets, targets, weights), places
