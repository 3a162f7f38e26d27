"""A town of three hundred, on disk, trained once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.community import Community
from data.town import make_town
from data.validate import read_community
from data.write import write_folder
from engine.manifest import Manifest
from engine.registry import Registry
from tests.conftest import MODEL
from training.train import TrainSettings, Workshop, train

WHEN = datetime(2026, 7, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Trained:
    """A town, where its tables lie, and the bundle made of it."""

    folder: Path
    community: Community
    registry: Registry
    manifest: Manifest


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory, workshop: Workshop, cache: Path) -> Trained:
    """A trained town. Tests that change its bundles make a copy."""
    folder = tmp_path_factory.mktemp("town") / "town"
    write_folder(make_town(300, seed=5).tables, folder)
    community = read_community(folder, now=WHEN.timestamp())
    registry = Registry(tmp_path_factory.mktemp("town-bundles"))
    manifest = train(community, TrainSettings(MODEL, None, cache), registry, WHEN)
    return Trained(folder, community, registry, manifest)
