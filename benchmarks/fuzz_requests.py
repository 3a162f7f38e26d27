"""What comes with a request or a command line, damaged: changes, cursors, keys, options."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from fastapi.exceptions import RequestValidationError

from benchmarks.fuzz_mutations import CELLS, damaged, odd_json
from benchmarks.fuzz_target import Attempt, expect
from data.store.api_key import EVERY_COMMUNITY, KeyScope
from data.store.changes import Change, apply_changes, create_community
from data.store.checks import checked
from data.store.connect import open_store, store_url
from data.store.key_finder import SqliteKeys
from data.store.keys import create_key
from engine.errors import GoneError
from engine.wanted import ANYTHING
from serving.bodies import MAX_CHANGES
from serving.changes import changes_of
from serving.cursors import MAX_PAGED, Page, Pages
from serving.keys import bearer
from serving.live import Live
from serving.metrics import Metrics
from serving.slates import Asked, Purpose, Slates

NOW = 1_750_000_000.0
TOWN = "town"

LINES: tuple[dict[str, Any], ...] = (
    {"change": "put_member", "member": "ana", "name": "Ana", "text": "rockets", "audience": "a"},
    {"change": "put_member", "member": "bo", "created_ts": 1.7e9, "language": "en", "place": "x"},
    {"change": "put_group", "group": "g1", "name": "Chess", "visibility": "private"},
    {"change": "put_group", "group": "g2", "capacity": 12, "text": "sourdough"},
    {"change": "put_membership", "member": "ana", "group": "g1", "first_ts": 1.7e9},
    {"change": "put_post", "post": "p", "members": ["ana"], "groups": ["g1"], "text": "hello"},
    {"change": "put_post", "post": "q", "members": ["bo"], "participants": ["ana"], "parent": "p"},
    {"change": "put_block", "member": "ana", "other": "bo"},
    {"change": "put_preferences", "member": "bo", "discoverable": False, "muted_topics": ["t"]},
    {"change": "delete_block", "member": "ana", "other": "bo"},
    {"change": "delete_membership", "member": "ana", "group": "g1"},
    {"change": "delete_post", "id": "q"},
    {"change": "delete_group", "id": "g2"},
    {"change": "delete_member", "id": "bo"},
)
"""One of each kind, in an order in which all can be made so."""

SAVED = 0.1
"""Share of the bodies that are made so in a store: that waits for a disk."""


def change_lines(place: Path) -> Attempt:
    """Return what damages the body of many changes: it is refused, or says what it says."""
    store = open_store(place / "belong.sqlite3")
    create_community(store, TOWN, NOW)

    def attempt(random: Random, folder: Path) -> bool:
        rows = [dict(line) for line in LINES]
        if random.random() < 0.5:
            for _ in range(random.choice((1, 2))):
                place = random.randrange(len(rows))
                rows[place] = odd_json(random, rows[place])
        body = b"\n".join(json.dumps(row).encode() for row in rows)
        if random.random() < 0.5:
            body = damaged(random, body)
        try:
            changes = changes_of(body)
        except RequestValidationError as error:
            expect(bool(error.errors()), "refused without a reason")
            return False
        expect(1 <= len(changes) <= MAX_CHANGES, f"{len(changes)} changes")
        _expect_said(body, changes)
        for place, change in enumerate(changes):
            checked(place, change, NOW)
        if random.random() < SAVED:
            apply_changes(store, TOWN, changes, NOW)
        return True

    return attempt


def _expect_said(body: bytes, changes: list[Change]) -> None:
    """Check that each change is what its line says: no word of it lost, none guessed."""
    rows = [json.loads(line) for line in body.split(b"\n") if line.strip()]
    for row, change in zip(rows, changes, strict=True):
        expect(type(row) is dict, f"{row!r} was taken for a change")
        name = type(change).__name__
        kind = "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name)[1:]
        expect(row["change"] == kind, f"{row['change']!r} was read as {kind}")
        for field, told in row.items():
            meant = getattr(change, field, getattr(change, "id", None))
            same = list(meant) == told if isinstance(meant, tuple) else meant == told
            expect(same or field == "change", f"{field} {told!r} was read as {meant!r}")


def cursors(place: Path) -> Attempt:
    """Return what damages a cursor: it is gone, or shows what is left of its slate."""
    from tests.live_facts import bundle_of
    from tests.world import world

    live, pages = Live("world", bundle_of(world().snapshot), None), Pages(Slates(Metrics()))
    asked = Asked("world", Purpose.GROUPS, "ana")
    first = asyncio.run(pages.first(live, asked, Page(1, 0, True, ""), ANYTHING))
    rest = asyncio.run(pages.after(live, asked, Page(MAX_PAGED, 0, True, str(first.cursor))))
    slate = [item.id for item in (*first.items, *rest.items)]

    def attempt(random: Random, folder: Path) -> bool:
        text = damaged(random, str(first.cursor).encode()).decode("utf-8", "surrogateescape")
        cursor = random.choice((text, text, random.choice(CELLS), str(first.cursor)))
        page = Page(random.randint(1, 5), 0, True, cursor)
        try:
            found = asyncio.run(pages.after(live, asked, page))
        except GoneError:
            expect(cursor != first.cursor, "a cursor that is good is gone")
            return False
        shown, begin = [item.id for item in found.items], int(cursor.partition(".")[2])
        expect(shown == slate[begin:][: page.limit], f"{cursor!r} shows {shown}")
        return True

    return attempt


def keys(place: Path) -> Attempt:
    """Return what damages the header with a key: only the very key that was made is one."""
    store = open_store(place / "belong.sqlite3")
    made = create_key(store, "fuzz", [KeyScope.READ], [EVERY_COMMUNITY], NOW)
    finder = SqliteKeys(store)
    header = f"Bearer {made.presented}".encode()

    def attempt(random: Random, folder: Path) -> bool:
        value = random.choice((damaged(random, header), header, header.swapcase()))
        headers = [(b"authorization", value)] * random.choice((1, 1, 1, 0, 2))
        presented = bearer(headers)
        found = None if presented is None else finder.find(presented, NOW)
        right = presented == made.presented
        expect((found is not None) is right, f"{value!r} was taken for a key, or not: {right}")
        return found is not None

    return attempt


def options(place: Path) -> Attempt:
    """Return what damages values of options that are read as a span, a date or an address."""
    from tests.builders import Membership, make
    from training.split import cut_at
    from training.worker_command import seconds_of

    town = make(["a"], ["g"], [Membership("a", "g", NOW)])
    readers: tuple[Callable[[str], object], ...] = (
        *(seconds_of, store_url),
        lambda text: cut_at(town, text),
    )
    samples = ("24h", "90m", "postgresql://u:p@h:5432/d", "sqlite:///x", "80%", "2025-01-01")

    def attempt(random: Random, folder: Path) -> bool:
        sample = random.choice((*samples, *CELLS)).encode("utf-8", "surrogatepass")
        random.choice(readers)(damaged(random, sample).decode("utf-8", "replace"))
        return True

    return attempt
