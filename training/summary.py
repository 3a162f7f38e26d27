"""What is in a community, in numbers a person can read at a glance."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from data.community import Community
from engine.domain import Visibility
from training.activity import first_of, last_of, taking_part


def summary(community: Community) -> dict[str, int | str]:
    """Return counts of what there is and of what is missing, by name."""
    members, groups, posts = community.members, community.groups, community.posts
    in_a_group = community.memberships["member"].n_unique()
    with_members = community.memberships["group"].n_unique()
    speaking = pl.concat([taking_part(community)["member"], community.memberships["member"]])
    silent = members.with_row_index("row").filter(
        (pl.col("text") == "") & ~pl.col("row").is_in(speaking.cast(pl.UInt32).implode())
    )
    return {
        "members": len(members),
        "members_with_a_profile": int((members["text"] != "").sum()),
        "members_without_a_group": len(members) - in_a_group,
        "members_of_whom_nothing_is_known": len(silent),
        "members_not_discoverable": int((~members["discoverable"]).sum()),
        "members_closed_to_introductions": int((~members["open_to_introductions"]).sum()),
        "groups": len(groups),
        "groups_without_members": len(groups) - with_members,
        "groups_not_public": int((groups["visibility"] != Visibility.PUBLIC.value).sum()),
        "memberships": len(community.memberships),
        "memberships_undated": community.memberships["first_ts"].null_count(),
        "posts": len(posts),
        "posts_not_public": int((~posts["public"]).sum()),
        "posts_undated": posts["ts"].null_count(),
        "participations": len(community.participations),
        "ties": len(community.ties),
        "blocks": len(community.blocks),
        "first_date": _day(first_of(community)),
        "last_date": _day(last_of(community)),
        "rows_set_aside": len(community.rejections),
    }


def _day(timestamp: float | None) -> str:
    return "none" if timestamp is None else f"{datetime.fromtimestamp(timestamp, tz=UTC):%Y-%m-%d}"
