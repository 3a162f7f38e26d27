"""Newcomers to a live community who say unusual things: whoever said the same is easily found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any
from urllib.parse import quote

BAND = "adult"

THINGS = (
    *("brass sextants", "glass armonicas", "pneumatic clocks", "lantern slides", "reed organs"),
    *("stone lithographs", "Morse keys", "puppet theatres", "weather vanes", "steam whistles"),
    *("cuckoo clocks", "typewriters", "barrel pianos", "sundials", "wooden skis", "oil lamps"),
)
CREATURES = (
    *("axolotls", "stick insects", "leafcutter ants", "seahorses", "hedgehogs", "tardigrades"),
    *("carrier pigeons", "silkworms", "alpacas", "tortoises", "fruit bats", "cuttlefish"),
    *("goshawks", "mudskippers", "dung beetles", "llamas", "newts", "hermit crabs", "quails"),
)
PLACES = (
    *("a lighthouse", "an old tram", "a windmill", "a quarry", "a houseboat", "a signal box"),
    *("a water tower", "a cave", "an orchard", "a disused bank", "a glasshouse", "a monastery"),
    *("a caravan", "a bunker", "a boathouse", "an attic", "a railway arch"),
)
DISHES = (
    *("fermented plums", "seaweed crackers", "acorn coffee", "smoked quinces", "nettle soup"),
    *("birch syrup", "walnut ketchup", "rose vinegar", "chestnut miso", "pickled samphire"),
    *("buckwheat noodles", "elderflower cheese", "black garlic", "saffron buns", "dandelion wine"),
)


def unusual(number: int) -> str:
    """Return what only those say who have this number.

    >>> unusual(3) == unusual(3), unusual(3) == unusual(4)
    (True, False)
    >>> len({unusual(n) for n in range(20_000)})
    20000
    """
    parts, left = [], number * 7919
    for words in (THINGS, CREATURES, PLACES, DISHES):
        left, place = divmod(left, len(words))
        parts.append(words[place])
    one, two, three, four = parts
    return f"I restore {one} and keep {two} in {three}. On Sundays I make {four} ({number})."


@dataclass(frozen=True, slots=True)
class Change:
    """A change and how it is sent.

    Attributes:
        method: Of HTTP.
        path: Below the community.
        body: JSON; None for none.
    """

    method: str
    path: str
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """A change whose effect is looked for.

    Attributes:
        kind: What is new, or what restricts.
        change: What tells of it.
        question: The path of the slate in which it shows, below the community.
        item: What is to be in that slate, or is to be there no longer.
        before: What must be there beforehand, as lines of `POST …/changes`.
    """

    kind: str
    change: Change
    question: str
    item: str
    before: tuple[dict[str, Any], ...]


def slate(member: str, what: str, limit: int = 10) -> str:
    """Return the path of a slate, below the community."""
    return f"/members/{quote(member, safe='')}/recommendations/{what}?limit={limit}"


def put_member(one: str, text: str, audience: str = BAND) -> Change:
    """Return the change that tells of a member."""
    body = {"name": one, "text": text, "audience": audience}
    return Change("PUT", f"/members/{one}", json.dumps(body).encode())


def put_post(one: str, member: str, text: str) -> Change:
    """Return the change that tells of a post."""
    return Change("PUT", f"/posts/{one}", json.dumps({"members": [member], "text": text}).encode())


def put_group(one: str, text: str, visibility: str = "public") -> Change:
    """Return the change that tells of a group."""
    body = {"name": one, "text": text, "visibility": visibility}
    return Change("PUT", f"/groups/{one}", json.dumps(body).encode())


def _member_line(one: str, text: str) -> dict[str, Any]:
    return {"change": "put_member", "member": one, "name": one, "text": text, "audience": BAND}


def _group_line(one: str, text: str) -> dict[str, Any]:
    return {"change": "put_group", "group": one, "name": one, "text": text}


def watched(count: int) -> list[Watched]:
    """Return texts of each kind in turn: who said the same is there, and shall see them."""
    made = []
    for number, kind in zip(range(count), cycle(WATCHED), strict=False):
        text = unusual(number)
        listener, new = f"listener-{number}", f"new-{number}"
        before = [_member_line(listener, text)]
        question, item = slate(listener, "members"), new
        change = put_member(new, text)
        if kind == "member's own slate":
            question, item = slate(new, "members"), listener
        elif kind == "post":
            before.append(_member_line(new, ""))
            change = put_post(f"post-{number}", new, text)
        elif kind == "group":
            question, change = slate(listener, "groups", 20), put_group(new, text)
        made.append(Watched(kind, change, question, item, tuple(before)))
    return made


WATCHED = ("member", "member's own slate", "post", "group")
"""What is new: a member, seen by others; a member, seeing others; a post; a group."""


def restrictions(count: int, first: int) -> list[Watched]:
    """Return restrictions of each kind in turn.

    Args:
        count: How many.
        first: The number of the first unusual text that is free.
    """
    made = []
    for number, kind in zip(range(first, first + count), cycle(RESTRICTIONS), strict=False):
        text = unusual(number)
        viewer, shown = f"viewer-{number}", f"shown-{number}"
        of_group = kind.startswith("group")
        line = _group_line(shown, text) if of_group else _member_line(shown, text)
        question = slate(viewer, "groups", 20) if of_group else slate(viewer, "members")
        change = _restricting(kind, viewer, shown, text)
        made.append(Watched(kind, change, question, shown, (_member_line(viewer, text), line)))
    return made


RESTRICTIONS = (
    *("blocks", "is blocked", "invisible", "no introductions", "another band", "forgotten"),
    *("group muted", "group ended", "group private"),
)


def _restricting(kind: str, viewer: str, shown: str, text: str) -> Change:
    def wish(member: str, **wishes: Any) -> Change:  # noqa: ANN401
        return Change("PUT", f"/members/{member}/preferences", json.dumps(wishes).encode())

    changes = {
        "blocks": Change("PUT", f"/members/{viewer}/blocks/{shown}"),
        "is blocked": Change("PUT", f"/members/{shown}/blocks/{viewer}"),
        "invisible": wish(shown, discoverable=False),
        "no introductions": wish(shown, weekly_introductions=0),
        "another band": put_member(shown, text, "minor"),
        "forgotten": Change("DELETE", f"/members/{shown}"),
        "group muted": wish(viewer, muted_groups=[shown]),
        "group ended": Change("DELETE", f"/groups/{shown}"),
        "group private": put_group(shown, text, "private"),
    }
    return changes[kind]


AUTHORS = 50
"""Members who write what nobody looks for."""


def authors() -> list[dict[str, Any]]:
    """Return them, as lines of `POST …/changes`."""
    return [_member_line(f"author-{number}", "") for number in range(AUTHORS)]


def fillers(first: int) -> Iterator[Change]:
    """Give text changes nobody looks for, without end: of 20, 9 members, 10 posts, 1 group.

    Args:
        first: The number of the first unusual text that is free.
    """
    number = first
    while True:
        text, place = unusual(number), number % 20
        if place < 9:
            yield put_member(f"other-{number}", text)
        elif place < 19:
            yield put_post(f"other-{number}", f"author-{number % AUTHORS}", text)
        else:
            yield put_group(f"other-{number}", text)
        number += 1
