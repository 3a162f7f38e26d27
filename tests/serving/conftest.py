"""Served communities: the world, and one whose ids are as odd as ids may be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from engine.registry import Registry
from tests.odd_world import odd_community
from tests.serving.running import copied, running
from tests.world import NOW
from training.train import TrainSettings, Workshop, train


@pytest.fixture(scope="session")
def served(
    world_bundles: Path, workshop: Workshop, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A bundles folder with the world and the odd community; not to be changed."""
    folder = tmp_path_factory.mktemp("served") / "bundles"
    copied(world_bundles, folder)
    settings = TrainSettings(workshop.encoder.card.model, None, cache)
    moment = datetime.fromtimestamp(NOW, tz=UTC)
    train(odd_community(), settings, Registry(folder), moment)
    return folder


@pytest.fixture(scope="module")
def client(served: Path) -> Iterator[TestClient]:
    """A client of both communities."""
    with running(served) as client:
        yield client
