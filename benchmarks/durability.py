"""Nothing that was acknowledged is lost, and nothing is done twice, however a server ends.

    python -m benchmarks.durability --rounds 50 --json durability.json

Starts `belong serve`, tells it of changes over several connections, ends it with `kill -9` at a
random moment and starts it again. Then the first answers are looked at for what must not be shown,
the store is compared with everything that was acknowledged, whoever had no answer asks once more,
and a second server is started afresh over the same bundle and store: both must answer alike.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.live_answers import Asker, same
from benchmarks.live_place import SQLITE, Place, folder_and_store, town_place
from benchmarks.live_requests import session_of_one
from benchmarks.live_truth import Found, Truth, Verdict, judge, look, settle
from benchmarks.live_writers import Suggested, Writer, keep_writing, write
from benchmarks.machine import machine
from benchmarks.report import run, write_report
from benchmarks.server import Server, running_server
from data.store.connect import Store, open_store
from data.store.vectors import texts_to_embed
from engine.bundle import load_bundle
from engine.recommender import Recommender
from engine.registry import Registry
from training.commands import DEFAULT_CACHE
from training.figures_file import check_writable

FAILED = 1
"""Exit code: something was lost, done twice or shown."""

SAMPLED = 24
"""Members whose slates of both servers are compared in each round; four times as many at last."""

ASKED = 60
"""Of each kind, first answers that are looked at in each round."""

EMBEDDED_WITHIN_S = 120.0
"""How long the last texts may take to be embedded."""

STILL_S = 0.3
"""Seconds between two attempts to compare while the log still grows."""


@dataclass(frozen=True, slots=True)
class DurabilitySettings:
    """How a server is tried.

    Attributes:
        rounds: How often it is killed.
        store: `sqlite`, `postgresql`, or the address of an empty store.
        members: Size of the town.
        writers: Connections that write.
        longest_s: Writing goes on for at most so long before a kill.
        workers: Processes of the server.
        seed: Decides what is written, and when the server is killed.
    """

    rounds: int = 50
    store: str = SQLITE
    members: int = 300
    writers: int = 4
    longest_s: float = 1.5
    workers: int = 1
    seed: int = 0


@dataclass(slots=True)
class Counts:
    """What happened, over all rounds."""

    unanswered: int = 0
    unanswered_but_done: int = 0
    done_twice: int = 0
    restrictions_checked: int = 0
    restrictions_shown: int = 0
    additions_checked: int = 0
    additions_missing: int = 0
    answers_compared: int = 0
    answers_different: int = 0
    ready_s: list[float] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)


def measure(settings: DurabilitySettings, cache: Path = DEFAULT_CACHE) -> dict[str, Any]:
    """Return what was acknowledged, lost and done twice while a server was killed again and again.

    Args:
        settings: How it is tried.
        cache: Where vectors are kept between runs.

    Raises:
        SettingError: A server does not come up, or refuses what it should take.
    """
    started = time.monotonic()
    with folder_and_store(settings.store) as (folder, address):
        place = town_place(folder, address, settings.members, cache)
        store = open_store(address)
        try:
            trial = Trial(place, store, settings)
            trial.run()
            result = trial.result()
        finally:
            store.close()
    return {**result, "seconds": round(time.monotonic() - started, 1)}


class Trial:
    """One server, killed again and again, and everybody who knows what it has acknowledged."""

    def __init__(self, place: Place, store: Store, settings: DurabilitySettings) -> None:
        self.place = place
        self.store = store
        self.settings = settings
        self.rng = random.Random(settings.seed)
        self.begun = store.head_of(place.community)
        self.truth = Truth(look(store, place.community, self.begun).states)
        viewers = suggested(place)
        self.viewers = [viewer.member for viewer in viewers]
        self.writers = [
            Writer(f"w{n}", self.truth, viewers[n :: settings.writers], random.Random(n))
            for n in range(settings.writers)
        ]
        self.verdict = Verdict()
        self.counts = Counts()

    def run(self) -> None:
        """Write and kill, as often as set; after each start, see what has become of it all."""
        for number in range(self.settings.rounds + 1):
            with self._server() as server:
                self.counts.ready_s.append(server.ready_s)
                if number:
                    asyncio.run(self._recovered(server))
                    self._compare(server, last=number == self.settings.rounds)
                if number < self.settings.rounds:
                    asyncio.run(self._write_until_killed(server))

    def result(self) -> dict[str, Any]:
        """Return the figures."""
        counts = asdict(self.counts)
        ready = counts.pop("ready_s")
        examples = [*self.verdict.examples, *counts.pop("examples")[:5]]
        verdict = self.verdict
        return {
            "store": self.store.kind,
            "rounds": self.settings.rounds,
            "acknowledged": self.truth.acknowledged,
            "lost": len(verdict.lost),
            "duplicated": len(verdict.duplicated) + counts.pop("done_twice"),
            "gaps": len(verdict.gaps),
            "torn": verdict.torn,
            **counts,
            "log_entries": self.store.head_of(self.place.community) - self.begun,
            "ready_s": {"first": round(ready[0], 2), "longest": round(max(ready), 2)},
            "settings": asdict(self.settings),
            "examples": examples,
        }

    def _server(self) -> Any:  # noqa: ANN401 - a context manager
        return running_server(self.place.bundles, self.settings.workers, self.place.store)

    async def _write_until_killed(self, server: Server) -> None:
        crashed = asyncio.Event()
        root = self.place.root
        writing = [
            asyncio.create_task(keep_writing(writer, server.port, root, crashed))
            for writer in self.writers
        ]
        await asyncio.sleep(self.rng.uniform(0.05, self.settings.longest_s))
        server.kill()
        crashed.set()
        await asyncio.gather(*writing)

    async def _recovered(self, server: Server) -> None:
        """Look at the first answers, then at the store; then ask once more what had no answer."""
        async with Asker(server.port, self.place.root) as asker:
            await self._restrictions_hold(asker)
            waiting = [writer for writer in self.writers if writer.pending is not None]
            told = [writer.pending for writer in waiting if writer.pending is not None]
            found = self._look()
            done, torn = settle(self.truth, found, told)
            self.counts.unanswered += len(told)
            self.counts.unanswered_but_done += sum(done)
            self.verdict.torn += torn
            self._judge(found)
            await self._ask_again(server)
            self._judge(self._look())
            await self._additions_are_there(asker)

    async def _ask_again(self, server: Server) -> None:
        async with session_of_one() as session:
            for writer in self.writers:
                for told in (writer.pending, writer.last_keyed):
                    if told is None:
                        continue
                    while await write(writer, server.port, self.place.root, told, session) is None:
                        await asyncio.sleep(STILL_S)
                self.counts.done_twice += writer.done_twice
                writer.done_twice = 0

    async def _restrictions_hold(self, asker: Asker) -> None:
        states = self.truth.states
        held = {
            (one.member, one.what, one.item)
            for writer in self.writers
            for one in writer.restrictions
            if states.get(one.thing) == one.state and not writer.may_have_changed(one.thing)
        }
        asked = self.rng.sample(sorted(held), min(ASKED, len(held)))
        answers = await asker.slates([(member, what) for member, what, _ in asked])
        for (member, what, item), slate in zip(asked, answers, strict=True):
            self.counts.restrictions_checked += 1
            if slate is None or item in slate.ids:
                self.counts.restrictions_shown += 1
                self.counts.examples.append(f"{member} is shown {item} of {what}: {slate}")

    async def _additions_are_there(self, asker: Asker) -> None:
        """Newcomers have slates, the forgotten have none."""
        known = [one for writer in self.writers for one in dict.fromkeys(writer.newcomers)]
        gone = {one for writer in self.writers for one in writer.forgotten}
        asked = self.rng.sample(known, min(ASKED, len(known)))
        answers = await asker.slates([(one, "groups") for one in asked], self.truth.last)
        for one, slate in zip(asked, answers, strict=True):
            self.counts.additions_checked += 1
            if (slate is None) != (one in gone):
                self.counts.additions_missing += 1
                self.counts.examples.append(f"{one} is known: {slate is not None}")

    def _look(self) -> Found:
        return look(self.store, self.place.community, self.begun)

    def _judge(self, found: Found) -> None:
        self.verdict.add(judge(self.truth, found))

    def _compare(self, server: Server, *, last: bool) -> None:
        """Start a second server afresh, and count the answers in which both differ."""
        if last:
            self._wait_until_embedded()
        people = [one for writer in self.writers for one in set(writer.newcomers)]
        count = SAMPLED * 4 if last else SAMPLED
        half = self.rng.sample(people, min(count // 4, len(people)))
        members = [*self.rng.sample(self.viewers, min(count, len(self.viewers))), *half]
        with self._server() as fresh:
            compared, different = asyncio.run(self._both(server, fresh, members))
            fresh.kill()
        self.counts.answers_compared += compared
        self.counts.answers_different += len(different)
        self.counts.examples += different

    async def _both(self, one: Server, other: Server, members: list[str]) -> tuple[int, list[str]]:
        """Ask both servers while nothing is written, and return what they answer differently."""
        asked = [(member, what) for member in members for what in ("groups", "members")]
        root, name = self.place.root, self.place.community
        async with Asker(one.port, root) as first, Asker(other.port, root) as second:
            while True:
                head = self.store.head_of(name)
                answers = await asyncio.gather(
                    first.slates(asked, head), second.slates(asked, head)
                )
                if self.store.head_of(name) == head:
                    break
                await asyncio.sleep(STILL_S)  # vectors came meanwhile
        different = [
            f"{question}: {mine} and afresh {theirs}"
            for question, mine, theirs in zip(asked, *answers, strict=True)
            if not same(mine, theirs)
        ]
        return len(asked), different

    def _wait_until_embedded(self) -> None:
        end = time.monotonic() + EMBEDDED_WITHIN_S
        name, begun = self.place.community, self.begun
        while time.monotonic() < end:
            if not texts_to_embed(self.store, name, begun, 1_000_000)[0]:
                return
            time.sleep(STILL_S)
        self.counts.examples.append(f"texts wait for vectors after {EMBEDDED_WITHIN_S:.0f} s")
        self.counts.additions_missing += 1


def suggested(place: Place) -> list[Suggested]:
    """Return what the bundle suggests to each member, of those who are suggested enough."""
    registry = Registry(place.bundles)
    recommender = Recommender(load_bundle(registry.current(place.community)))
    found = [
        Suggested(
            member,
            tuple(item.id for item in recommender.members_for(member, 3).items),
            tuple(item.id for item in recommender.groups_for(member, 3).items),
        )
        for member in recommender.bundle.snapshot.members.ids.tolist()
    ]
    return [one for one in found if one.people and one.groups]


def is_sound(result: dict[str, Any]) -> bool:
    """Return whether nothing was lost, done twice, shown, missing or answered differently."""
    wrong = ("lost", "duplicated", "gaps", "torn", "restrictions_shown", "additions_missing")
    return not any(result[name] for name in (*wrong, "answers_different"))


def main(  # noqa: PLR0913
    json_file: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    rounds: Annotated[int, typer.Option(help="How often it is killed.", min=1, max=1000)] = 50,
    store: Annotated[str, typer.Option(help="sqlite, postgresql, or an empty one's URL.")] = SQLITE,
    members: Annotated[int, typer.Option(help="Size of the town.", min=200)] = 300,
    writers: Annotated[int, typer.Option(help="Connections that write.", min=1, max=32)] = 4,
    longest: Annotated[float, typer.Option(help="Seconds until a kill.", min=0.1)] = 1.5,
    workers: Annotated[int, typer.Option(help="Processes of the server.", min=1, max=16)] = 1,
    seed: Annotated[int, typer.Option(help="Decides what is written.", min=0)] = 0,
) -> None:
    """Kill a server that takes in changes, again and again, and count what is lost."""
    check_writable(json_file)
    here = machine()
    settings = DurabilitySettings(rounds, store, members, writers, longest, workers, seed)
    result = measure(settings)
    write_report(json_file, result, here)
    typer.echo(
        f"{result['store']}: {rounds} kills, {result['acknowledged']:,} changes acknowledged, "
        f"{result['lost']} lost, {result['duplicated']} done twice; of "
        f"{result['restrictions_checked']:,} restrictions {result['restrictions_shown']} not held "
        f"at once; {result['answers_different']} of {result['answers_compared']:,} answers differ "
        f"from a fresh server's; {result['seconds']:.0f} s"
    )
    if not is_sound(result):
        sys.stderr.write(f"not everything is as it must be: see {json_file}\n")
        sys.exit(FAILED)


if __name__ == "__main__":
    run(main)
