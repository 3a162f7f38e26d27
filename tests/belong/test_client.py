"""The client as a package: what it needs, what it tells of its key, and its two halves."""

from __future__ import annotations

import ast
import inspect
import logging
import subprocess
import sys
import traceback
from pathlib import Path
from typing import assert_type

import httpx
import pytest

import belong.client
from belong.client import (
    Acknowledged,
    AsyncClient,
    Client,
    Community,
    NoKeyError,
    Slate,
    UnreachableError,
)
from tests.belong.client_wire import KEY, SLATE, Wire, done, methods_of, problem


def test_both_clients_do_the_same_under_the_same_names() -> None:
    waiting, awaited = methods_of(Client), methods_of(AsyncClient)
    assert waiting.keys() - {"close"} == awaited.keys() - {"aclose"}
    for name in waiting.keys() - {"close"}:
        signatures = inspect.signature(waiting[name]), inspect.signature(awaited[name])
        assert list(signatures[0].parameters) == list(signatures[1].parameters)
        assert waiting[name].__doc__ == awaited[name].__doc__
    client = Client("http://belong.example")
    assert str(inspect.signature(client.leave)) == "(community: 'str', member: 'str', group: 'str')"
    client.close()


@pytest.mark.parametrize("key", ["", "a b", "a\r\nx: y", "clé", "a\0"])
def test_a_key_that_cannot_be_sent_is_refused_without_being_told(key: str) -> None:
    with pytest.raises(ValueError, match="expected visible ASCII") as caught:
        Client("https://belong.example", key)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    "base_url",
    ["", "belong.example", "ftp://belong.example", "https://", "https://u:p@h", "https://h/?a=1"],
)
def test_an_address_that_is_none_is_refused(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        AsyncClient(base_url)


def test_the_key_is_in_no_repr_log_or_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = Client(
        "https://belong.example",
        KEY,
        retries=0,
        transport=httpx.MockTransport(
            Wire(httpx.ConnectError("refused"), problem(401, "x")).answer
        ),
    )
    told = [repr(client), str(client), repr(vars(client)), repr(vars(client)["_http"].headers)]
    for error in (UnreachableError, NoKeyError):
        with pytest.raises(error) as caught:
            client.groups_for("town", "ana")
        told += [repr(caught.value), str(caught.value), repr(vars(caught.value))]
        told += traceback.format_exception(caught.value)
    told += [record.getMessage() for record in caplog.records]
    assert repr(client) == "Client('https://belong.example')"
    assert not [one for one in told if KEY in one or "5ec12e7" in one]
    client.close()


def test_answers_are_typed() -> None:
    wire = Wire(done(SLATE), done({"communities": []}))
    transport = httpx.MockTransport(wire.answer)
    with Client("https://belong.example", transport=transport) as client:
        assert_type(client.groups_for("town", "ana", limit=5), Slate)
        assert_type(client.communities(), tuple[Community, ...])

    async def awaited(one: AsyncClient) -> None:
        assert_type(await one.leave("town", "ana", "bakers"), Acknowledged)

    assert inspect.iscoroutinefunction(awaited)


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    named = {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    return named | {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_it_imports_nothing_but_httpx_and_itself() -> None:
    folder = Path(belong.client.__file__).parent
    found = set.union(*(imports(path) for path in folder.glob("*.py")))
    ours = {name for name in found if name.startswith("belong.client")}
    others = {name.partition(".")[0] for name in found - ours}
    assert others - sys.stdlib_module_names == {"httpx"}


def test_it_works_where_nothing_else_of_belong_is_installed(tmp_path: Path) -> None:
    folder = Path(belong.client.__file__).parent
    (tmp_path / "belong").mkdir()
    (tmp_path / "belong" / "client").symlink_to(folder)
    script = (
        "import sys, belong.client\n"
        "others = {'numpy', 'data', 'engine', 'serving', 'training', 'pydantic'}\n"
        "print(sorted(others & {*sys.modules}))\n"
        "print(belong.client.Client('http://h'))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    assert ended.stdout == "[]\nClient('http://h')\n", ended.stderr
