"""Writes the OpenAPI document, the contract with platforms: ``python -m serving.openapi``.

It is committed, so that a change of the contract is seen by whoever reviews it; a test fails when
the document and the app differ.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from serving.app import create_app
from serving.settings import ServeSettings

COMMITTED = Path(__file__).parent.parent / "docs" / "openapi.json"
"""Where the document lies in a copy of the repository."""


def document() -> str:
    """Return the document as it is committed: everything in the order of its name."""
    app = create_app(ServeSettings(Path("bundles")))
    return json.dumps(app.openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> None:
    """Write the document to the file that is named, or to its place in the repository."""
    where = Path(arguments[0]) if arguments else COMMITTED
    where.write_text(document(), "utf-8")
    sys.stdout.write(f"{where}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
