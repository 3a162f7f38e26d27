"""Peers whose packages only those who run benchmarks have: without them tests skip by name."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def needs(peer: str, module: str | None) -> None:
    """Skip the test that asks if a peer's module is not installed; None needs none."""
    if module and find_spec(module) is None:
        pytest.skip(f"{peer} needs {module}: pip install 'belong[bench]' (make bench)")
