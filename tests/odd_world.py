"""A community whose name and ids are as odd as any platform's may be."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from data.community import Community
from tests.world import BREAD, ROCKETS, community

NAME = "tøwn? 100% #2 🚀"

IDS = (
    "a/b",
    "/",
    "a?b=c&d",
    "100%",
    "%2F",
    "two words",
    " ",
    "🚀",
    "..",
    ".",
    "a;b#c+d",
    "line\nbreak",
    "tab\there",
    "x/recommendations/groups",
    "é",  # one sign, and below its twin of two signs: different ids
    "e\u0301",
    "long" * 2_000,
    "[bold]x[/bold]",
    "<script>",
    '"quoted"\\',
)
"""Ids of its members, and of its groups."""


def odd_community() -> Community:
    """Return it. Everyone is in the group that bears the id before theirs."""
    ids = list(IDS)
    nothing = pl.Series([], dtype=pl.String)
    tables = {
        "members": pl.DataFrame({"id": ids, "text": [f"{ROCKETS}, {one}" for one in ids]}),
        "groups": pl.DataFrame({"id": ids, "text": [f"{BREAD}, {one}" for one in ids]}),
        "memberships": pl.DataFrame({"member": ids, "group": ids[-1:] + ids[:-1]}),
        "posts": pl.DataFrame({"id": nothing, "member": nothing}),
        "ties": pl.DataFrame({"a": nothing, "b": nothing}),
        "blocks": pl.DataFrame({"member": nothing, "other": nothing}),
    }
    return replace(community(tables), name=NAME)
