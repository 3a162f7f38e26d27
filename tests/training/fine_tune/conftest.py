"""One community to learn from, one model to start with, and one thread."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from data.community import Community
from tests.builders import community_of
from tests.training.fine_tune.two_tongues import tables, write_tiny_model


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Several threads are slower than one on a model as small as this."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def apart() -> Community:
    """Members and groups share no word: only learning brings them together."""
    return community_of(tables("m"), "apart")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that nobody changes."""
    return write_tiny_model(tmp_path_factory.mktemp("tiny"))
