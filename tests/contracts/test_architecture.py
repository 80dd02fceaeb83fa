"""The plan of the house: the table of folders in DESIGN.md is the rule, and the code is held to it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.support import ROOT

PACKAGE = ROOT / "pipeline"
FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in FILES}
WINGS = {
    *(
        "tables",
        "documents",
        "providers",
        "wire/apis",
        "steps",
        "answers/checks",
        "answers/asked",
        "translation/gates",
    ),
    *("lanes/guards", "lanes/limits"),
}
"""folders of one kind of thing, a file each: they may have any number of files"""
LOOSE = {"__init__.py", "__main__.py", "api.py"}
MOST_FILES, MOST_LINES, LONGEST_FUNCTION, MOST_LINES_IN_ALL = 14, 300, 50, 61_150
_ROW = re.compile(r"^\| (\d+) \| (.+?) \|")
_NAMED = re.compile(r"`(\w[\w./]*(?:\.py|/))`")


def floors() -> dict[str, int]:
    """The floor of each folder, and of `api`, by the table in DESIGN.md."""
    found: dict[str, int] = {}
    for line in (ROOT / "DESIGN.md").read_text("utf-8").splitlines():
        if row := _ROW.match(line):
            found |= dict.fromkeys(
                (name.rstrip("/").removesuffix(".py") for name in re.findall(r"`([^`]+)`", row[2])),
                int(row[1]),
            )
    return found


FLOORS = floors()


def folder_of(module: str) -> str:
    """pipeline.lanes.guards.record -> lanes; '' for the package itself."""
    return module.split(".")[1] if "." in module else ""


@cache
def imported(file: Path) -> tuple[str, ...]:
    """The modules of this package that a file imports, also those imported late or for types only."""
    return tuple(_imported(file))


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pipeline":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES or f"{inner}.__init__" in MODULES else str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "pipeline")


def test_the_table_names_every_folder_and_no_other() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders | {"api"} == FLOORS.keys()


@pytest.mark.parametrize("module", MODULES)
def test_a_folder_imports_lower_floors_only(module: str) -> None:
    here = folder_of(module)
    if here in ("", "__init__", "__main__"):
        return
    for name in imported(MODULES[module]):
        there = folder_of(name)
        if there in ("", here):  # the version, or a neighbour in the same folder
            continue
        assert FLOORS[there] < FLOORS[here], f"{module} imports {name}, which does not stand on a lower floor"


def test_there_are_no_import_circles() -> None:
    graph = {
        module.removesuffix(".__init__"): {name for name in imported(file) if name != "pipeline"}
        for module, file in MODULES.items()
        if module != "pipeline.__init__"
    }
    assert circle(graph) == ()


def circle(graph: Mapping[str, set[str]]) -> tuple[str, ...]:
    """A path that leads back to where it began; () where there is none."""
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> tuple[str, ...]:
        if module in path:
            return (*path[path.index(module) :], module)
        if module not in done:
            for name in sorted(graph.get(module, ())):
                if found := visit(name, (*path, module)):
                    return found
            done.add(module)
        return ()

    return next((found for module in graph if (found := visit(module, ()))), ())


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ("b", "c", "b")


def test_no_file_lies_loose() -> None:
    assert {path.name for path in PACKAGE.glob("*.py")} == LOOSE


def test_a_folder_that_is_no_wing_has_few_files() -> None:
    for folder in {file.parent for file in FILES} - {PACKAGE}:
        name = folder.relative_to(PACKAGE).as_posix()
        files = [file for file in folder.glob("*.py") if file.name != "__init__.py"]
        assert name in WINGS or len(files) <= MOST_FILES, f"{name} wants a second floor, or a missing noun"


@pytest.mark.parametrize("module", MODULES)
def test_what_begins_with_an_underscore_is_used_in_its_own_folder(module: str) -> None:
    here = MODULES[module].parent
    for name in imported(MODULES[module]):
        private = next((part for part in name.split(".") if part.startswith("_") and part != "__init__"), "")
        if private:
            owner = ROOT.joinpath(*name.split(".")[: name.split(".").index(private)])
            assert owner == here, f"{module} imports {name}, which is {owner.name}'s own"


@pytest.mark.parametrize("module", MODULES)
def test_files_and_functions_stay_small_and_say_what_they_are(module: str) -> None:
    text = MODULES[module].read_text("utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module begins with what it does"
    assert text.count("\n") <= MOST_LINES
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, f"{node.name} is too long"


@pytest.mark.parametrize("module", MODULES)
def test_the_first_line_of_a_docstring_is_a_whole_sentence(module: str) -> None:
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first, *more = (ast.get_docstring(node) or ".").splitlines()
            assert first[-1] in ".:?!…" and not (more and more[0]), f"{first!r} goes on after its line"


@pytest.mark.parametrize("module", MODULES)
def test_files_and_folders_named_in_backticks_exist(module: str) -> None:
    for name in _NAMED.findall(MODULES[module].read_text("utf-8")):
        path = name.rstrip("/")
        assert (ROOT / path).exists() or any(PACKAGE.rglob(path)), f"{module} names {name}"


@pytest.mark.parametrize("module", MODULES)
def test_a_lint_exception_says_why(module: str) -> None:
    for number, line in enumerate(MODULES[module].read_text("utf-8").splitlines(), 1):
        if "# noqa" in line:
            assert re.search(r"# noqa: [A-Z0-9, ]+ - \w", line), f"{module}:{number} gives no reason"


def test_the_package_stays_small() -> None:
    assert sum(file.read_text("utf-8").count("\n") for file in FILES) <= MOST_LINES_IN_ALL


def test_only_adapters_uses_importlib() -> None:
    users = {module for module, file in MODULES.items() if "import_module" in file.read_text("utf-8")}
    assert users == {"pipeline.core.adapters"}


def test_tests_import_from_support_and_from_no_other_test() -> None:
    wrong = []
    for file in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            wrong += [
                f"{file.relative_to(ROOT)} imports {name}"
                for name in names
                if name.split(".")[0] == "tests" and name.split(".")[1:2] != ["support"]
            ]
    assert wrong == []


def test_no_folder_takes_the_place_of_a_public_name() -> None:
    """`import pipeline.x` sets the attribute `x` of the package, so a folder would hide a function."""
    import pipeline

    names = {path.stem for path in PACKAGE.iterdir()}
    assert names.isdisjoint(pipeline.__all__)
