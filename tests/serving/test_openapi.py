"""The contract as a document: what a client is generated from, and what is committed of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from serving.access import Access, needed
from serving.openapi import COMMITTED, document, main

MEMBER = "/v1/communities/{community}/members/{member}"
PROBLEM = "application/problem+json"
EVERYWHERE = {"413", "415", "431", "500"}
WITH_A_KEY = EVERYWHERE | {"401", "403", "429", "503"}
IN_A_COMMUNITY = WITH_A_KEY | {"404"}

STATUSES = {
    ("get", "/healthz"): EVERYWHERE | {"200"},
    ("get", "/readyz"): EVERYWHERE | {"200", "503"},
    ("get", "/v1/communities"): WITH_A_KEY | {"200"},
    ("get", f"{MEMBER}/export"): IN_A_COMMUNITY | {"200", "422"},
    ("put", MEMBER): IN_A_COMMUNITY | {"200", "400", "408", "422"},
    ("delete", MEMBER): IN_A_COMMUNITY | {"202", "422"},
    ("post", "/v1/communities/{community}/changes"): IN_A_COMMUNITY
    | {"200", "400", "408", "409", "422"},
}


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(document())
    return made


def operations(contract: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method, path): operation
        for path, found in contract["paths"].items()
        for method, operation in found.items()
    }


def resolved(contract: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    """Follow references, which must lead somewhere."""
    while "$ref" in one:
        _, *path = one["$ref"].split("/")
        one = contract
        for part in path:
            one = one[part]
    return one


def test_the_committed_document_is_the_apps() -> None:
    assert COMMITTED.read_text("utf-8") == document(), (
        "the contract with platforms has changed: if that is meant, renew docs/openapi.json "
        "with  python -m serving.openapi  and say in CHANGELOG.md what has"
    )


def test_the_command_writes_the_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(tmp_path / "there.json")])
    assert (tmp_path / "there.json").read_text("utf-8") == document()
    assert capsys.readouterr().out == f"{tmp_path / 'there.json'}\n"


def test_every_reference_leads_somewhere_and_nothing_shared_is_left_over(
    contract: dict[str, Any],
) -> None:
    text = json.dumps(contract)
    named = set(re.findall(r'"\$ref": "#/components/([^"]*)"', text))
    there = {
        f"{kind}/{name}"
        for kind, found in contract["components"].items()
        for name in found
        if kind != "securitySchemes"
    }
    # A line of many changes is named in words only: JSON lines have no schema.
    assert there - named == {"schemas/Change"}
    assert named <= there


@pytest.mark.parametrize(("method", "path"), STATUSES)
def test_an_operation_lists_all_it_may_answer_refusals_of_the_entrance_included(
    contract: dict[str, Any], method: str, path: str
) -> None:
    assert set(contract["paths"][path][method]["responses"]) == STATUSES[method, path]


def test_what_is_refused_everywhere_is_documented_everywhere(contract: dict[str, Any]) -> None:
    for (method, path), operation in operations(contract).items():
        if needed(method.upper(), path) is Access.OPEN:
            expected, security = EVERYWHERE, []
        else:
            expected = IN_A_COMMUNITY if "{community}" in path else WITH_A_KEY
            security = [{"key": [needed(method.upper(), path).value]}]
        assert expected <= set(operation["responses"]), (method, path)
        assert operation["security"] == security, (method, path)


def test_problems_are_problem_json_with_an_example_of_each_kind(contract: dict[str, Any]) -> None:
    kinds = set()
    for (method, path), operation in operations(contract).items():
        for status, reference in operation["responses"].items():
            response = resolved(contract, reference)
            assert response["description"]
            assert "X-Request-ID" in response["headers"]
            if status.startswith("2"):
                continue
            assert set(response["content"]) == {PROBLEM}, (method, path, status)
            for kind, example in response["content"][PROBLEM]["examples"].items():
                value = resolved(contract, example)["value"]
                assert value["type"] == f"urn:belong:problem:{kind}"
                assert str(value["status"]) == status, (method, path, kind)
                kinds.add(kind)
            assert ("Retry-After" in response["headers"]) is (status in {"429", "503"})
            assert ("WWW-Authenticate" in response["headers"]) is (status == "401")
    assert {"behind", "store", "overloaded", "not-ready", "unknown-reference", "gone"} <= kinds
    assert len(kinds) >= 17


def test_each_operation_has_a_short_name_of_its_own(contract: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in operations(contract).values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z_]{5,40}", name) for name in names)


def test_a_line_of_many_changes_is_described(contract: dict[str, Any]) -> None:
    changes = contract["components"]["schemas"]["Change"]
    kinds = changes["discriminator"]["mapping"]
    assert {"put_member", "delete_member", "put_membership", "put_block"} <= set(kinds)
    for reference in kinds.values():
        assert resolved(contract, {"$ref": reference})["additionalProperties"] is False


def test_requests_and_answers_carry_examples_and_limits(contract: dict[str, Any]) -> None:
    schemas = contract["components"]["schemas"]
    text = schemas["NewcomerToMembers"]["properties"]["text"]
    assert text["maxLength"] == 20_000
    assert text["examples"]
    assert schemas["NewcomerToGroups"]["additionalProperties"] is False
    assert schemas["Reason"]["properties"]["text"]["examples"]
    assert schemas["Problem"]["properties"]["type"]["examples"]
    (limit,) = (
        parameter["schema"]
        for parameter in contract["paths"][f"{MEMBER}/recommendations/groups"]["get"]["parameters"]
        if parameter["name"] == "limit"
    )
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 100, 10)
