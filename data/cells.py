"""How one cell becomes the value its column's kind promises, whatever the file held.

Every source agrees on one form first, text, so that 5, 5.0 and "5" are the same id in every
format; the kind then reads that text. Each function maps expressions to expressions.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import polars as pl

from engine.domain import DAY_S, MAX_TEXT, Column, Kind, Visibility

NESTED = "{...}"
"""Stands for an object or a list where a single value was expected: no kind can read it."""

LISTS = frozenset({Kind.MEMBERS, Kind.GROUPS})
NOTHING_WHEN_NESTED = frozenset({Kind.ID, Kind.TEXT, Kind.BAND})
"""Kinds that would take the mark above for a real value; they read a nested cell as none."""

EXACT = 2**53
"""From here on a float no longer tells neighbouring whole numbers apart."""

AHEAD_DAYS = 366
"""How far after now a date may lie: planned events are fine, a wrong unit is not."""

PLAUSIBLE_S = 631_152_000
"""1990-01-01: no community is older, so a smaller time is no sensible reading of a value."""

CONTROLS = r"[\p{Cc}--[\n\t]]"
ISO_TIME = (
    r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(\.\d+)?)? ?"
    r"(?:[Zz]|([+-]\d{2}):?(\d{2})?)?)?$"
)


def dtype_of(kind: Kind) -> pl.DataType:
    """Return the column type that holds values of this kind."""
    if kind in LISTS:
        return pl.List(pl.String())
    if kind in (Kind.TIME, Kind.NUMBER):
        return pl.Float64()
    return pl.Boolean() if kind is Kind.FLAG else pl.String()


def shown(text: pl.Expr) -> pl.Expr:
    """Quote a value for a message: at most 80 characters, none of which moves the cursor."""
    return pl.format("'{}'", text.str.head(80).str.replace_all(r"\p{Cc}", "?"))


def clean(text: pl.Expr) -> pl.Expr:
    """Remove control characters except newline and tab, cut to ``MAX_TEXT`` characters."""
    return text.str.replace_all(CONTROLS, "").str.head(MAX_TEXT)


def as_text(cell: pl.Expr, dtype: pl.DataType, kind: Kind) -> pl.Expr:
    """Return a cell of any type as text: null if there is none, ``NESTED`` if it cannot be.

    Whole numbers lose their ``.0``, because a column of ids with gaps often arrives as floats;
    not beyond 2**53, where the float is no longer the number that was meant, and so no id: two
    members must not become one. NaN is none.
    """
    if dtype == pl.String():
        return cell
    if dtype.is_float():
        whole = cell.round().eq(cell) & cell.abs().lt(EXACT)
        number = pl.when(whole).then(cell.cast(pl.Int64, strict=False).cast(pl.String))
        usable = cell.abs().lt(EXACT) if kind is Kind.ID else cell.is_not_nan()
        return pl.when(usable).then(number.otherwise(cell.cast(pl.String)))
    if isinstance(dtype, pl.Date | pl.Datetime):
        micros = cell.cast(pl.Datetime("us")).dt.epoch("us")
        if kind is Kind.TIME:
            return as_text(micros / 1e6, pl.Float64(), kind)
        return cell.cast(pl.String)
    if dtype.is_integer() or dtype.is_decimal() or dtype in (pl.Boolean, pl.Null, pl.Time):
        return cell.cast(pl.String)
    if dtype in (pl.Categorical, pl.Enum):
        return cell.cast(pl.String)
    mark = pl.lit(None if kind in NOTHING_WHEN_NESTED else NESTED, pl.String)
    return pl.when(cell.is_not_null()).then(mark)


def as_ids(cell: pl.Expr, dtype: pl.DataType, kind: Kind) -> pl.Expr:
    """Return a cell as a list of ids; a single value, or text holding a JSON array, will do."""
    if isinstance(dtype, pl.Array):
        return as_ids(cell.arr.to_list(), pl.List(dtype.inner), kind)
    if isinstance(dtype, pl.List):
        inner = pl.List(dtype.inner).inner
        element = inner if isinstance(inner, pl.DataType) else inner()
        return cell.list.eval(as_text(pl.element(), element, kind))
    text = as_text(cell, dtype, kind)
    return text.map_batches(_split_ids, return_dtype=pl.List(pl.String))


def _split_ids(cells: pl.Series) -> pl.Series:
    """Read each text as ids; only a column that holds JSON arrays costs Python calls."""
    if not cells.str.starts_with("[").any():
        return cells.to_frame().select(pl.concat_list(pl.all())).to_series()
    return list_series([_json_ids(text) for text in cells.to_list()], Kind.MEMBERS)


def _json_ids(text: str | None) -> object:
    if text is None or not text.startswith("["):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text  # an id may be any string, also one that starts with a bracket


def list_series(cells: Sequence[object], kind: Kind) -> pl.Series:
    """Return decoded JSON values, each one id or a list of them, as lists of text.

    They pass through JSON because polars builds a Python object for each list it is handed.
    """
    texts = []
    for cell in cells:
        items = cell if isinstance(cell, list) else [cell]
        ids = [i if type(i) is str else json_text(i, kind) for i in items]
        texts.append(orjson.dumps(ids).decode())
    return pl.Series(texts, dtype=pl.String).str.json_decode(pl.List(pl.String))


def json_text(cell: object, kind: Kind) -> str | None:
    """Return a decoded JSON value as text, by the rules of ``as_text``."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if abs(cell) >= EXACT:
            return None if kind is Kind.ID else repr(cell)
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, int):
        return str(cell)
    return None if kind in NOTHING_WHEN_NESTED else NESTED


