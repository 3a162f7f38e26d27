"""A slate for every member, into a file: what `belong recommend --all --out FILE` does."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data.store.connect import open_store, store_url
from engine.answers import Suggestion
from engine.bundle import load_bundle
from engine.errors import SettingError
from engine.recommender import Recommender
from engine.registry import Registry
from serving.live import Live

STORE = "belong.sqlite3"
"""The store that is looked for beside the bundles."""

PATIENCE_S = 60.0
"""Seconds a statement may take."""


def recommender_now(bundles: Path, community: str, store: str | None) -> Recommender:
    """Return what answers for a community by its current bundle and all that is known since.

    Args:
        bundles: The folder of all bundles.
        community: Which.
        store: The store's address; None for the one in the bundles folder, if there is one.

    Raises:
        UnknownError: There is no such community.
        BundleError: Its bundle cannot be used.
        SettingError: There is no such store.
        StoreUnavailableError: The store cannot be used.
    """
    bundle = load_bundle(Registry(bundles).current(community), threads=0)
    where = store_url(store if store is not None else bundles / STORE)
    path = Path(where.removeprefix("sqlite:///"))
    if where.startswith("sqlite") and not path.exists():
        if store is not None:
            raise SettingError(f"there is no store {path}")
        return Recommender(bundle)
    opened = open_store(where, PATIENCE_S)
    try:
        live = Live(community, bundle, opened)
        live.catch_up()
        return live.recommender
    finally:
        opened.close()


def write_slates(
    out: Path,
    recommender: Recommender,
    ask: Callable[[str, int], tuple[Suggestion, ...]],
    limit: int,
    advance: Callable[[int], None],
) -> int:
    """Write a slate for every member, a line of JSON each; the whole file or nothing.

    Args:
        out: The file; one that is there already is replaced when the new one is whole.
        recommender: What answers.
        ask: Member and limit -> suggestions; one of its methods.
        limit: Items for each at most.
        advance: Told of every member that is done.

    Returns:
        How many members there are.

    Raises:
        OSError: The file cannot be written.
    """
    members = [one for one in recommender.bundle.snapshot.members.ids.tolist() if one]
    version = recommender.bundle.manifest.version
    with _whole(out) as path, path.open("w", encoding="utf-8", errors="surrogatepass") as file:
        for member in members:
            items = [row_of(item) for item in ask(member, limit)]
            line = {"member": member, "version": version, "items": items}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            advance(1)
        file.flush()
        os.fsync(file.fileno())
    return len(members)


def row_of(item: Suggestion) -> dict[str, Any]:
    """Return a suggestion for programs."""
    return {
        "id": item.id,
        "name": item.name,
        "score": item.score,
        "probability": item.probability,
        "reasons": [
            {"kind": why.kind, "text": why.text, "evidence": list(why.evidence)}
            for why in item.reasons
        ],
        "opening": item.opening,
    }


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """Give a path beside `out` that takes its place in one step, unless something goes wrong."""
    beside = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        yield beside
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
