"""What the client sends beside the committed contract: all of it can be sent, and nothing else."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from belong.client import (
    Client,
    Event,
    ItemKind,
    UnreadableError,
    asking,
    conversing,
    discovering,
    overseeing,
    rounds,
    telling,
)
from belong.client.call import Call
from tests.belong.client_contract import (
    ASKED,
    CALLS,
    CHANGES,
    DOCS,
    NOT_FOR_PLATFORMS,
    SCHEMAS,
    calls_of,
    is_valid,
    operation_of,
    operations,
    resolved,
)
from tests.belong.client_wire import Wire, by_waiting, methods_of


def sent(call: Call[Any]) -> httpx.Request:
    wire = Wire(httpx.Response(418))
    with pytest.raises(UnreadableError, match="418"):
        by_waiting(wire, call)
    return wire.request


def test_every_operation_has_a_method_and_every_method_an_operation() -> None:
    assert {operation_of(call) for call in CALLS.values()} == set(ASKED)
    assert NOT_FOR_PLATFORMS.keys() <= operations().keys()


def test_every_method_is_compared_with_the_contract_and_stands_in_the_page() -> None:
    made = {
        name
        for module in (asking, conversing, discovering, telling, overseeing, rounds)
        for name, one in vars(module).items()
        if inspect.isfunction(one) and one.__module__ == module.__name__ and name[0] != "_"
    }
    assert CALLS.keys() == made == methods_of(Client).keys() - {"send", "close"}
    page = (DOCS / "client.md").read_text("utf-8")
    assert [name for name in sorted(made) if f"`{name}`" not in page] == []


@pytest.mark.parametrize("operation", ASKED)
def test_all_parameters_of_an_operation_can_be_sent_and_no_others(operation: str) -> None:
    described = {
        (one["in"], one["name"].lower()): one["schema"]
        for one in operations()[operation][2].get("parameters", ())
        if one["in"] != "path"
    }
    found = set()
    for call in calls_of(operation):
        request = sent(call)
        for name, text in parse_qsl(urlsplit(str(request.url)).query):
            schema = described["query", name]
            one = schema.get("items", schema)
            value = text if one.get("type") == "string" else json.loads(text)
            assert is_valid(one, value), name
            found.add(("query", name))
        if "idempotency-key" in request.headers:
            found.add(("header", "idempotency-key"))
    assert found == set(described)


def body_schema(operation: str) -> tuple[str, dict[str, Any]] | None:
    body = operations()[operation][2].get("requestBody")
    if body is None:
        return None
    ((media, described),) = body["content"].items()
    return media, described["schema"]


@pytest.mark.parametrize("operation", ASKED)
def test_all_fields_of_a_body_can_be_sent_and_what_is_sent_is_valid(operation: str) -> None:
    described = body_schema(operation)
    for call in calls_of(operation):
        assert (call.content is None) == (described is None)
        if described is None or call.content is None:
            continue
        media, schema = described
        assert sent(call).headers["content-type"] == media
        if media == "application/json":
            value = json.loads(call.content)
            assert is_valid(schema, value)
            alone = value[0] if isinstance(value, list) else value
            properties = [one for one in objects_of(schema) if set(one) == set(alone)]
            assert properties, f"{operation}: {sorted(alone)}"


def objects_of(schema: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Return the properties of each object that a body may be, or hold in a list."""
    one = resolved(schema)
    if "properties" in one:
        yield one["properties"]
    for inner in (*one.get("anyOf", ()), *([one["items"]] if "items" in one else ())):
        yield from objects_of(inner)


def test_all_fields_of_an_arm_can_be_sent() -> None:
    call = CALLS["put_experiment"]
    assert call.content is not None
    (arm,) = json.loads(call.content)["arms"]
    assert set(arm) == set(SCHEMAS["ArmBody"]["properties"])


def test_each_kind_of_line_can_be_sent_with_all_its_fields() -> None:
    lines = {str(change.line()["change"]): change.line() for change in CHANGES}
    kinds = SCHEMAS["Change"]["discriminator"]["mapping"]
    assert lines.keys() == kinds.keys()
    for kind, reference in kinds.items():
        line = json.loads(json.dumps(lines[kind]))
        assert is_valid({"$ref": reference}, line), kind
        assert set(line) == set(resolved({"$ref": reference})["properties"]), kind


def test_choices_are_those_of_the_contract() -> None:
    told = SCHEMAS["FeedbackEvent"]["properties"]
    assert [one.value for one in Event] == told["event"]["enum"]
    assert [one.value for one in ItemKind] == told["item_kind"]["enum"]
