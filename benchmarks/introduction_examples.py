"""Slates of a few members, with their reasons, to be read by people and never to be shared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape

from benchmarks.introduction_contenders import Ready
from benchmarks.introduction_ours import BelongPeople
from engine.columns import Links
from engine.snapshot import Snapshot

TERMS, GROUPS = 6, 4
"""Terms and groups told of each person."""


def examples(ready: Ready, belong: BelongPeople, count: int, seed: int) -> list[dict[str, Any]]:
    """Return some members who met somebody: who they are, whom they are shown, and why.

    Half of them had an earlier tie, where there are such.
    """
    rng = np.random.default_rng(seed)
    newly = rng.permutation(ready.newly)[: count // 2]
    others = rng.permutation(np.setdiff1d(ready.measured, ready.newly))[: count - len(newly)]
    return [_example(ready, belong, int(row)) for row in [*others, *newly]]


def told(shown: Sequence[dict[str, Any]], console: Console) -> None:
    """Print slates."""
    for one in shown:
        ties = f"{one['ties']} earlier ties"
        console.print(f"\n[bold]{escape(one['member'])}[/] ({escape(one['at'])}, {ties})")
        console.print(f"  {escape(one['known_by'])}")
        for place, item in enumerate(one["items"], start=1):
            mark = "[green]met[/] " if item["met"] else ""
            console.print(f"  {place}. {mark}{escape(item['member'])}: {escape(item['known_by'])}")
            for reason in item["reasons"]:
                console.print(f"       {escape(reason)}")


def _example(ready: Ready, belong: BelongPeople, row: int) -> dict[str, Any]:
    met = set(ready.right.groups[ready.right.lines == row].tolist())
    slate = belong.slates(np.array([row], dtype=np.int64))[0]
    items = [
        {
            "member": ready.ids[other],
            "known_by": _known_by(belong.snapshot, other),
            "met": other in met,
            "reasons": belong.reasons(row, other),
        }
        for other in slate[slate >= 0].tolist()
    ]
    ties = int(belong.snapshot.members.ties.counts()[row])
    known = _known_by(belong.snapshot, row)
    at = ready.meeting.name or "now"
    return {"member": ready.ids[row], "at": at, "ties": ties, "known_by": known, "items": items}


def _known_by(snapshot: Snapshot, row: int) -> str:
    """Return a member's groups and terms, the strongest first."""
    groups = [snapshot.groups.names[one] for one in _first(snapshot.members.groups, row, GROUPS)]
    terms = [snapshot.vocabulary[one] for one in _first(snapshot.members.terms, row, TERMS)]
    return f"in {', '.join(groups) or 'no group'}; says {', '.join(terms) or 'nothing'}"


def _first(links: Links, row: int, count: int) -> list[int]:
    targets, weights = links.of_row(row)
    return [int(one) for one in targets[np.argsort(-weights, kind="stable")][:count]]
