"""The types that a Parquet file's footer names and polars does not tell: UUID, JSON, INTERVAL.

The footer is Thrift in its compact form. A file whose footer cannot be read gives no types: polars then says
what is wrong with it. This module does not know polars, nor what becomes of a type.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAGIC = b"PAR1"
MOST = 64 << 20  # the largest footer that is looked into
_SCHEMA, _NAME, _CHILDREN, _CONVERTED, _LOGICAL, _PRECISION = 2, 4, 5, 6, 10, 8
_CONVERTED_NAMES = {19: "JSON", 20: "BSON", 21: "INTERVAL"}
_LOGICAL_NAMES = {12: "JSON", 13: "BSON", 14: "UUID", 16: "VARIANT", 17: "GEOMETRY", 18: "GEOGRAPHY"}
_WIDEST = 38


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column of plain values; a list or an object of the table has one for each of its parts."""

    column: str
    kind: str  # UUID, JSON, INTERVAL, …; '' for the types that need no care


def leaves(path: Path) -> list[Leaf]:
    """The leaves of all columns, in their order; empty where the footer cannot be read."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        length, magic = int.from_bytes(file.read(4), "little"), file.read(4)
        if magic != MAGIC or not 0 < length <= min(MOST, size - 8):
            return []
        file.seek(size - 8 - length)
        try:
            return _leaves(_Compact(file.read(length)).struct().get(_SCHEMA, []))
        except (IndexError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
            return []


def _leaves(schema: list[dict[int, Any]]) -> list[Leaf]:
    found: list[Leaf] = []
    at = 1  # the first is the root
    while at < len(schema):
        column, open_groups = schema[at][_NAME].decode(), 1
        while open_groups:
            element = schema[at]
            children = element.get(_CHILDREN, 0)
            open_groups += children - 1
            if not children:
                found.append(Leaf(column, _kind(element)))
            at += 1
    return found


def _kind(element: dict[int, Any]) -> str:
    logical = next(iter(element.get(_LOGICAL, {})), 0)
    if element.get(_PRECISION, 0) > _WIDEST:
        return f"a decimal of {element[_PRECISION]} digits"
    return _LOGICAL_NAMES.get(logical) or _CONVERTED_NAMES.get(element.get(_CONVERTED, -1), "")


class _Compact:
    """A reader of Thrift's compact protocol: structs as mappings from field numbers."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def struct(self) -> dict[int, Any]:
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            fields[number] = head & 15 == 1 if head & 15 in (1, 2) else self._value(head & 15)
        return fields

    def _value(self, kind: int) -> Any:
        if kind in (1, 2, 3):  # in a list, a boolean takes a byte
            return self._byte()
        if kind in (4, 5, 6):
            return self._zigzag()
        if kind == 7:
            return self._bytes(8)
        if kind == 8:
            return self._bytes(self._varint())
        if kind in (9, 10):
            head = self._byte()
            count = self._varint() if head >> 4 == 15 else head >> 4
            return [self._value(head & 15) for _ in range(count)]
        if kind == 12:
            return self.struct()
        raise ValueError(kind)  # a map: the footer has none before the schema ends

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]

    def _varint(self) -> int:
        number = shift = 0
        while (byte := self._byte()) & 128:
            number |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise ValueError(number)
        return number | byte << shift

    def _zigzag(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)
