"""Somebody who tells a live server of changes, knows what was acknowledged, and never gives up."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from benchmarks.live_requests import send, session_of_one
from benchmarks.live_truth import State, Thing, Told, Truth
from benchmarks.load import HOST
from data.store.log import Kind

PEOPLE, GROUPS, POSTS = 24, 6, 40
"""What one writer makes at most; after that it changes what it has made."""

MANY = 12
"""Changes in one request at most."""

SHY = 5
"""One member in so many ever hides: answers are to stay worth looking at."""

REMEMBERED = 40
"""Of what was acknowledged last, what is looked at after a crash."""

PAUSE_S = 0.004
"""Mean pause between two requests of a writer."""

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Suggested:
    """What the bundle suggests to a member, before anything is told.

    Attributes:
        member: The member's id.
        people: Ids of members.
        groups: Ids of groups.
    """

    member: str
    people: tuple[str, ...]
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forbidden:
    """What an answer must not show, because of something that was acknowledged.

    Attributes:
        member: Who asks.
        what: ``groups`` or ``members``.
        item: The id that must not be there.
        thing: What forbids it.
        state: As long as it is so.
    """

    member: str
    what: str
    item: str
    thing: Thing
    state: State


class Writer:
    """Changes what nobody else changes, one request after the other.

    Args:
        name: Begins every id this writer makes.
        truth: What is acknowledged, shared by all writers.
        viewers: Members this writer may change, of the bundle.
        rng: Decides what is changed.
    """

    def __init__(
        self, name: str, truth: Truth, viewers: Sequence[Suggested], rng: random.Random
    ) -> None:
        self.name = name
        self.truth = truth
        self.viewers = viewers
        self.rng = rng
        self.pending: Told | None = None
        self.last_keyed: Told | None = None
        self.restrictions: deque[Forbidden] = deque(maxlen=REMEMBERED)
        self.newcomers: deque[str] = deque(maxlen=REMEMBERED)
        self.forgotten: deque[str] = deque(maxlen=REMEMBERED)
        self.done_twice = 0
        self._number = 0
        self._draft: dict[Thing, State] = {}
        self._doomed: str | None = None

    def next(self) -> Told:
        """Return what to tell next."""
        chance = self.rng.random()
        if chance < 0.06 and self.last_keyed is not None:
            return self.last_keyed  # sent once more, as one does whose answer was lost
        if chance < 0.12:
            return self._forget()
        many = chance < 0.27
        self._draft, lines = {}, []
        for _ in range(self.rng.randint(2, MANY) if many else 1):
            lines.append(self.rng.choice(self._kinds())())
        key = self._name("key") if many and self.rng.random() < 0.6 else ""
        return Told(tuple(lines), self._draft, many, key)

    def acknowledge(self, told: Told, answer: Mapping[str, Any]) -> None:
        """Note that it was acknowledged: from now on it must be there."""
        self.truth.last = max(self.truth.last, answer["sequence"])
        again = bool(told.key) and told.key in self.truth.keys
        self.done_twice += again and not answer["repeated"]
        if told is self.last_keyed:
            return
        self.truth.acknowledged += len(told.lines)
        if not again:
            self.truth.learn(told)
        if told.key:
            self.last_keyed = told
        if told.forgets:
            self.forgotten.append(told.forgets)
        for thing, state in told.after.items():
            if thing.kind is Kind.MEMBER and state is not None and thing.key.startswith(self.name):
                self.newcomers.append(thing.key)
            self.restrictions.extend(self._forbidden(thing, state))

    def may_have_changed(self, thing: Thing) -> bool:
        """Return whether a request without an answer may have changed it."""
        return self.pending is not None and thing in self.pending.after

    def _kinds(self) -> list[Callable[[], Line]]:
        made = [self._member, self._group, self._post, self._membership]
        return [*made, self._visit, self._block, self._block, self._hide, self._mute]

    def _now(self, thing: Thing) -> State:
        return self._draft[thing] if thing in self._draft else self.truth.states.get(thing)

    def _name(self, kind: str) -> str:
        self._number += 1
        return f"{self.name}-{kind}-{self._number}"

    def _one(self, kind: Kind, most: int) -> str:
        """Return the id of something this writer has made, or a new one."""
        place = self.rng.randrange(most)
        return f"{self.name}-{kind.value}-no-{place}"

    def _made(self, kind: Kind) -> list[str]:
        own = {thing.key for thing in self._draft if thing.kind is kind}
        most = {Kind.MEMBER: PEOPLE, Kind.GROUP: GROUPS}[kind]
        names = [f"{self.name}-{kind.value}-no-{place}" for place in range(most)]
        return [one for one in names if one in own or self._now(Thing(kind, one)) is not None]

    def _words(self) -> str:
        self._number += 1
        hobby = self.rng.choice(HOBBIES)
        return f"I am into {hobby}, and this is the {self._number}th thing I say about it."

    def _member(self) -> Line:
        return self._member_called(self._one(Kind.MEMBER, PEOPLE))

    def _member_called(self, one: str) -> Line:
        told = {"name": one.upper(), "text": self._words(), "audience": "adult"}
        thing = Thing(Kind.MEMBER, one)
        self._draft[thing] = {**(self._now(thing) or USUAL), **told}
        return {"change": "put_member", "member": one, **told}

    def _group(self) -> Line:
        one = self._one(Kind.GROUP, GROUPS)
        told = {"name": one.upper(), "text": self._words(), "visibility": "public"}
        self._draft[Thing(Kind.GROUP, one)] = {**told, "capacity": None}
        return {"change": "put_group", "group": one, **told}

    def _post(self) -> Line:
        people, groups = self._made(Kind.MEMBER), self._made(Kind.GROUP)
        if not people or not groups:
            return self._member()
        one = self._one(Kind.POST, POSTS)
        thing = Thing(Kind.POST, one)
        if self._now(thing) is not None and self.rng.random() < 0.3:
            self._draft[thing] = None
            return {"change": "delete_post", "id": one}
        links: dict[str, list[str]] = {
            "members": [self.rng.choice(people)],
            "groups": [self.rng.choice(groups)],
            "participants": [],
        }
        told = {"title": "", "text": self._words(), "visibility": "public"}
        self._draft[thing] = {**told, **links}
        return {"change": "put_post", "post": one, **told, **links}

    def _membership(self) -> Line:
        people, groups = self._made(Kind.MEMBER), self._made(Kind.GROUP)
        if not people or not groups:
            return self._group()
        return self._turn(self.rng.choice(people), self.rng.choice(groups))

    def _visit(self) -> Line:
        """Let a member join a group the bundle suggests, or leave it again."""
        viewer = self.rng.choice(self.viewers)
        return self._turn(viewer.member, self.rng.choice(viewer.groups))

    def _turn(self, member: str, group: str) -> Line:
        thing = Thing(Kind.MEMBERSHIP, member, group)
        if thing in self._draft:  # left, back and left again within one request: a new time
            return self._member()
        inside = self._now(thing) == {"left": False}
        self._draft[thing] = {"left": inside}
        kind = "delete_membership" if inside else "put_membership"
        return {"change": kind, "member": member, "group": group}

    def _block(self) -> Line:
        viewer = self.rng.choice(self.viewers)
        other = self.rng.choice(viewer.people)
        thing = Thing(Kind.BLOCK, viewer.member, other)
        blocked = self._now(thing) is not None
        self._draft[thing] = None if blocked else {}
        kind = "delete_block" if blocked else "put_block"
        return {"change": kind, "member": viewer.member, "other": other}

    def _hide(self) -> Line:
        """Let a member become invisible, or closed to introductions, or neither any more."""
        name = self.rng.choice(["discoverable", "open_to_introductions"])
        shy = self.viewers[: max(1, len(self.viewers) // SHY)]
        one = self.rng.choice(shy).member
        now = self._now(Thing(Kind.MEMBER, one)) or {}
        return self._preferences(one, {name: not now[name]})

    def _mute(self) -> Line:
        viewer = self.rng.choice(self.viewers)
        now = self._now(Thing(Kind.MEMBER, viewer.member)) or {}
        muted = [] if now["muted_groups"] else [self.rng.choice(viewer.groups)]
        return self._preferences(viewer.member, {"muted_groups": muted})

    def _preferences(self, member: str, told: dict[str, Any]) -> Line:
        thing = Thing(Kind.MEMBER, member)
        self._draft[thing] = {**(self._now(thing) or {}), **told}
        return {"change": "put_preferences", "member": member, **told}

    def _forget(self) -> Told:
        """Let somebody come who blocks someone and writes something; then forget them."""
        self._draft = {}
        if self._doomed is None:
            one = self._doomed = self._name("guest")
            other = self.rng.choice(self.viewers).member
            post = {"title": "", "text": self._words(), "visibility": "public"}
            links: dict[str, list[str]] = {"members": [one], "groups": [], "participants": []}
            lines: list[Line] = [self._member_called(one)]
            lines.append({"change": "put_block", "member": one, "other": other})
            lines.append({"change": "put_post", "post": f"{one}-post", **post, **links})
            self._draft[Thing(Kind.BLOCK, one, other)] = {}
            self._draft[Thing(Kind.POST, f"{one}-post")] = {**post, **links}
            return Told(tuple(lines), self._draft, many=True)
        one, self._doomed = self._doomed, None
        theirs = [t for t, state in self.truth.states.items() if state is not None and one in t[1:]]
        after: dict[Thing, State] = dict.fromkeys([*theirs, Thing(Kind.POST, f"{one}-post")])
        return Told(({"change": "delete_member", "id": one},), after, forgets=one)

    def _forbidden(self, thing: Thing, state: State) -> list[Forbidden]:
        """Return what an acknowledged state forbids to show to the members of this writer."""
        kind, one, other = thing
        if kind is Kind.BLOCK and state is not None:
            pairs = [(one, "members", other), (other, "members", one)]
        elif kind is Kind.MEMBERSHIP and state == {"left": True}:
            pairs = [(one, "groups", other)]
        elif kind is Kind.MEMBER and state is not None:
            pairs = [(one, "groups", group) for group in state["muted_groups"] or ()]
            if not (state["discoverable"] and state["open_to_introductions"]):
                seen = [viewer.member for viewer in self.viewers if one in viewer.people]
                pairs += [(viewer, "members", one) for viewer in seen]
        else:
            return []
        return [Forbidden(*pair, thing, state) for pair in pairs]


async def write(
    writer: Writer, port: int, root: str, told: Told, session: aiohttp.ClientSession
) -> dict[str, Any] | None:
    """Send changes and return the acknowledgement, None if there is none (yet).

    Raises:
        SettingError: They were refused for good: either side has a mistake.
    """
    writer.pending = told
    found = await send(session, f"http://{HOST}:{port}{root}", told)
    if found is not None:
        writer.acknowledge(told, found)
        writer.pending = None
    return found


async def keep_writing(writer: Writer, port: int, root: str, crashed: asyncio.Event) -> None:
    """Write until the server has crashed; what is on its way then stays `pending`."""
    async with session_of_one() as session:
        while not crashed.is_set():
            told = writer.pending or writer.next()
            await write(writer, port, root, told, session)
            await asyncio.sleep(writer.rng.expovariate(1 / PAUSE_S))


USUAL: dict[str, Any] = {
    "discoverable": True,
    "open_to_introductions": True,
    "weekly_introductions": 5.0,
    "muted_groups": None,
    "muted_topics": None,
}
"""What holds of a member before they have said anything."""

HOBBIES = (
    *("sourdough", "model rockets", "old radios", "choir singing", "bee keeping", "fencing"),
    *("bouldering", "chess", "street photography", "rye bread", "night trains", "clock repair"),
)
