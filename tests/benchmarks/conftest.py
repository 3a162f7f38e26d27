"""A small town, and a comparison of it with peers that need no package; each is made once."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.comparison import CompareSettings, compare
from benchmarks.ours import OurSettings
from benchmarks.peers import Peer
from benchmarks.trials import Cuts
from data.community import Community
from tests.benchmarks.fake_peers import Counted, Speechless, TooSmall
from tests.benchmarks.small_town import day, small_town
from training.train import Workshop


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Community:
    """A town that nobody changes."""
    return small_town(tmp_path_factory.mktemp("towns") / "town")


@pytest.fixture(scope="session")
def compared(town: Community, workshop: Workshop) -> tuple[dict[str, Any], Counted]:
    """The result at two cuts, and the peer that remembers what it was fitted on."""
    counted = Counted()
    peers: dict[str, Peer] = {"counted": counted, "speechless": Speechless(), "big": TooSmall()}
    cuts = Cuts((day(town, 0.6), day(town, 0.8)), window_days=120)
    settings = CompareSettings(cuts, (OurSettings(intimacy=0.0), OurSettings(intimacy=1.0)))
    return compare(town, settings, workshop, peers), counted
