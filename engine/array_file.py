"""An array that a file holds, mapped; a file that is none is refused, whatever is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def mapped_array(path: Path) -> NDArray[Any]:
    """Return the array of a `.npy` file, mapped and not to be written; never unpickled.

    A file that is shorter than its header says is refused before anything is set aside for it.

    Raises:
        OSError: The file cannot be opened.
        ValueError: It holds no array.
    """
    try:
        mapped = np.lib.format.open_memmap(path, mode="r")
    except OSError:
        raise
    except Exception as error:  # numpy reads a header as Python, and fails in as many ways
        why = str(error).partition("\n")[0][:200]
        raise ValueError(f"it holds no array: {why}") from error
    mapped.setflags(write=False)
    return mapped
