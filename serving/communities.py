"""Which communities are loaded; each bundle is replaced whole when another is promoted.

A newly promoted bundle is loaded and brought up to date beside the one that answers, and takes its
place in one step: its watermark and the log make the hand-over exact.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from data.store.connect import Store
from engine.bundle import load_bundle
from engine.errors import BelongError, BundleError, UnknownError
from engine.registry import Registry
from serving.live import Live

log = logging.getLogger(__name__)


class Communities:
    """What answers for all communities in a folder. Readers never wait for a load."""

    def __init__(self, bundles: Path, again_s: float = 0.0, store: Store | None = None) -> None:
        # Seconds until a refused bundle is looked at again: somebody may have mended it.
        self._again_s = again_s
        self._registry = Registry(bundles)
        self._store = store
        self._loaded: dict[str, Live] = {}
        self._problems: dict[str, str] = {}
        self._versions: dict[str, str] = {}  # the folders' names, for `refresh` alone
        self._refused: dict[str, tuple[str, float]] = {}  # which folder, and when
        self.looked = threading.Event()  # set once every bundle has been loaded or refused
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """Load what has been promoted since the last look, and drop what is gone.

        A bundle that cannot be loaded is refused; the one before it goes on answering.
        """
        with self._lock:
            names = self._registry.communities()
            loaded, problems = dict(self._loaded), {}
            for name in set(loaded) - set(names):
                del loaded[name]
            for name in names:
                try:
                    folder = self._registry.current(name)
                    if self._is_refused(name, folder):
                        problems[name] = self._problems[name]
                    elif name not in loaded or self._versions.get(name) != folder.name:
                        self._refused[name] = (folder.name, time.monotonic())
                        loaded[name] = self._load(name, folder)
                        del self._refused[name]
                        self._versions[name] = folder.name
                        log.info("%s: serving %s", name, folder.name)
                except Exception as error:
                    # Whatever is wrong with one bundle, the others are still looked after.
                    problems[name] = _said(error)
                    if self._problems.get(name) != problems[name]:
                        log.error("%s: %s", name, problems[name])
            # Readers hold one dict or the other, never a half-changed one.
            self._loaded, self._problems = loaded, problems
            self.looked.set()

    def _load(self, name: str, folder: Path) -> Live:
        live = Live(name, load_bundle(folder), self._store)
        live.catch_up()
        return live

    def _is_refused(self, name: str, folder: Path) -> bool:
        """Return whether this bundle was refused a moment ago: checking it costs a whole read."""
        version, at = self._refused.get(name, ("", 0.0))
        return version == folder.name and time.monotonic() - at < self._again_s

    def live(self, community: str) -> Live:
        """Return what answers for a community.

        Raises:
            UnknownError: There is no such community.
            BundleError: Its bundle is not loaded, with the reason.
        """
        found = self._loaded.get(community)
        if found is not None:
            return found
        if community in self._problems:
            raise BundleError(self._problems[community])
        if not self.looked.is_set():
            raise BundleError("bundles are still being loaded: try again in a moment")
        raise UnknownError(f"no community is called {community!r}")

    def loaded(self) -> list[tuple[str, Live]]:
        """Return the communities that can be answered for and what answers, in order of name."""
        return sorted(self._loaded.items(), key=lambda pair: pair[0])

    def why_not_ready(self, *, named: bool = True) -> str:
        """Return what is missing before every community can be answered for, '' if nothing.

        Args:
            named: Whether whoever asks may learn what communities there are.
        """
        if not self.looked.is_set():
            return "bundles are still being loaded"
        missing = {name: why for name, why in self._problems.items() if name not in self._loaded}
        if missing and not named:
            return f"{len(missing)} of the communities cannot be answered for: the log says why"
        if missing:
            return "; ".join(f"{name}: {why}" for name, why in sorted(missing.items()))
        return "" if self._loaded else "no community has a bundle: run belong train"


def _said(error: Exception) -> str:
    if isinstance(error, BelongError):
        return str(error)
    return f"the bundle cannot be used ({type(error).__name__}: {error}): train again or roll back"
