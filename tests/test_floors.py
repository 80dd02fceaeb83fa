"""The stair: a file imports lower floors only, and no file or function outgrows its house."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "pipeline"
# From the ground up; rooms on one line stand on one floor and may use each other where no circle comes of it.
FLOORS = [
    "errors domain histogram safe_names wallclock secret sums traces checkup surroundings allowed",
    "kinds yaml_text values sandbox privacy files nolinks child lock interrupts commits reserve waits prices",
    "log job mistakes dtypes inventory aside shelf faults database tally commands confined confined_worker",
    "apis conversation template tokens journal llama_server control endpoints resolving untrusted",
    "cleansing verifying restoring",
    "scripted shapes checks sources sinks accounts",
    "providers steps loading estimate toll limits",
    "guards",
    "lane records table receipt walk schema starter",
    "rows results pages engines standing fleet",
    "session gauges",
    "publishing planning pilot erasing",
    "steering running",
    "searching sharing",
    "conductor forgetting doctor",
    "api screen wording",
    "cli __main__",
]
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms.split()}
FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(module: str) -> str:
    """pipeline.guards.paced -> guards."""
    return module.split(".")[1] if "." in module else "__init__"


def _module(package: str, name: str) -> str:
    """What `from package import name` imports: a module of that name where there is one."""
    path = ROOT / package.replace(".", "/") / name
    inner = path.is_dir() or path.with_suffix(".py").exists()
    return f"{package}.{name}" if inner else package


def imports(tree: ast.AST, *, deferred: bool) -> set[str]:
    """The modules of this package that a tree imports; without deferred ones, only those at import time."""
    found: set[str] = set()
    for node in tree.body if not deferred and isinstance(tree, ast.Module) else ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pipeline":
            found |= {_module(str(node.module), alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == "pipeline"}
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_file_imports_lower_floors_only(file: Path) -> None:
    module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
    here = room_of(module)
    if here == "__init__":
        return
    assert here in FLOOR, f"{here} stands on no floor: add it to FLOORS"
    for name in imports(ast.parse(file.read_text()), deferred=True):
        there = room_of(name)
        if there == "__init__":  # the version
            continue
        assert FLOOR[there] <= FLOOR[here], f"{module} imports {name}, which is further up"


def test_there_are_no_import_circles() -> None:
    graph = {}
    for file in FILES:
        parts = file.relative_to(ROOT).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        graph[module] = imports(ast.parse(file.read_text()), deferred=False)
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module in done or module not in graph:
            return
        for name in graph[module]:
            visit(name, (*path, module))
        done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_files_and_functions_stay_small_and_say_what_they_are(file: Path) -> None:
    text = file.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module begins with what it does"
    assert text.count("\n") <= 300
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 50, f"{node.name} is too long"


def test_only_kinds_uses_importlib_to_find_adapters() -> None:
    users = {file.name for file in FILES if "import_module" in file.read_text()}
    assert users == {"kinds.py"}