def read_as(text: pl.Expr, column: Column) -> pl.Expr:
    """Return the value of a cell's text, or the column's ``unreadable`` value."""
    plain = text.str.strip_chars().str.to_lowercase()
    value: pl.Expr
    match column.kind:
        case Kind.TIME:
            return seconds(text)
        case Kind.NUMBER:
            number = plain.cast(pl.Float64, strict=False)
            value = pl.when(number.is_finite() & number.ge(0)).then(number)
        case Kind.FLAG:
            yes = plain.is_in(["true", "1", "yes"])
            no = plain.is_in(["false", "0", "no"])
            value = pl.when(yes).then(True).when(no).then(False)
        case Kind.VISIBILITY:
            value = pl.when(plain.is_in([str(name) for name in Visibility])).then(plain)
        case Kind.BAND:
            value = pl.when(plain.ne("")).then(plain)
        case Kind.TEXT:
            value = clean(text)
        case _:  # an id is any string but ''
            value = pl.when(text.ne("")).then(text)
    return value.fill_null(pl.lit(column.unreadable, dtype_of(column.kind)))


def seconds(text: pl.Expr) -> pl.Expr:
    """Return unix seconds from a number or an ISO-8601 date or date-time (naive means UTC)."""
    plain = text.str.strip_chars()
    number = plain.cast(pl.Float64, strict=False).fill_nan(None)
    part = [plain.str.extract(ISO_TIME, group) for group in range(1, 7)]
    minute = pl.concat_str(part[0], pl.lit(" "), part[1].fill_null("00:00"))
    start = minute.str.to_datetime("%Y-%m-%d %H:%M", strict=False, time_unit="us")
    second = part[2].cast(pl.Float64).fill_null(0)
    fraction = part[3].cast(pl.Float64, strict=False).fill_null(0)
    ahead = part[4].cast(pl.Float64, strict=False).fill_null(0) * 3600
    east = pl.when(part[4].str.starts_with("-")).then(-60.0).otherwise(60.0)
    offset = ahead + east * part[5].cast(pl.Float64, strict=False).fill_null(0)
    iso = start.dt.epoch("us") / 1e6 + second + fraction - offset
    return pl.coalesce(number, pl.when(second.le(60)).then(iso))


def time_fault(name: str, text: pl.Expr, now: float) -> pl.Expr:
    """Return why a cell of a TIME column cannot be used, or null."""
    value, latest = seconds(text), now + AHEAD_DAYS * DAY_S
    said = pl.format("{} {}", pl.lit(name), shown(text))
    milli = (value / 1000).is_between(PLAUSIBLE_S, latest)
    hint = pl.when(milli).then(pl.lit(" (are these milliseconds?)")).otherwise(pl.lit(""))
    late = pl.format("{} is more than a year from now{}", said, hint)
    return (
        pl.when(text.is_null() | text.str.strip_chars().eq(""))
        .then(pl.lit(None, pl.String))
        .when(value.is_null())
        .then(pl.format("{} is not a time in unix seconds", said))
        .when(value.lt(0))
        .then(pl.format("{} is before 1970", said))
        .when(value.gt(latest))
        .then(late)
    )
