"""Leaves -> rows: which columns the result has, and what stands in them.

A text answer is one column under the step's name. The fields of a JSON answer become the columns
`step.field`, as templates spell them, so that they never collide with a column of the input.
This module does not know file formats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import polars as pl

from pipeline.answers.complaints import to_a_person
from pipeline.core.document import TO_REVIEW, Translated
from pipeline.core.domain import Fault
from pipeline.core.dtypes import dtype_of, value_of
from pipeline.core.errors import JobError
from pipeline.core.redaction import without
from pipeline.engine.stages import Stage
from pipeline.engine.walk import Branch
from pipeline.job.spec import Job
from pipeline.output.origins import Origin

_Column = Callable[[Sequence[Branch]], Sequence[Any]]  # leaves -> their cells in one column


class Columns:
    """The columns of a job's result over records with the schema `records`."""

    def __init__(self, job: Job, stages: Sequence[Stage], records: Mapping[str, pl.DataType]) -> None:
        self._parts: list[_Column] = []
        self._origins: dict[int, Callable[[Origin], Any]] = {}
        self._columns: dict[str, pl.DataType] = {}
        replaced = {name for stage in stages for name in stage.spec.forks}
        replaced |= {f"_{name}" for name in job.output.columns}  # the table of another job may be the input
        for name, dtype in records.items():
            if name in replaced:
                continue  # the job's own column of this name replaces the input's
            self._add(name, dtype, _field(name))
        for stage in stages:
            for name, values in stage.spec.forks.items():
                self._add(name, _each_dtype(values), _each(name, _each_dtype(values)))
            self._add_answers(stage)
        self.traced = not _OF_ORIGINS.keys().isdisjoint(job.output.columns)
        """whether a column says what is behind the rows"""
        for name in job.output.columns:
            if name in _OF_ORIGINS:
                dtype, self._origins[len(self._parts)] = _OF_ORIGINS[name]
                self._add(f"_{name}", dtype, _nothing)
            else:
                self._add(f"_{name}", pl.String(), _version(stages) if name == "prompt" else _INCLUDED[name])
        self.schema = pl.Schema(self._columns)

    def _add(self, name: str, dtype: pl.DataType, part: _Column) -> None:
        if name in self._columns:
            what = f"the result would have two columns named '{name}'"
            raise JobError(what, hint="rename the step or the value")
        self._columns[name] = dtype
        self._parts.append(part)

    def _add_answers(self, stage: Stage) -> None:
        step, shape = stage.spec.name, stage.runner.shape
        if stage.runner.documents:
            for name in COUNTED:
                self._add(f"{step}.{name}", pl.Int64(), _count(step, name))
        elif shape is None:
            self._add(step, pl.String(), _text(step))
        elif shape.fields is None:
            dtype = dtype_of(shape.plain)
            self._add(step, dtype, _fitted(step, None, dtype))
        else:
            for field, schema in shape.fields.items():
                self._add(f"{step}.{field}", dtype_of(schema), _fitted(step, field, dtype_of(schema)))

    def of(self, leaves: Sequence[Branch], origins: Sequence[Origin] = ()) -> list[Sequence[Any]]:
        """The cells of these leaves, column by column, in the order of the schema; `origins` if `traced`."""
        cells = [part(leaves) for part in self._parts]
        for at, of_origin in self._origins.items():
            cells[at] = list(map(of_origin, origins))
        return cells


def _field(name: str) -> _Column:
    return lambda leaves: [leaf.record.fields[name] for leaf in leaves]


def _text(step: str) -> _Column:
    return lambda leaves: [leaf.values.get(step) for leaf in leaves]


COUNTED: dict[str, Callable[[str], bool]] = {
    "segments": lambda state: True,
    "translated": lambda state: state not in TO_REVIEW,
    "review": lambda state: state in TO_REVIEW,
}
"""what is counted of a document's segments, by their state"""


def _count(step: str, name: str) -> _Column:
    def cell(leaf: Branch) -> int | None:
        value = leaf.values.get(step)
        return (
            sum(COUNTED[name](one.state) for one in value.outcomes) if isinstance(value, Translated) else None
        )

    return _by_leaf(cell)


def _by_leaf(cell: Callable[[Branch], Any]) -> _Column:
    return lambda leaves: list(map(cell, leaves))


def _fitted(step: str, field: str | None, dtype: pl.DataType) -> _Column:
    def cell(branch: Branch) -> Any:
        value = branch.values.get(step)
        if field is not None and value is not None:
            value = value.get(field)
        return None if value is None else value_of(value, dtype)

    return _by_leaf(cell)


def _each_dtype(values: Sequence[Any]) -> pl.DataType:
    types = {type(value) for value in values}
    if types == {bool}:
        return pl.Boolean()
    if types == {int}:
        return pl.Int64()
    return pl.Float64() if types <= {int, float} else pl.String()


def _each(name: str, dtype: pl.DataType) -> _Column:
    def cell(branch: Branch) -> Any:
        value = branch.values.get(name)
        if value is None:
            return None
        if isinstance(dtype, pl.String):
            return str(value)
        return float(value) if isinstance(dtype, pl.Float64) else value

    return _by_leaf(cell)


def reason(leaf: Branch) -> str | None:
    """Why a row is not ok, in a sentence; None where it is."""
    if isinstance(leaf.fault, Fault):
        return str(leaf.fault)
    return f"when: {', '.join(sorted(leaf.skipped))}" if leaf.skipped else None


def _models(leaf: Branch) -> str | None:
    """Who wrote a row: the models of all steps that answered in it."""
    return ", ".join(dict.fromkeys(leaf.models)) or None


def _checks(leaf: Branch) -> str | None:
    """What soft checks say of a row."""
    said = "; ".join(f"{one.check}: {to_a_person(one.message)}" for one in leaf.soft)
    return without(said, leaf.record.private) or None


def _version(stages: Sequence[Stage]) -> _Column:
    """A few digits for the texts of all prompts; a letter stands before them, so that they are no number."""
    texts = [
        (stage.spec.name, name, template.text)
        for stage in stages
        for name, template in stage.runner.templates.items()
        if not name.startswith("checks.")
    ]
    digits = "p" + sha256(repr(texts).encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return lambda leaves: [digits] * len(leaves)


def _nothing(leaves: Sequence[Branch]) -> Sequence[Any]:
    return ()


_OF_ORIGINS: dict[str, tuple[pl.DataType, Callable[[Origin], Any]]] = {
    "attempts": (pl.Int64(), lambda origin: origin.attempts),
    "cost": (pl.Float64(), lambda origin: origin.cost),
    "date": (pl.String(), lambda origin: origin.date),
}
_INCLUDED: dict[str, _Column] = {
    "status": _by_leaf(lambda leaf: leaf.status),
    "reason": _by_leaf(reason),
    "key": _by_leaf(lambda leaf: leaf.record.key),
    "model": _by_leaf(_models),
    "checks": _by_leaf(_checks),
}
