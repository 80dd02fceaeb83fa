"""The names that templates may read at each step: columns, values of `each`, answers of the steps above.

This module does not know records: it is told their columns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from pipeline.answers.items import KNOWN, fields_of
from pipeline.core.errors import JobError
from pipeline.engine.stages import Stage
from pipeline.job.yaml_source import YamlSource
from pipeline.templates.template import Template, near

RESERVED = frozenset({"row", "loop", "range"})
_Fields = Mapping[str, Sequence[str] | None]
"""names, with their fields where these are known"""


class Names:
    """What is known after the steps that were added; `JobError` for a name that is taken, or is not there."""

    def __init__(self, columns: Collection[str], mute: Mapping[str, object], text: YamlSource) -> None:
        """`mute`: the types of the columns whose values have no text. `text` is that of the job file."""
        self._columns, self._mute, self._text = set(columns), dict(mute), text
        self._known: dict[str, Sequence[str] | None] = {**dict.fromkeys(columns), "row": sorted(columns)}

    def add(self, i: int, stages: Sequence[Stage]) -> None:
        """Check the names and the templates of step `i`, and know what it gives to those after it."""
        stage = stages[i]
        for name in stage.spec.forks:
            _check_free(name, self._taken(), self._text.where(("steps", i, "each", name), key=True))
            self._columns.discard(name)
            self._mute.pop(name, None)
            self._known[name] = None
        _check_free(stage.spec.name, self._known, self._text.where(("steps", i, "name")))
        inside = self._of_item(i, stages)
        unwritten = [later.spec.name for later in stages[i:]]
        outside = (stage.when, stage.runner.templates.get(f"each.{stage.spec.item}"))
        for template in filter(None, (stage.when, *stage.runner.templates.values())):
            self.check(template, {} if template in outside else inside, unwritten)
        shape = stage.runner.shape
        self._known[stage.spec.name] = list(shape.fields) if shape and shape.fields else None

    def _taken(self) -> Collection[str]:
        """A value of `each` may have the name of a column, and of nothing else."""
        return self._known.keys() - self._columns

    def _of_item(self, i: int, stages: Sequence[Stage]) -> _Fields:
        """What only templates know that are rendered for an item: the item, its number and so on."""
        stage, item = stages[i], stages[i].spec.item
        if not item:
            return {}
        shapes = {earlier.spec.name: earlier.runner.shape for earlier in stages[:i]}
        inside: dict[str, Sequence[str] | None] = dict.fromkeys(KNOWN)
        inside |= {item: fields_of(stage.runner.templates[f"each.{item}"], shapes)}
        where = self._text.where(("steps", i, "each", item), key=True)
        for name in inside:
            _check_free(name, {*self._taken(), stage.spec.name}, where)
        return inside

    def check(self, template: Template, inside: _Fields | None = None, unwritten: Sequence[str] = ()) -> None:
        """Refuse a name that does not exist, and a column whose values have no text.

        `inside` are the names of an item, `unwritten` the step itself and those after it.
        """
        known = {**self._known, **(inside or {})}
        for name, field, line, column in template.uses():
            if name not in template.names:
                continue
            read = field if name == "row" else name
            if read in self._mute and read not in (inside or {}) and not template.native:
                what = f"template: the column '{read}' holds {self._mute[read]} values, which have no text"
                hint = "write them as text into the records"
                raise JobError(what, where=template.locate(line, column), hint=hint)
            if name not in known:
                hint = near(name, known) or f"known here: {', '.join(sorted(known))}"
                if name in unwritten:
                    later = f"'{name}' is a later step: move the step '{name}' above the one that reads it"
                    hint = "a step reads the answers of the steps above it" if name == unwritten[0] else later
                raise JobError(
                    f"template: there is no '{name}'", where=template.locate(line, column), hint=hint
                )
            fields = known[name]
            if field and fields is not None and field not in fields:
                hint = near(field, fields) or f"known here: {', '.join(fields)}"
                where = template.locate(line, column)
                raise JobError(f"template: '{name}' has no '{field}'", where=where, hint=hint)


def _check_free(name: str, taken: Iterable[str], where: str) -> None:
    if name in taken or name in RESERVED:
        hint = "every step, value and column needs its own name: rename this one"
        raise JobError(f"the name '{name}' is taken", where=where, hint=hint)
