"""Raw tables -> a community: every value judged, every reference checked, ids turned into rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import polars as pl

from data.cells import clean, shown
from data.community import Community, Rejection
from data.exchanges import ties_from_posts
from data.folder import RawTable, read_folder
from data.lines import LINE, check_columns
from data.postings import judge_posts
from data.sieve import Sieve, listed, rows_of
from data.typed import absent_table, typed_table
from engine.domain import REQUIRED_TABLES, TABLES
from engine.errors import DataError, SettingError


def read_community(
    path: Path, *, now: float, name: str | None = None, max_rejected_share: float = 0.05
) -> Community:
    """Read and validate a native folder.

    Args:
        path: The folder; see ``data.folder.read_folder``.
        now: Unix seconds; later dates are judged by it.
        name: What the community is called; the folder's name if None.
        max_rejected_share: See ``build_community``.

    Raises:
        DataError: The folder cannot be used; the message says which file and why.
    """
    raw, rejections = read_folder(path)
    called = path.resolve().name if name is None else name
    return build_community(called, raw, rejections, now=now, max_rejected_share=max_rejected_share)


def build_community(
    name: str,
    raw: Mapping[str, RawTable],
    rejections: Sequence[Rejection],
    *,
    now: float,
    max_rejected_share: float = 0.05,
) -> Community:
    """Judge every value of raw tables and connect them by row.

    Args:
        name: What the community is called.
        raw: The tables by name. Columns may have any type; see ``data.cells``.
        rejections: Lines already set aside while the files were read.
        now: Unix seconds. A date more than 366 days later is taken for a mistake.
        max_rejected_share: The share of a table's rows in [0, 1] that may be set aside; three
            rows always may.

    Returns:
        The community; its ``rejections`` are ordered by table, then line; those of files that
        hold no table come last.

    Raises:
        DataError: A required table or column is missing, there are no members or no groups,
            or too large a share of a table cannot be used.
        SettingError: ``max_rejected_share`` is not a share.
    """
    if not 0 <= max_rejected_share <= 1:
        raise SettingError(f"max_rejected_share must be in [0, 1], not {max_rejected_share}")
    _check_tables(raw)
    # An export may yield several tables from one file: its bad lines count once, in the first.
    owner = {raw[table].file: table for table in reversed(TABLES) if table in raw}

    def read(table: str) -> Sieve:
        if table not in raw:
            return absent_table(table)
        unread = [one for one in rejections if owner.get(one.file) == table]
        return typed_table(table, raw[table], unread, now)

    share = max_rejected_share
    members, groups = (_named(read(table), share) for table in ("members", "groups"))
    ids = {"member": rows_of(members.frame), "group": rows_of(groups.frame)}
    memberships = _memberships(read("memberships"), ids, share)
    posts = judge_posts(read("posts"), ids, groups.frame, share)
    ids["post"] = rows_of(posts.sieve.frame)
    shared = _participations(read("participations"), ids, share)
    ties, blocks = _ties(read("ties"), ids, share), _blocks(read("blocks"), ids, share)
    posted = posts.sieve.frame.drop(LINE)
    aside = [members, groups, memberships, posts.sieve, shared, ties, blocks]
    strays = [one for one in rejections if one.file not in owner]
    return Community(
        name=name,
        members=members.frame.drop(LINE),
        groups=_with_names(groups.frame.drop(LINE)),
        memberships=memberships.frame.drop(LINE),
        posts=posted,
        authors=posts.authors,
        post_groups=posts.post_groups,
        participations=shared.frame.drop(LINE).join(
            posts.authors, on=["post", "member"], how="anti", maintain_order="left"
        ),
        ties=ties.frame.drop(LINE) if "ties" in raw else ties_from_posts(posted, posts.authors),
        blocks=blocks.frame.drop(LINE),
        rejections=tuple(chain(*(sieve.rejections for sieve in aside), strays)),
    )


def _check_tables(raw: Mapping[str, RawTable]) -> None:
    for table in REQUIRED_TABLES:
        if table not in raw:
            raise DataError(f"there is no table {table}; {', '.join(REQUIRED_TABLES)} are needed")
    for table, given in raw.items():
        if table not in TABLES:
            raise DataError(f"there is no table called {table}; Belong has {', '.join(TABLES)}")
        check_columns(given.file, [c for c in given.frame.columns if c != LINE], TABLES[table])


def _named(sieve: Sieve, share: float) -> Sieve:
    """Return the members or the groups; a community without any is none."""
    sieve = sieve.with_unique_ids().checked(share)
    if sieve.frame.is_empty():
        why = f": {listed(sieve.rejections)}" if sieve.rejections else ""
        raise DataError(f"{sieve.file} holds no {sieve.table} that can be used{why}")
    return sieve


def _with_names(groups: pl.DataFrame) -> pl.DataFrame:
    name = pl.col("name")
    return groups.with_columns(name=pl.when(name == "").then(clean(pl.col("id"))).otherwise(name))


def _memberships(sieve: Sieve, ids: Mapping[str, pl.DataFrame], share: float) -> Sieve:
    """Return each pair once: who left and came back is in, since the first of the times."""
    for kind in ("member", "group"):
        sieve = sieve.resolve(kind, ids[kind], kind)
    sieve = sieve.checked(share)
    times = pl.col("n").sum()
    merged = sieve.frame.group_by("member", "group", maintain_order=True).agg(
        pl.col(LINE).first(),
        pl.col("first_ts").min(),
        n=pl.when(pl.col("n").is_not_null().any()).then(times),
        left_ts=pl.when(pl.col("left_ts").is_not_null().all()).then(pl.col("left_ts").max()),
    )
    return sieve.holding(merged.select(sieve.frame.columns))


def _participations(sieve: Sieve, ids: Mapping[str, pl.DataFrame], share: float) -> Sieve:
    """Return each pair once; saying twice that someone took part is no mistake."""
    for kind in ("post", "member"):
        sieve = sieve.resolve(kind, ids[kind], kind)
    sieve = sieve.checked(share)
    return sieve.holding(sieve.frame.unique(["post", "member"], keep="first", maintain_order=True))


def _two_people(sieve: Sieve, sides: tuple[str, str], members: pl.DataFrame, fault: str) -> Sieve:
    """Return rows that name two different members, as rows."""
    one, other = sides
    said = pl.format("member {} {}", shown(pl.col(one)), pl.lit(fault))
    sieve = sieve.without(pl.when(pl.col(one) == pl.col(other)).then(said))
    for side in sides:
        sieve = sieve.resolve(side, members, "member")
    return sieve


def _ties(sieve: Sieve, ids: Mapping[str, pl.DataFrame], share: float) -> Sieve:
    """Return each pair once, whichever way round it was given."""
    sieve = _two_people(sieve, ("a", "b"), ids["member"], "is tied to themself").checked(share)
    ordered = sieve.frame.with_columns(a=pl.min_horizontal("a", "b"), b=pl.max_horizontal("a", "b"))
    once = ordered.group_by("a", "b", maintain_order=True).agg(
        pl.col("first_ts").min(), pl.col("weight").max(), pl.col(LINE).first()
    )
    return sieve.holding(once)


def _blocks(sieve: Sieve, ids: Mapping[str, pl.DataFrame], share: float) -> Sieve:
    """Return each block once."""
    sides = ("member", "other")
    sieve = _two_people(sieve, sides, ids["member"], "blocks themself").checked(share)
    once = sieve.frame.unique(["member", "other"], keep="first", maintain_order=True)
    return sieve.holding(once)
