"""What the client reads beside the committed contract: each field has its place and its type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import httpx
import pytest

from belong.client import (
    Acknowledged,
    Erasure,
    ErasureBegun,
    Experiment,
    FeedbackAcknowledged,
    ManyAcknowledged,
    OpenPosts,
    PostsToJoin,
    Problem,
    Ranked,
    Replay,
    Round,
    Slate,
)
from belong.client.answers import Batch, Communities, Experiments
from belong.client.discovering import Discoveries
from belong.client.errors import OF_STATUS
from belong.client.sending import BUSY
from tests.belong.client_contract import ASKED, SCHEMAS, calls_of, is_valid, operations, resolved
from tests.belong.client_wire import Wire, by_waiting, done

ANSWERS: dict[str, type] = {
    "Accepted": Acknowledged,
    "AcceptedErasure": ErasureBegun,
    "AcceptedFeedback": FeedbackAcknowledged,
    "AcceptedMany": ManyAcknowledged,
    "Batch": Batch,
    "Communities": Communities,
    "Discoveries": Discoveries,
    "ErasureReceipt": Erasure,
    "ExperimentCard": Experiment,
    "ExperimentList": Experiments,
    "PostsToJoin": PostsToJoin,
    "Problem": Problem,
    "Ranked": Ranked,
    "Recommendations": Slate,
    "Replay": Replay,
    "ReportsCleared": Acknowledged,
    "RoundCard": Round,
    "UnansweredPosts": OpenPosts,
}
"""What each answer is read into."""


def test_every_refusal_of_the_contract_has_its_error() -> None:
    documented = {
        int(status)
        for operation in ASKED
        for status in operations()[operation][2]["responses"]
        if int(status) >= 400
    }
    assert documented - OF_STATUS.keys() - set(BUSY) == {500}  # any other is a `RefusedError`


def answered(operation: str) -> Mapping[str, Any] | None:
    """Return what an operation answers when all is well; None for nothing."""
    (response,) = (
        one
        for status, one in operations()[operation][2]["responses"].items()
        if status.startswith("2")
    )
    for described in response.get("content", {}).values():
        schema: Mapping[str, Any] = described["schema"]
        return schema
    return None


@pytest.mark.parametrize("operation", ASKED)
def test_an_answer_of_the_contract_is_read_full_or_bare(operation: str) -> None:
    schema = answered(operation)
    for call in calls_of(operation):
        for full in (True, False):
            if schema is None:
                assert by_waiting(Wire(httpx.Response(204)), call) is None
                continue
            example = example_of(schema, full)
            assert is_valid(schema, example)
            assert by_waiting(Wire(done(example)), call) is not None


def example_of(schema: Mapping[str, Any], full: bool) -> object:
    """Return a value that a schema allows: all there can be, or no more than there must be."""
    one = resolved(schema)
    if "anyOf" in one:
        return example_of(one["anyOf"][0], full) if full else None
    kind = one["type"]
    if kind == "object":
        needed = one.get("properties", {}).keys() if full else one.get("required", ())
        return {name: example_of(one["properties"][name], full) for name in needed}
    if kind == "array":
        return [example_of(one["items"], full)]
    return {"string": "a", "integer": 2, "number": 0.5, "boolean": True}[kind]


def test_every_answer_is_read_into_something() -> None:
    named = {
        schema["$ref"].rpartition("/")[2]
        for operation in ASKED
        if (schema := answered(operation)) is not None and "$ref" in schema
    }
    assert named | {"Problem"} == ANSWERS.keys()
    assert [one for one in ASKED if "$ref" not in (answered(one) or {})] == [
        "delete_one",  # answers nothing
        "get_export",  # answers what the store holds, whatever that is
    ]


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_has_each_field_of_the_contract_in_its_type(name: str) -> None:
    expected = shape_of(SCHEMAS[name])
    if name == "Ranked":
        expected.pop("cursor")  # one's own candidates are one page
        expected.pop("short")  # what is left out is told by its ids
    assert shape_read(ANSWERS[name]) == expected


def shape_of(schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a tree of names
    """Return names and types of a schema as a tree."""
    one = resolved(schema)
    if "anyOf" in one:
        return {"or null": shape_of(one["anyOf"][0])}
    if "properties" in one:
        return {name: shape_of(inner) for name, inner in one["properties"].items()}
    if one["type"] == "object":
        return {"each": shape_of(one["additionalProperties"])}
    return [shape_of(one["items"])] if one["type"] == "array" else one["type"]


PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


def shape_read(kind: Any) -> Any:  # noqa: ANN401 - any type there is, and a tree of names
    """Return names and types of what is read as the same tree."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return {"or null": shape_read(inner[0])}
    if is_dataclass(kind):
        hints: dict[str, Any] = get_type_hints(kind)
        return {field.name: shape_read(hints[field.name]) for field in fields(kind)}
    if origin is tuple:
        return [shape_read(inner[0])]
    return {"each": shape_read(inner[1])} if origin is not None else PLAIN[kind]
