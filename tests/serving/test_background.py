"""What a worker does beside answering ends when the worker does."""

from __future__ import annotations

import time
from pathlib import Path

from data.store.connect import open_store
from data.store.leases import hold_lease
from serving.background import LEASE
from tests.serving.running import wait_until
from tests.serving.test_changes import HERE, done, people, prepared, serving
from tests.world import BREAD


def test_a_worker_that_stops_lets_another_embed_at_once(
    world_bundles: Path, tmp_path: Path
) -> None:
    settings = prepared(world_bundles, tmp_path)
    store = open_store(str(settings.store))
    with serving(settings) as client:
        done(client.put(f"{HERE}/members/pia", json={"text": BREAD, "audience": "adult"}))
        wait_until(lambda: "pia" in people(client, "cy")[:4])
        assert not hold_lease(store, LEASE, "another", time.time(), 1.0)
    assert hold_lease(store, LEASE, "another", time.time(), 1.0)
    store.close()
