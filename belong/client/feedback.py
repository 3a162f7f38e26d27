"""What became of a suggestion."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Event(StrEnum):
    """What happened."""

    SHOWN = "shown"
    OPENED = "opened"
    JOINED = "joined"
    DISMISSED = "dismissed"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    MET = "met"
    CONVERSED = "conversed"
    LEFT = "left"
    REPORTED = "reported"


class ItemKind(StrEnum):
    """What was suggested."""

    GROUP = "group"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a member did about one suggestion.

    Attributes:
        recommendation_id: Of the slate it stood in.
        member: Id of the member it was suggested to.
        item: Id of the group or the member that was suggested.
        item_kind: Which of the two.
        event: What happened.
    """

    recommendation_id: str
    member: str
    item: str
    item_kind: ItemKind
    event: Event
