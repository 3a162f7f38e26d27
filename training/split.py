"""The past of a cut, and what was joined and who was met after it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from data.community import Community
from engine.domain import (
    DAY_S,
    LASTING_DAYS,
    LASTING_OBSERVED_DAYS,
    LASTING_TIMES,
    Visibility,
)
from engine.errors import SettingError
from training.activity import in_groups, last_of

PER_CENT = re.compile(r"(\d{1,2}(?:\.\d+)?)\s*%")


def cut_at(community: Community, until: str) -> float:
    """Return the second at which the past ends.

    Args:
        community: Whose joins decide what a share means.
        until: An ISO date (the past ends as that day begins, UTC) or a share such as `80%`, the
            moment by which that share of the dated joins had happened.

    Raises:
        SettingError: It is neither, nothing is dated, or one side would be empty.
    """
    joins = np.sort(community.memberships["first_ts"].drop_nulls().to_numpy())
    if not len(joins):
        raise SettingError("no membership here has a date, so nothing can be split by time")
    share = PER_CENT.fullmatch(until.strip())
    if share:
        cut = float(joins[int(len(joins) * float(share[1]) / 100)])
    else:
        try:
            moment = datetime.fromisoformat(until.strip())
            cut = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except ValueError:
            raise SettingError(
                "--until wants a date such as 2017-04-01 or a share such as 80%, not "
                f"{until[:80]!r}"
            ) from None
    if not joins[0] < cut <= joins[-1]:
        raise SettingError(
            f"--until {until.strip()[:80]!r} leaves nothing on one side: joins are dated "
            f"{_day(joins[0])} to {_day(joins[-1])}"
        )
    return cut


def past(community: Community, cut: float) -> Community:
    """Return what was known before `cut`, members and groups keeping their rows.

    A group founded later is there by its row only: nobody may see it yet.
    Posts, participations, ties and memberships count only if dated before the cut; `n` and
    `weight`, which sum over the whole data, are recounted or dropped. Profiles and descriptions
    are as of the end of the data: say so beside any figure that uses them. Blocks have no date
    and all hold.
    """
    kept = community.posts.with_row_index("post").cast({"post": pl.Int64})
    kept = kept.filter(pl.col("ts") < cut).with_row_index("row").cast({"row": pl.Int64})
    rows = kept.select("post", "row")
    parents = rows.rename({"post": "parent", "row": "parent_row"})
    posts = (
        kept.join(parents, on="parent", how="left", maintain_order="left")
        .with_columns(parent="parent_row")
        .drop("post", "row", "parent_row")
    )
    unfounded = (pl.col("created_ts") >= cut).fill_null(value=False)
    seen = pl.when(unfounded).then(pl.lit(Visibility.SECRET.value)).otherwise("visibility")
    early = replace(
        community,
        groups=community.groups.with_columns(visibility=seen),
        posts=posts,
        authors=_moved(community.authors, rows),
        post_groups=_moved(community.post_groups, rows),
        participations=_moved(community.participations, rows),
        ties=community.ties.filter(pl.col("first_ts") < cut).with_columns(weight=pl.lit(1.0)),
    )
    joined = community.memberships.filter(pl.col("first_ts") < cut)
    left = pl.when(pl.col("left_ts") < cut).then("left_ts")
    times = in_groups(early).group_by("member", "group").agg(n=pl.len().cast(pl.Float64))
    memberships = (
        joined.with_columns(left_ts=left)
        .drop("n")
        .join(times, on=["member", "group"], how="left", maintain_order="left")
        .select(community.memberships.columns)
    )
    return replace(early, memberships=memberships)


@dataclass(frozen=True, slots=True)
class Joins:
    """Joins in a window, as parallel columns.

    Attributes:
        members: Who joined: int64 of shape (n,).
        groups: What they joined: int64 of shape (n,).
        gains: 3 for a join that lasts, else 1: float32 of shape (n,).
        judged: Whether there are data for long enough after it to say so: bool of shape (n,).
    """

    members: np.ndarray[tuple[int], np.dtype[np.int64]]
    groups: np.ndarray[tuple[int], np.dtype[np.int64]]
    gains: np.ndarray[tuple[int], np.dtype[np.float32]]
    judged: np.ndarray[tuple[int], np.dtype[np.bool_]]


def joins_between(community: Community, cut: float, end: float) -> Joins:
    """Return the joins dated from `cut` up to `end`, graded by whether they lasted.

    Only what lies before `end` is looked at. Without any posts there is nothing to judge by.
    """
    joins = community.memberships.filter(
        (pl.col("first_ts") >= cut) & (pl.col("first_ts") < end)
    ).sort("member", "group")
    seen = (
        in_groups(community)
        .filter((pl.col("ts") >= cut) & (pl.col("ts") < end))
        .group_by("member", "group")
        .agg(times=pl.col("post").n_unique(), span=pl.col("ts").max() - pl.col("ts").min())
    )
    graded = joins.join(seen, on=["member", "group"], how="left", maintain_order="left")
    lasts = (pl.col("times") >= LASTING_TIMES) & (pl.col("span") >= LASTING_DAYS * DAY_S)
    observed = min(end, last_of(community) or end)
    judged = pl.lit(len(seen) > 0) & (
        pl.col("first_ts") <= observed - LASTING_OBSERVED_DAYS * DAY_S
    )
    graded = graded.with_columns(
        judged=judged, gain=pl.when(lasts.fill_null(value=False) & judged).then(3.0).otherwise(1.0)
    )
    return Joins(
        graded["member"].to_numpy(),
        graded["group"].to_numpy(),
        graded["gain"].to_numpy().astype(np.float32),
        graded["judged"].to_numpy(),
    )


def parts_by(community: Community, column: str) -> Iterator[tuple[str, Community]]:
    """Yield a community for each value of a column that groups and posts share, such as `site`.

    Members are those with a membership or a post in the part; all rows are renumbered.

    Raises:
        SettingError: Groups or posts have no such column.
    """
    for table, frame in (("groups", community.groups), ("posts", community.posts)):
        if column not in frame.columns:
            raise SettingError(
                f"--split-by {column}: {table} have no such column, only {', '.join(frame.columns)}"
            )
    for value in sorted(community.groups[column].drop_nulls().unique().to_list()):
        yield str(value), _part(community, column, value)


def _part(community: Community, column: str, value: object) -> Community:
    groups = _chosen(community.groups, pl.col(column).eq(value))
    posts = _chosen(community.posts, pl.col(column).eq(value))
    group_rows, post_rows = groups.select("old", "row"), posts.select("old", "row")
    inside = community.memberships.join(group_rows, left_on="group", right_on="old", how="semi")
    authors = community.authors.join(post_rows, left_on="post", right_on="old", how="semi")
    active = pl.concat([inside["member"], authors["member"]]).unique()
    members = _chosen(community.members, pl.int_range(pl.len()).is_in(active.implode()))
    rows = {"member": members, "other": members, "a": members, "b": members}
    rows |= {"group": groups, "post": posts, "parent": posts}
    renumbered = {
        table: _renumbered(getattr(community, table), rows)
        for table in ("memberships", "authors", "post_groups", "participations", "ties", "blocks")
    }
    parents = posts.join(
        post_rows.rename({"old": "parent", "row": "parent_row"}),
        on="parent",
        how="left",
        maintain_order="left",
    ).with_columns(parent="parent_row")
    return replace(
        community,
        name=f"{community.name}-{value}",
        members=members.drop("old", "row"),
        groups=groups.drop("old", "row"),
        posts=parents.drop("old", "row", "parent_row"),
        memberships=renumbered["memberships"],
        authors=renumbered["authors"],
        post_groups=renumbered["post_groups"],
        participations=renumbered["participations"],
        ties=renumbered["ties"],
        blocks=renumbered["blocks"],
    )


def _chosen(frame: pl.DataFrame, condition: pl.Expr) -> pl.DataFrame:
    numbered = frame.with_row_index("old").cast({"old": pl.Int64}).filter(condition)
    return numbered.with_row_index("row").cast({"row": pl.Int64})


def _renumbered(frame: pl.DataFrame, rows: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Replace old rows by new ones; what refers to something outside the part is dropped."""
    columns = frame.columns
    for name in columns:
        if name in rows:
            mapping = rows[name].select(pl.col("old").alias(name), pl.col("row").alias("_row"))
            frame = frame.join(mapping, on=name, how="inner", maintain_order="left")
            frame = frame.with_columns(pl.col("_row").alias(name)).drop("_row")
    return frame.select(columns)


def _moved(frame: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    joined = frame.join(rows, on="post", how="inner", maintain_order="left")
    return joined.with_columns(post="row").select(frame.columns)


def _day(timestamp: float) -> date:
    return datetime.fromtimestamp(float(timestamp), tz=UTC).date()
