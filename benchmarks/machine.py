"""Where a measurement was made: written beside every figure, since no figure means much without."""

from __future__ import annotations

import os
import platform
import resource
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.cores import cores_here
from training.manifest import versions_of

LIBRARIES = ("belong", "numpy", "faiss-cpu", "onnxruntime", "polars", "fastapi", "uvicorn")
"""Libraries whose versions may move a figure."""


def machine() -> dict[str, Any]:
    """Return what is known of this machine now; call it before the measurement.

    Keys: `at` (UTC), `cpu`, `cores` this process may use, `memory_gb`, `system`,
    `libraries`, and `load_average` over 1, 5 and 15 minutes: above `cores`, others were at work.
    """
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": cores_here(),
        "memory_gb": _memory_gb(),
        "system": platform.platform(),
        "libraries": versions_of(LIBRARIES),
        "load_average": load_average(),
    }


def load_average() -> list[float]:
    """Return how many processes wanted a core over the last 1, 5 and 15 minutes; [] if unknown."""
    try:
        return [round(load, 2) for load in os.getloadavg()]
    except (AttributeError, OSError):
        return []


def command_line() -> str:
    """Return the command that is being run, as one would type it.

    >>> command_line().startswith("python -m ")
    True
    """
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    name = spec.name if spec is not None else Path(sys.argv[0]).stem
    return shlex.join(["python", "-m", name, *sys.argv[1:]])


def peak_mb() -> float:
    """Return the most memory this process has held so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kilobytes, macOS bytes.
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, OSError, ValueError):
        return None
