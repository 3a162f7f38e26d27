"""Rows pass one check after another; what falls through is kept with file, line and reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from data.cells import shown
from data.community import Rejection
from data.lines import LINE
from engine.errors import DataError

FEW = 3
"""So many rows may always be set aside: in a tiny table one bad row is a large share."""


@dataclass(frozen=True, slots=True)
class Sieve:
    """The rows of one table that are still in, and those that were set aside.

    Attributes:
        table: The table's name.
        file: Where it came from.
        frame: The rows still in, with ``_line``.
        rejections: The rows set aside.
        seen: How many rows there were at first, set aside or not.
    """

    table: str
    file: str
    frame: pl.DataFrame
    rejections: tuple[Rejection, ...]
    seen: int

    def holding(self, frame: pl.DataFrame) -> Sieve:
        """Return the same table with other rows or columns still in."""
        return replace(self, frame=frame)

    def without(self, reason: pl.Expr) -> Sieve:
        """Set aside the rows for which ``reason`` (a string or null) is not null."""
        judged = self.frame.with_columns(reason.cast(pl.String).alias("_reason"))
        bad = judged.filter(pl.col("_reason").is_not_null()).select(LINE, "_reason")
        kept = judged.filter(pl.col("_reason").is_null()).drop("_reason")
        aside = tuple(Rejection(self.file, line, why) for line, why in bad.iter_rows())
        return replace(self, frame=kept, rejections=self.rejections + aside)

    def with_unique_ids(self) -> Sieve:
        """Set aside rows without an id, and every later row with the id of an earlier one."""
        named = self.without(pl.when(pl.col("id").is_null()).then(pl.lit("has no id")))
        said = pl.format("duplicate id {}, first", shown(pl.col("id")))
        return named.without_repeats(["id"], said)

    def without_repeats(self, columns: Sequence[str], said: pl.Expr) -> Sieve:
        """Set aside every row that repeats the given columns of an earlier one."""
        key = pl.struct(columns) if len(columns) > 1 else pl.col(columns[0])
        again = self.frame.select(key.is_duplicated().any()).item()
        if not again:  # the usual case, and finding the first lines is the costly part
            return self
        first = pl.col(LINE).first().over(columns)
        reason = pl.format("{} on line {}", said, first)
        return self.without(pl.when(~key.is_first_distinct()).then(reason))

    def resolve(self, column: str, rows: pl.DataFrame, kind: str) -> Sieve:
        """Replace ids by rows; a row that names nothing known is set aside.

        Args:
            column: Holds the ids.
            rows: ``id`` and ``_row``, as ``rows_of`` gives them.
            kind: What the ids are of, for the message.
        """
        joined = self.frame.join(
            rows, left_on=column, right_on="id", how="left", maintain_order="left"
        )
        reason = (
            pl.when(pl.col(column).is_null())
            .then(pl.lit(f"has no {column}"))
            .when(pl.col("_row").is_null())
            .then(unknown(kind, pl.col(column)))
        )
        kept = self.holding(joined).without(reason)
        frame = kept.frame.with_columns(pl.col("_row").alias(column)).drop("_row")
        return kept.holding(frame)

    def checked(self, max_rejected_share: float) -> Sieve:
        """Return itself, or raise DataError when too many rows were set aside."""
        first = sorted(self.rejections, key=lambda one: one.line)
        if len(first) > max(FEW, max_rejected_share * self.seen):
            raise DataError(
                f"{self.table}: {len(first):,} of {self.seen:,} rows"
                f" ({len(first) / self.seen:.1%}) cannot be used, more than the"
                f" {max_rejected_share:.1%} allowed; the first: {listed(first)}"
            )
        return replace(self, rejections=tuple(first))


def listed(rejections: Sequence[Rejection]) -> str:
    """Return the first three rejections as one line of text."""
    return "; ".join(f"{one.file} line {one.line}: {one.reason}" for one in rejections[:3])


def unknown(kind: str, ids: pl.Expr) -> pl.Expr:
    """Return the reason for an id that nothing has."""
    return pl.format("unknown {} {}", pl.lit(kind), shown(ids))


def rows_of(frame: pl.DataFrame) -> pl.DataFrame:
    """Return ``id`` and ``_row``, the place of each id in its table."""
    return frame.select("id", pl.int_range(pl.len(), dtype=pl.Int64).alias("_row"))
