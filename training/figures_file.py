"""Figures as a JSON file: where they may go, and null for what could not be measured."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from engine.errors import DataError


def check_writable(path: Path) -> None:
    """Refuse a place that cannot be written, before the work and not after it.

    Raises:
        DataError: The folder is not there, or the path is a folder.
    """
    if path.is_dir():
        raise DataError(f"{path} cannot be written: it is a folder, name a file in it")
    if not path.parent.is_dir():
        raise DataError(f"{path} cannot be written: the folder {path.parent} does not exist")


def write_figures(path: Path, figures: dict[str, Any]) -> None:
    """Write figures as JSON.

    Raises:
        DataError: The file cannot be written.
    """
    text = json.dumps(without_nan(figures), indent=2, allow_nan=False) + "\n"
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error


def without_nan(value: Any) -> Any:  # noqa: ANN401
    """Return a JSON value with null where a number is not finite: it could not be measured.

    >>> without_nan({"ratio": {"value": float("nan"), "n": 3}, "all": [1.0, float("inf")]})
    {'ratio': {'value': None, 'n': 3}, 'all': [1.0, None]}
    """
    if isinstance(value, dict):
        return {name: without_nan(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
