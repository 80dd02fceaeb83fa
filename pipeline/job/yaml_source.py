"""YAML text -> plain data that knows where every value stands.

A strict reading of YAML's core schema: only `true` and `false` are booleans, so `no` stays a word and
`007` and `12:30` stay text; a duplicate key is an error; aliases may not multiply the text.
This module does not know what a job is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from operator import getitem
from typing import Any, TypeAlias

import yaml

from pipeline.core.errors import JobError
from pipeline.job.slips import comma_slip, yaml_slip

Path: TypeAlias = tuple[str | int, ...]

LARGEST_FILE = 1 << 20
MOST_NODES = 50_000
_TOO_MANY = "more than"
_UNCLOSED = re.compile(r"'[]}]'|end of stream")
"""what the parser says where it is the beginning that has to be shown"""
_NULL = {"", "~", "null", "Null", "NULL"}
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_LF = "\n"
_NEWLINE = re.compile(r"\r\n|\r|\n")
_WORD = re.compile(r"\w+|[^\w\s]+")
_RESOLVER = yaml.resolver.Resolver()
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a file; 1-based. A value's source is the text from `start` to `end`."""

    line: int
    column: int
    start: int = 0
    end: int = 0


@dataclass
class YamlSource:
    """The plain data of a YAML file and the spot of every key and value in it."""

    file: str
    data: Any = None
    spots: dict[Path, Spot] = field(default_factory=dict)
    keys: dict[Path, Spot] = field(default_factory=dict)
    changes: dict[Path, str] = field(default_factory=dict)
    """paths that were set from outside the file, each with a name for the place it came from"""
    source: str = ""
    _nodes: int = 0
    _characters: int = 0
    _open: set[int] = field(default_factory=set)

    def where(self, path: Path, *, key: bool = False) -> str:
        """`file:line:column` of the value (or the key) at a path, or of its nearest known parent."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.changes:
                return self.changes[path[:length]]
        spots = self.keys if key else self.spots
        while path and path not in spots:
            path, spots = path[:-1], self.spots
        spot = spots.get(path)
        return f"{self.file}:{spot.line}:{spot.column}" if spot else self.file

    @contextmanager
    def placing(self) -> Iterator[None]:
        """Give an error that names a key of the file (`records.key`) the place where it stands."""
        try:
            yield
        except JobError as error:
            path = tuple(error.where.split("."))
            if path in self.spots or path in self.changes:
                said = "" if path in self.changes else f"{error.where}: "
                error.what, error.where = said + error.what, self.where(path)
            raise

    def inside(self, path: Path, line: int, column: int) -> str:
        """`file:line:column` of a place inside the text at a path (line and column 1-based)."""
        spot, where = self.spots.get(path), self.where(path)
        if spot is None or where in self.changes.values():
            return where
        text: str = reduce(getitem, path, self.data)
        starts = [0, *(match.end() for match in _NEWLINE.finditer(text))]
        word = _WORD.search(text, starts[min(line, len(starts)) - 1] + column - 1)
        at = self._nth(word[0], text.count(word[0], 0, word.start()), spot) if word else -1
        if at < 0:
            return where
        return f"{self.file}:{self.source.count(_LF, 0, at) + 1}:{at - self.source.rfind(_LF, 0, at)}"

    def _nth(self, word: str, before: int, spot: Spot) -> int:
        """The position of a word in the source of a value, after `before` earlier ones; -1 for nowhere."""
        at = self.source.find(word, spot.start, spot.end)
        for _ in range(before):
            at = self.source.find(word, at + len(word), spot.end) if at >= 0 else -1
        return at


def parse(text: str, file: str) -> YamlSource:
    """Read YAML; a `JobError` with line and column for whatever is not a plain tree of data."""
    result = YamlSource(file, source=text)
    if len(text) > LARGEST_FILE:
        raise JobError("the file is larger than 1 MiB", where=file)
    try:
        node = _compose(text)
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error, text, file) from None
    except yaml.reader.ReaderError as error:
        line = text.count(_LF, 0, error.position) + 1
        column = error.position - text.rfind(_LF, 0, error.position)
        what = f"not YAML: the character U+{error.character:04X} is not allowed"
        hint = "take it out; most editors do not show it"
        raise JobError(what, where=f"{file}:{line}:{column}", hint=hint) from None
    except RecursionError:
        raise JobError("the file is nested too deeply", where=file) from None
    try:
        result.data = _plain(node, (), result) if node is not None else None
    except RecursionError:
        raise JobError("the file is nested too deeply", where=file) from None
    return result


class _Composer(yaml.SafeLoader):
    """Gives up on a file with too many values before it has read them all."""

    values = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.values += 1
        if self.values > MOST_NODES:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(None, None, f"{_TOO_MANY} {MOST_NODES:,} values", mark)
        return super().compose_node(parent, index)


def _compose(text: str) -> yaml.Node | None:
    composer = _Composer(text)
    try:
        node: yaml.Node | None = composer.get_single_node()
        return node
    finally:
        composer.dispose()


def _unreadable(error: yaml.MarkedYAMLError, text: str, file: str) -> JobError:
    problem = error.problem or error.context or ""
    mark = error.problem_mark or error.context_mark
    if error.context_mark and _UNCLOSED.search(problem):
        mark = error.context_mark
    where = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
    if problem.startswith(_TOO_MANY):
        return JobError(problem, where=where)
    what, hint = yaml_slip(problem, text.splitlines(), mark.line if mark else 0)
    return JobError(f"not YAML: {what}", where=where, hint=hint)


def _plain(node: yaml.Node, path: Path, result: YamlSource) -> Any:
    result._nodes += 1
    result._characters += len(node.value) if isinstance(node, yaml.ScalarNode) else 0
    mark, end = node.start_mark, node.end_mark.index
    where = f"{result.file}:{mark.line + 1}:{mark.column + 1}"
    if result._nodes > MOST_NODES or result._characters > LARGEST_FILE:
        raise JobError("aliases expand this file beyond the size limit", where=where)
    if id(node) in result._open:
        raise JobError("an alias refers to a value that contains it", where=where)
    plain = not isinstance(node, yaml.ScalarNode) or node.style is None
    usual: str = _RESOLVER.resolve(type(node), node.value, (plain, not plain))  # type: ignore[no-untyped-call]
    if node.tag != usual:
        hint = "put it in quotes to make it a text"
        raise JobError(f"the tag {node.tag} is not allowed", where=where, hint=hint)
    quoted = isinstance(node, yaml.ScalarNode) and node.style in ("'", '"')
    result.spots[path] = Spot(mark.line + 1, mark.column + 1 + quoted, mark.index, end)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    result._open.add(id(node))
    if isinstance(node, yaml.MappingNode):
        value: Any = _mapping(node, path, result)
    else:
        value = [_plain(item, (*path, i), result) for i, item in enumerate(node.value)]
    result._open.remove(id(node))
    return value


def _mapping(node: yaml.MappingNode, path: Path, result: YamlSource) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        mark = key_node.start_mark
        where = f"{result.file}:{mark.line + 1}:{mark.column + 1}"
        if not isinstance(key_node, yaml.ScalarNode):
            what, hint = yaml_slip("key", result.source.splitlines(), mark.line)
            raise JobError(what, where=where, hint=hint)
        key = key_node.value
        _refuse_comma(key_node, value_node, result.source, where)
        if key == "<<" and key_node.style is None:
            raise JobError("merging mappings with << is not supported: write the keys out", where=where)
        if key in mapping:
            first = result.keys[(*path, key)]
            what = f"the key '{key}' occurs twice (first in line {first.line})"
            raise JobError(what, where=where, hint="take one of the two out")
        result.keys[(*path, key)] = Spot(mark.line + 1, mark.column + 1)
        mapping[key] = _plain(value_node, (*path, key), result)
    return mapping


def _refuse_comma(key: yaml.ScalarNode, value: yaml.Node, source: str, where: str) -> None:
    """Refuse {cost: 2,00}: it is cost: 2 and a key 00 without a value."""
    at, empty = key.start_mark.index, value.start_mark.index == value.end_mark.index
    if empty and key.value.isdigit() and source[at - 1] == ",":
        before = source[:at].rpartition(" ")[2]
        if hint := comma_slip(before.rpartition(":")[2] + key.value):
            raise JobError("a number has a comma, which ends it here", where=where, hint=hint)


def _scalar(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    if node.style is not None:
        return text
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if any(c in ".eE" for c in text) and _FLOAT.fullmatch(text):
        return float(text)
    return text  # a whole number too long for 64 bits too: as a float it would lose digits
