"""What a folder's row becomes where the store has one of the same key already.

A folder may be older than what was told since, so what restricts is never loosened by it: it
takes a change through the API to open what was closed.
"""

from __future__ import annotations

from data.store.effects import NEW_MEMBER, STRICTEST
from data.store.rows import Row
from engine.domain import ANY_BAND


def merged_member(was: Row | None, told: Row, bands: bool) -> Row:
    """Return a member's row: the folder's profile, the stricter of each preference.

    Args:
        was: The row in the store, if any.
        told: The folder's, without what a folder cannot say.
        bands: Whether the community has audience bands; then none means unknown.
    """
    none = None if bands else ANY_BAND
    if was is None:
        return {
            **NEW_MEMBER,
            **told,
            "audience": none if told["audience"] == "" else told["audience"],
        }
    return {
        **was,
        **told,
        "audience": (was["audience"] or none) if told["audience"] == "" else told["audience"],
        "discoverable": was["discoverable"] and told["discoverable"],
        "open_to_introductions": was["open_to_introductions"] and told["open_to_introductions"],
        "weekly_introductions": min(was["weekly_introductions"], told["weekly_introductions"]),
    }


def merged_visible(was: Row | None, told: Row) -> Row:
    """Return the row of a group or a post: the folder's, seen by as few as either says."""
    if was is None:
        return told
    seen = min(was["visibility"], told["visibility"], key=STRICTEST.index)
    return {**told, "visibility": seen}


def merged_membership(was: Row | None, told: Row) -> Row:
    """Return a membership: who has left stays away unless the folder knows of a later return."""
    if was is None:
        return told
    if told["left_ts"] is None:
        left = was["left_ts"]
        came_back = left is not None and told["first_ts"] is not None and told["first_ts"] > left
        return told if left is None or came_back else was
    joined = was["first_ts"]
    since = was["left_ts"] is None and joined is not None and joined > told["left_ts"]
    return was if since else told
