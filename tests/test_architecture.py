"""The arrows between packages and the one door of each heavy library, read from the imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("engine", "data", "training", "serving", "belong")

MAY_IMPORT = {
    "engine": {"engine"},
    "data": {"data", "engine"},
    "training": {"training", "data", "engine"},
    "serving": {"serving", "data", "engine"},
    "belong": {"belong", "serving", "training", "data", "engine"},
}
OURS = {*PACKAGES, "benchmarks", "tests"}

# Exporting a model and teaching it are two questions about one library: two files, one door.
MODEL = ("engine/encoder_export.py", "engine/encoder_training.py")
ENCODER = ("engine/encoder.py",)
SERVING = ("serving/",)
STORE = ("data/store/",)
DOORS = {
    "faiss": ("engine/index.py",),
    "sentence_transformers": MODEL,
    "torch": MODEL,
    "transformers": ("engine/encoder_export.py",),
    "onnxruntime": (*ENCODER, "engine/trees.py"),
    "onnx": ("training/trees_file.py",),
    "tokenizers": ENCODER,
    "fastapi": SERVING,
    "starlette": SERVING,
    "uvicorn": SERVING,
    "prometheus_client": SERVING,
    "opentelemetry": SERVING,
    "httpx": ("belong/client/",),
    "sqlalchemy": STORE,
    "alembic": STORE,
    "psycopg": STORE,
    "polars": ("data/", "training/", "belong/"),
    "sklearn": ("training/",),
    "pickle": (),
    "cloudpickle": (),
    "dill": (),
    "joblib": (),
    "marshal": (),
    "shelve": (),
}
"""For each library, the files (or folders, ending in a slash) that may import it."""

MAX_LINES = 360
NEVER_NAMED = {"util", "utils", "helper", "helpers", "manager", "misc", "common"}


def files() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def imports(source: str) -> set[str]:
    """Return every imported module by its full name, wherever in the file the import stands."""
    return set(_imports(ast.parse(source)))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _imports_by_name(node.func):
            assert isinstance(node.args[0], ast.Constant), "an import by a computed name"
            yield str(node.args[0].value)


def _imports_by_name(called: ast.expr) -> bool:
    name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
    return name in {"__import__", "import_module"}


def top_levels(source: str) -> set[str]:
    return {name.split(".")[0] for name in imports(source)}


def crossings(package: str, source: str) -> set[str]:
    """Return our own packages that a file of `package` imports and may not."""
    return top_levels(source) & OURS - MAY_IMPORT[package]


def wrong_doors(path: str, source: str) -> set[str]:
    """Return the libraries that the file at `path` imports and may not."""
    return {
        library
        for library in top_levels(source) & DOORS.keys()
        if not any(path.startswith(door) for door in DOORS[library])
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_its_arrows_allow(package: str) -> None:
    wrong = {
        str(path.relative_to(ROOT)): found
        for path in sorted((ROOT / package).rglob("*.py"))
        if (found := crossings(package, path.read_text("utf-8")))
    }
    assert wrong == {}


def test_each_heavy_library_has_one_door() -> None:
    wrong = {}
    for path in files():
        name = path.relative_to(ROOT).as_posix()
        if found := wrong_doors(name, path.read_text("utf-8")):
            wrong[name] = found
    assert wrong == {}


def test_every_door_that_names_a_file_is_still_there() -> None:
    for library, doors in DOORS.items():
        for door in doors:
            assert (ROOT / door).exists(), f"{door}, the door of {library}, has gone"


def test_no_file_is_longer_than_it_can_be_read() -> None:
    long = {
        path.name: lines
        for path in files()
        if (lines := len(path.read_text("utf-8").splitlines())) > MAX_LINES
    }
    assert long == {}


def test_no_module_is_named_for_nothing() -> None:
    named = {path.relative_to(ROOT).as_posix() for path in files() if path.stem in NEVER_NAMED}
    folders = {path.parent.name for path in files()} & NEVER_NAMED
    assert named | folders == set()


def test_an_array_is_never_read_as_a_pickle() -> None:
    for path in files():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant), path
                assert node.value.value is False, path


@pytest.mark.parametrize(
    ("package", "source", "found"),
    [
        ("engine", "def late():\n    from training.train import train", {"training"}),
        ("engine", "import data.folder as folder", {"data"}),
        ("serving", "import importlib\nimportlib.import_module('training.train')", {"training"}),
        ("training", "if TYPE_CHECKING:\n    from serving import app", {"serving"}),
        ("belong", "from tests.world import world\nimport training, serving", {"tests"}),
        ("data", "from engine.errors import DataError\nimport database", set()),
    ],
)
def test_a_forbidden_import_is_found_wherever_it_hides(
    package: str, source: str, found: set[str]
) -> None:
    assert crossings(package, source) == found


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        ("engine/sources.py", "def f():\n    import faiss", {"faiss"}),
        ("engine/index.py", "import faiss as _typed", set()),
        ("engine/encoder.py", "import torch.nn", {"torch"}),
        ("training/train.py", "from pickle import loads", {"pickle"}),
        ("engine/bundle.py", "import joblib", {"joblib"}),
        ("engine/trees.py", "import onnx", {"onnx"}),
        ("belong/client.py", "from fastapi.responses import JSONResponse", {"fastapi"}),
        ("serving/metrics.py", "import httpx", {"httpx"}),
    ],
)
def test_a_second_door_is_found(path: str, source: str, found: set[str]) -> None:
    assert wrong_doors(path, source) == found
