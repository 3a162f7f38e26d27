"""The whole contract, tried with what fits it and what does not: by schemathesis, over HTTP.

No operation fails with a fault, does without a key, takes what the document refuses, or answers
with a status, a media type, a header or a body that the document does not name. A short version
runs always; more examples of each operation with

    BELONG_CONTRACT_EXAMPLES=1000 python -m pytest tests/serving/test_schemathesis.py --timeout 3600
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import checks

from data.store import STORE
from data.store.api_key import EVERY_COMMUNITY, KeyScope
from data.store.connect import open_store
from data.store.import_export import import_community
from data.store.keys import create_key
from serving.app import create_app
from serving.settings import ServeSettings
from tests.serving.running import copied, wait_until
from tests.serving.test_server_process import free_port, is_ready
from tests.world import NOW, community

EXAMPLES = int(os.environ.get("BELONG_CONTRACT_EXAMPLES", "10"))

LIKELY = {
    "community": ["world"],
    "member": ["ana", "bo", "cy", "jo"],
    "other": ["ana", "bo", "cy"],
    "group": ["bakers", "launch-site"],
    "post": ["p1", "p2"],
}
"""Ids that are there, so that what follows a look-up is tried too."""

CHECKS = [
    checks.negative_data_rejection,
    checks.ignored_auth,
    checks.unsupported_method,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


@schemathesis.serializer("application/x-ndjson")
def as_lines(context: schemathesis.SerializationContext, value: object) -> bytes:
    """Return a list a line each, and anything else as it may have been meant."""
    rows = value if isinstance(value, list) else [value]
    return b"\n".join(json.dumps(row).encode() for row in rows)


def document() -> dict[str, Any]:
    """Return the document, its ids likely and no change asked for that is long to come."""
    app = create_app(ServeSettings(Path("bundles")))
    found: dict[str, Any] = app.openapi()
    for operations in found["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                _make_likely(parameter)
    changes = found["paths"]["/v1/communities/{community}/changes"]["post"]["requestBody"]
    lines = {"type": "array", "items": {"$ref": "#/components/schemas/Change"}, "minItems": 1}
    changes["content"]["application/x-ndjson"]["schema"] = lines
    return found


def _make_likely(parameter: dict[str, Any]) -> None:
    likely = LIKELY.get(parameter["name"])
    if parameter["in"] == "path" and likely:
        parameter["schema"] = {"anyOf": [{"enum": likely}, {"type": "string"}]}
    if parameter["name"] == "min_sequence":
        # Beyond what there is, each answer takes two seconds.
        parameter["schema"] = {"anyOf": [{"enum": [0, 1, 2, 3]}, {"type": "string"}]}


schema = schemathesis.openapi.from_dict(document())


@pytest.fixture(scope="module")
def bundles(world_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copied(world_bundles, tmp_path_factory.mktemp("contract") / "bundles").bundles
    store = open_store(str(folder / STORE))
    import_community(store, community(), NOW)
    store.close()
    return folder


@pytest.fixture(scope="module")
def key(bundles: Path) -> str:
    store = open_store(str(bundles / STORE))
    made = create_key(store, "contract", list(KeyScope), [EVERY_COMMUNITY], NOW)
    store.close()
    return made.presented


@pytest.fixture(scope="module")
def base_url(bundles: Path, key: str) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "belong", "serve", "--bundles", str(bundles)]
    freely = ["--rate", "100000", "--burst", "100000"]
    with (bundles.parent / "log").open("wb") as log:  # a pipe that nobody reads would fill up
        process = subprocess.Popen([*command, "--port", str(port), *freely], stderr=log)
        try:
            wait_until(lambda: is_ready(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


@schema.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
def test_each_operation_answers_as_documented(
    case: schemathesis.Case[Any], base_url: str, key: str
) -> None:
    answer = case.call(base_url=base_url, headers={"Authorization": f"Bearer {key}"}, timeout=10)
    assert answer.status_code < 500, answer.text
    case.validate_response(answer, checks=CHECKS)
