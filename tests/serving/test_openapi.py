"""The contract as a document: what a client is generated from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from serving.app import create_app
from serving.settings import ServeSettings

MEMBER = "/v1/communities/{community}/members/{member}/recommendations"
TEXT = "/v1/communities/{community}/recommendations"

OPERATIONS = {
    ("get", "/healthz"): {"200"},
    ("get", "/readyz"): {"200", "503"},
    ("get", "/v1/communities"): {"200"},
    ("get", f"{MEMBER}/groups"): {"200", "404", "422", "503"},
    ("get", f"{MEMBER}/members"): {"200", "404", "422", "503"},
    ("post", f"{TEXT}/groups"): {"200", "400", "404", "413", "422", "503"},
    ("post", f"{TEXT}/members"): {"200", "400", "404", "413", "422", "503"},
}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    app = create_app(ServeSettings(tmp_path_factory.mktemp("none") / Path("bundles")))
    app.openapi()  # asked for twice: the second answer comes from a cache
    return app.openapi()


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference, which must lead somewhere."""
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def test_the_document_lists_every_operation_and_what_it_may_answer(
    document: dict[str, Any],
) -> None:
    found = {
        (method, path): set(operation["responses"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert found == OPERATIONS


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_problems_are_documented_as_problem_json_with_an_example(
    document: dict[str, Any], method: str, path: str
) -> None:
    for status, response in document["paths"][path][method]["responses"].items():
        if status == "200":
            assert set(response["content"]) == {"application/json"}
            continue
        assert set(response["content"]) == {"application/problem+json"}
        content = response["content"]["application/problem+json"]
        schema = resolved(document, content["schema"])
        assert set(schema["properties"]) == {"type", "title", "status", "detail"}
        assert set(content["example"]) == set(schema["required"])
        assert str(content["example"]["status"]) == status
        assert content["example"]["type"].startswith("urn:belong:problem:")
        assert response["description"]


def test_requests_and_answers_carry_examples_and_limits(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    text = schemas["NewcomerToMembers"]["properties"]["text"]
    assert text["maxLength"] == 20_000
    assert text["examples"]
    assert schemas["NewcomerToGroups"]["additionalProperties"] is False
    assert schemas["Reason"]["properties"]["text"]["examples"]
    assert schemas["Problem"]["properties"]["type"]["examples"]
    (limit,) = (
        parameter["schema"]
        for parameter in document["paths"][f"{MEMBER}/groups"]["get"]["parameters"]
        if parameter["name"] == "limit"
    )
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 100, 10)
