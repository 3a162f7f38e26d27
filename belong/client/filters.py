"""What suggestions may be narrowed to. What is left out narrows nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MemberFilters:
    """Which people are wanted.

    Attributes:
        language: Only those of this language, as it was told; capitals do not matter.
        place: Only those of this place, likewise.
        exclude: None of these ids, up to 200; one that nobody has does no harm.
    """

    language: str | None = None
    place: str | None = None
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupFilters:
    """Which groups are wanted.

    Attributes:
        language: As of `MemberFilters`.
        place: Likewise.
        exclude: Likewise.
        min_size: Only groups of at least so many members.
        max_size: Only groups of at most so many members.
    """

    language: str | None = None
    place: str | None = None
    exclude: tuple[str, ...] = ()
    min_size: int | None = None
    max_size: int | None = None
