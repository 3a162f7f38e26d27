"""What several tests share: the encoder, opened once, and a trained world."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.registry import Registry
from tests.world import NOW, community
from training.train import TrainSettings, Workshop, open_workshop, train

pytest_plugins = ["tests.postgres", "tests.stores"]

MODEL = "all-MiniLM-L6-v2"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of exports and vectors for the whole session."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def workshop(cache: Path) -> Workshop:
    """The packaged encoder, exported, and the cache of its vectors."""
    return open_workshop(cache, MODEL)


@pytest.fixture(scope="session")
def world_bundles(
    tmp_path_factory: pytest.TempPathFactory, workshop: Workshop, cache: Path
) -> Path:
    """A bundles folder with the world in it. Tests that change it make a copy."""
    folder = tmp_path_factory.mktemp("bundles")
    train(
        community(),
        TrainSettings(MODEL, None, cache),
        Registry(folder),
        datetime.fromtimestamp(NOW, tz=UTC),
    )
    return folder
