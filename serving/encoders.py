"""The encoders that are open: communities whose encoder is the same share one.

An encoder is by far the largest thing a small community has. It is named by the checksums of its
files, and closed when nobody uses it any more.
"""

from __future__ import annotations

import threading
from weakref import WeakValueDictionary

from engine.bundle import load_encoder
from engine.encoder import Encoder
from serving.outline import Outline


class Encoders:
    """The encoders that are open. Safe to use from several threads."""

    def __init__(self) -> None:
        self._open: WeakValueDictionary[str, Encoder] = WeakValueDictionary()
        self._turn = threading.Lock()

    def of(self, outline: Outline) -> Encoder:
        """Return a bundle's encoder, opening it if nobody has it open.

        Raises:
            BundleError: Its files are absent or damaged.
        """
        with self._turn:
            found = self._open.get(outline.encoder)
            if found is None:
                found = self._open[outline.encoder] = load_encoder(outline.folder)
            return found
