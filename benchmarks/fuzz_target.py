"""What is fuzzed, and what happens to one input: it is read rightly, or refused with a reason."""

from __future__ import annotations

import shutil
import traceback
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from random import Random

from engine.errors import BelongError

Attempt = Callable[[Random, Path], bool]
"""Makes an input from a seed in an empty folder, has it read, and returns whether it was taken.

A refusal may be the exception it is. It raises `MisreadError` for what was read as something else.
"""

LONGEST_REASON = 4_000
"""Characters of a message that a person can be expected to look at."""


class MisreadError(Exception):
    """Something was read, and not as it was written."""


class Came(StrEnum):
    """What became of an input."""

    READ = "read"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Target:
    """Readers that are tried together.

    Attributes:
        name: What they read.
        prepare: Makes valid seeds in a folder of its own, and returns what tries one input.
    """

    name: str
    prepare: Callable[[Path], Attempt]


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one input.

    Attributes:
        came: Whether it was read or refused, or neither, which is a failure.
        why: Of a failure: what was raised, and where.
    """

    came: Came
    why: str = ""


def expect(holds: bool, why: str) -> None:
    """Raise MisreadError unless something holds."""
    if not holds:
        raise MisreadError(why)


def is_clear(reason: str) -> bool:
    """Return whether a message can be shown: not empty, not endless, nothing moves the cursor."""
    odd = any(unicodedata.category(sign) == "Cc" and sign not in "\n\t" for sign in reason)
    return bool(reason.strip()) and len(reason) <= LONGEST_REASON and not odd


def try_one(attempt: Attempt, seed: str, folder: Path) -> Tried:
    """Try one input.

    Args:
        attempt: Of a prepared target.
        seed: What the input follows from.
        folder: Where it may write; it is empty before and gone after.
    """
    folder.mkdir()
    try:
        taken = attempt(Random(seed), folder)
        return Tried(Came.READ if taken else Came.REFUSED)
    except BelongError as error:
        if is_clear(str(error)):
            return Tried(Came.REFUSED)
        return Tried(Came.FAILED, f"no person can read this reason: {str(error)[:500]!r}")
    except Exception:
        return Tried(Came.FAILED, traceback.format_exc(limit=-8))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
