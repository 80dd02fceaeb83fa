"""YAML text -> plain data that knows where every value stands.

A strict reading of YAML's core schema: only `true` and `false` are booleans, so `no` stays a word and
`007` and `12:30` stay text; a duplicate key is an error; aliases may not multiply the text.
This module does not know what a job is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from pipeline.errors import JobError

Path: TypeAlias = tuple[str | int, ...]

LARGEST_FILE = 1 << 20
MOST_NODES = 50_000
_NULL = {"", "~", "null", "Null", "NULL"}
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)?(?:\.[0-9]+|\.)?(?:[eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a file; 1-based. `block` marks a block scalar, whose text begins a line further down."""

    line: int
    column: int
    block: bool = False


@dataclass
class YamlText:
    """The plain data of a YAML file and the spot of every key and value in it."""

    file: str
    data: Any = None
    spots: dict[Path, Spot] = field(default_factory=dict)
    keys: dict[Path, Spot] = field(default_factory=dict)
    _nodes: int = 0

    def where(self, path: Path, *, key: bool = False) -> str:
        """`file:line:column` of the value (or the key) at a path, or of its nearest known parent."""
        spots = self.keys if key else self.spots
        while path and path not in spots:
            path, spots = path[:-1], self.spots
        spot = spots.get(path)
        return f"{self.file}:{spot.line}:{spot.column}" if spot else self.file

    def inside(self, path: Path, line: int, column: int) -> str:
        """`file:line:column` of a place inside the text at a path (line and column 1-based)."""
        spot = self.spots.get(path)
        if spot is None:
            return self.file
        if spot.block:
            indent = self.keys[path].column + 1 if path in self.keys else 0
            return f"{self.file}:{spot.line + line}:{indent + column}"
        return f"{self.file}:{spot.line + line - 1}:{spot.column + column - 1 if line == 1 else column}"


def parse(text: str, file: str) -> YamlText:
    """Read YAML; a `JobError` with line and column for whatever is not a plain tree of data."""
    result = YamlText(file)
    if len(text) > LARGEST_FILE:
        raise JobError("the file is larger than 1 MiB", where=file)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error, text, file) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise JobError(f"not YAML: {error}", where=file) from None
    try:
        result.data = _plain(node, (), result) if node is not None else None
    except RecursionError:
        raise JobError("the file is nested too deeply", where=file) from None
    return result


def _unreadable(error: yaml.MarkedYAMLError, text: str, file: str) -> JobError:
    mark = error.problem_mark or error.context_mark
    where = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
    what = error.problem or error.context or "not YAML"
    lines = text.splitlines()
    hint = ""
    if mark and mark.line < len(lines) and "\t" in lines[mark.line]:
        hint = "indent with spaces: YAML allows no tabs there"
    elif "mapping values are not allowed" in what:
        hint = "a text that contains ': ' needs quotes around it"
    return JobError(f"not YAML: {what}", where=where, hint=hint)


def _plain(node: yaml.Node, path: Path, result: YamlText) -> Any:
    result._nodes += 1
    mark = node.start_mark
    if result._nodes > MOST_NODES:
        where = f"{result.file}:{mark.line + 1}:{mark.column + 1}"
        raise JobError("aliases multiply this file beyond all measure", where=where)
    quoted = isinstance(node, yaml.ScalarNode) and node.style in ("'", '"')
    block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
    result.spots[path] = Spot(mark.line + 1, mark.column + 1 + quoted, block)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, result)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, i), result) for i, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Path, result: YamlText) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        mark = key_node.start_mark
        where = f"{result.file}:{mark.line + 1}:{mark.column + 1}"
        if not isinstance(key_node, yaml.ScalarNode):
            raise JobError("a key must be a plain word", where=where)
        key = key_node.value
        if key in mapping:
            first = result.keys[(*path, key)]
            raise JobError(f"the key '{key}' stands twice (first in line {first.line})", where=where)
        result.keys[(*path, key)] = Spot(mark.line + 1, mark.column + 1)
        mapping[key] = _plain(value_node, (*path, key), result)
    return mapping


def _scalar(node: yaml.Node) -> Any:
    text: str = node.value
    if node.tag not in _IMPLICIT:
        mark = node.start_mark
        raise JobError(f"the tag {node.tag} is not allowed (line {mark.line + 1}, column {mark.column + 1})")
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return text
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if any(c.isdigit() for c in text) and _FLOAT.fullmatch(text):
        return float(text)
    return text


_IMPLICIT = {
    f"tag:yaml.org,2002:{name}"
    for name in ["str", "int", "float", "bool", "null", "timestamp", "merge", "value"]
}
