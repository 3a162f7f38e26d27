"""Which communities there are, and what answers for each; bundles are replaced whole.

A newly promoted bundle is loaded and brought up to date beside the one that answers, and takes its
place in one step: its watermark and the log make the hand-over exact. Without a limit of memory
every community is loaded as soon as it is seen; with one, when it is first asked, in a thread that
all who ask for it wait for.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from data.store.connect import Store
from engine.bundle import load_bundle
from engine.encoder import Encoder
from engine.errors import (
    BelongError,
    BundleError,
    NotLoadedError,
    StoreUnavailableError,
    UnknownError,
)
from engine.registry import Registry
from serving.encoders import Encoders
from serving.live import Live
from serving.metrics import Metrics
from serving.outline import Outline, outline_of
from serving.residents import LOADING, Residents

log = logging.getLogger(__name__)

LOADERS = 2
"""Communities loaded at once: a large one must not keep every other waiting."""


@dataclass(frozen=True, slots=True)
class OnDemand:
    """How communities are loaded when they are asked.

    Attributes:
        limit: Bytes they may take together.
        wait_s: Seconds a request waits for its community.
        waiting: Requests that may wait so at once; more are told to come again.
    """

    limit: int
    wait_s: float = 5.0
    waiting: int = 8


@dataclass(frozen=True, slots=True)
class Refusal:
    """A bundle that could not be loaded: its folder, why, and when (monotonic seconds)."""

    folder: Path
    why: str
    at: float


class Communities:
    """What answers for all communities in a folder. What is loaded never waits for a load."""

    def __init__(
        self,
        bundles: Path,
        metrics: Metrics,
        again_s: float = 0.0,
        store: Store | None = None,
        on_demand: OnDemand | None = None,
    ) -> None:
        self._registry = Registry(bundles)
        self._metrics = metrics
        # Seconds until a refused bundle is looked at again: somebody may have mended it.
        self._again_s = again_s
        self._store = store
        self._on_demand = on_demand
        self.come_and_go = on_demand is not None  # else all that can be loaded are in memory
        self._encoders = Encoders()
        self.residents = Residents(on_demand.limit if on_demand else None, metrics)
        self._outlines: dict[str, Outline] = {}  # the promoted bundle of each
        self._good: dict[str, Outline] = {}  # the last one of each that could be loaded
        self._problems: dict[str, str] = {}
        self._refused: dict[str, Refusal] = {}
        self.looked = threading.Event()  # set once every bundle has been looked at
        self._looking = threading.Lock()
        self._loaders = ThreadPoolExecutor(LOADERS, thread_name_prefix="belong-load")
        self._loading: dict[str, Future[Live]] = {}  # for the event loop alone, as is:
        self._waiting = 0

    def refresh(self) -> None:
        """Look what has been promoted since the last look, and drop what is gone.

        A bundle that cannot be loaded is refused; the one before it goes on answering.
        """
        with self._looking:
            names, problems = self._registry.communities(), {}
            for name in {*self._outlines, *self.residents.names()}.difference(names):
                self._outlines.pop(name, None)
                self._good.pop(name, None)
                self.residents.drop(name)
            for name in names:
                try:
                    self._look(name)
                except Exception as error:
                    # Whatever is wrong with one bundle, the others are still looked after.
                    problems[name] = _said(error)
                    if self._problems.get(name) != problems[name]:
                        log.error("%s: %s", name, problems[name])
            self._problems = problems
            self.looked.set()
            self.residents.keep_within()

    def _look(self, name: str) -> None:
        """Take in which bundle is promoted, and load it if it is wanted in memory now.

        One that was refused is loaded too once it is looked at again: it may be mended.
        """
        folder = self._registry.current(name)
        last = self._check_refused(name, folder)
        here = self.residents.outline(name)
        if here is not None and here.folder == folder:
            return
        known = self._outlines.get(name)
        if known is None or known.folder != folder:
            known = self._outlines[name] = self._outline(name, folder)
        if self._on_demand is None or here is not None or last is not None:
            try:
                self._load(known, beyond=here is not None)
            except NotLoadedError:
                raise BundleError(last.why if last else LOADING) from None

    def _outline(self, name: str, folder: Path) -> Outline:
        """Return what the manifest tells; if it is refused, what was known before stays."""
        try:
            outline = outline_of(name, folder)
            if self._on_demand and outline.size + outline.encoder_size > self._on_demand.limit:
                raise BundleError(
                    f"{folder} takes about {outline.size + outline.encoder_size:,} bytes of "
                    f"memory, more than the memory_limit of {self._on_demand.limit:,}"
                )
        except BundleError as error:
            self._refuse(name, folder, error)
            raise
        return outline

    def _load(self, outline: Outline, wait_s: float = 0.0, beyond: bool = False) -> Live:
        """Load a bundle, bring it up to date and let it answer."""
        name, folder = outline.name, outline.folder
        started = time.monotonic()
        try:
            if self._store is not None:  # nothing is read in vain while it does not answer
                with suppress(UnknownError):
                    self._store.head_of(name)
            with self.residents.room(outline, wait_s, beyond):
                encoder = self._encoders.of(outline)
                live = Live(name, load_bundle(folder, encoder=encoder), self._store)
                live.catch_up()
                self.residents.put(outline, live)
        except (NotLoadedError, StoreUnavailableError):
            raise
        except Exception as error:
            self._refuse(name, folder, error)
            raise BundleError(_said(error)) from error
        last = self._refused.get(name)
        if last is not None and last.folder == folder:
            del self._refused[name]
        self._good[name] = outline
        self._metrics.load_seconds.observe(time.monotonic() - started)
        log.info("%s: serving %s", name, folder.name)
        return live

    def _refuse(self, name: str, folder: Path, error: Exception) -> None:
        self._refused[name] = Refusal(folder, _said(error), time.monotonic())

    def _check_refused(self, name: str, folder: Path) -> Refusal | None:
        """Refuse what was refused a moment ago: checking it costs a whole read.

        Returns:
            That it was refused longer ago, None if it was not.
        """
        last = self._refused.get(name)
        if last is None or last.folder != folder:
            return None
        if time.monotonic() - last.at < self._again_s:
            raise BundleError(last.why)
        return last

    @asynccontextmanager
    async def asked(self, community: str) -> AsyncIterator[Live]:
        """Give what answers for a community; it stays in memory until the end.

        Raises:
            UnknownError: There is no such community.
            NotLoadedError: It is being loaded, and that takes longer than a request waits.
            BundleError: Its bundle cannot be loaded, with the reason.
            StoreUnavailableError: Nobody can tell what has changed since its bundle.
        """
        with self.residents.asking(community) as live:
            yield live or await self._brought(community)

    async def _brought(self, community: str) -> Live:
        """Return what answers for a community once it is loaded."""
        if self._on_demand is None or community not in self._outlines:
            raise self._absent(community)
        self._metrics.waits_for_load.inc()
        if self._waiting >= self._on_demand.waiting:
            raise NotLoadedError(LOADING)
        coming = self._loading.get(community)
        if coming is None:
            coming = self._loading[community] = self._loaders.submit(self._bring, community)
        self._waiting += 1
        try:
            here = asyncio.wrap_future(coming)
            here.add_done_callback(lambda done: self._arrived(community, coming, done))
            await asyncio.wait([here], timeout=self._on_demand.wait_s)
        finally:
            self._waiting -= 1
        if not here.done():
            raise NotLoadedError(LOADING)
        return here.result()

    def _arrived(self, community: str, coming: Future[Live], done: asyncio.Future[Live]) -> None:
        if self._loading.get(community) is coming:
            del self._loading[community]
        if not done.cancelled():
            done.exception()  # whoever would have heard of it may have gone

    def _absent(self, community: str) -> BelongError:
        if community in self._problems:
            return BundleError(self._problems[community])
        if not self.looked.is_set():
            return NotLoadedError("bundles are still being loaded: try again in a moment")
        return UnknownError(f"no community is called {community!r}")

    def _bring(self, name: str) -> Live:
        """Load a community that is asked, in a thread for that."""
        assert self._on_demand is not None
        live = self.residents.find(name)
        if live is not None:
            return live
        outline = self._outlines.get(name)
        if outline is None:
            raise self._absent(name)
        try:
            self._check_refused(name, outline.folder)
            return self._load(outline, self._on_demand.wait_s)
        except NotLoadedError:
            raise
        except BundleError:
            before = self._before(name, outline)
            if before is None:
                raise
            return self._load(before, self._on_demand.wait_s)

    def _before(self, name: str, outline: Outline) -> Outline | None:
        """Return the bundle that answered before the one that is refused, if it is there."""
        good = self._good.get(name)
        known = good is not None and good.folder != outline.folder and good.folder.is_dir()
        return good if known else None

    @contextmanager
    def encoder_of(self, outline: Outline) -> Iterator[Encoder]:
        """Give the encoder of a community that need not be in memory, and keep room for it.

        Raises:
            NotLoadedError: There is no room now.
            BundleError: It cannot be opened; the bundle is refused for it.
        """
        with self.residents.room(replace(outline, name="", size=0), 0.0):
            try:
                encoder = self._encoders.of(outline)
            except BundleError as error:
                self._refuse(outline.name, outline.folder, error)
                raise
            yield encoder

    def loaded(self) -> list[tuple[str, Live]]:
        """Return the communities that are in memory and what answers, in order of name."""
        return self.residents.all()

    def known(self) -> list[Outline]:
        """Return the bundles of all that can be answered for, in memory or not, by name."""
        names = sorted({*self._outlines, *self.residents.names()})
        found = (self.residents.outline(name) or self._loadable(name) for name in names)
        return [outline for outline in found if outline is not None]

    def _loadable(self, name: str) -> Outline | None:
        if self._on_demand is None:
            return None
        outline, last = self._outlines.get(name), self._refused.get(name)
        if outline is not None and last is not None and last.folder == outline.folder:
            return self._before(name, outline)
        return outline

    def why_not_ready(self, *, named: bool = True) -> str:
        """Return what is missing before every community can be answered for, '' if nothing.

        Args:
            named: Whether whoever asks may learn what communities there are.
        """
        if not self.looked.is_set():
            return "bundles are still being loaded"
        known = {outline.name for outline in self.known()}
        missing = {name: why for name, why in self._problems.items() if name not in known}
        if missing and not named:
            return f"{len(missing)} of the communities cannot be answered for: the log says why"
        if missing:
            return "; ".join(f"{name}: {why}" for name, why in sorted(missing.items()))
        return "" if known else "no community has a bundle: run belong train"

    def close(self) -> None:
        """Begin no more loads, and let go of all communities, whoever still holds the app."""
        self._loaders.shutdown(wait=False, cancel_futures=True)
        for name in self.residents.names():
            self.residents.drop(name)


def _said(error: Exception) -> str:
    if isinstance(error, BelongError):
        return str(error)
    return f"the bundle cannot be used ({type(error).__name__}: {error}): train again or roll back"
