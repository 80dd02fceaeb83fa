"""Templates of a job: values -> text; errors name their place in the job's files.

Rendering, and its limits, is in `sandbox.py`; for an untrusted job a process of its own does it
(`isolated.py`). This module does not know requests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from time import perf_counter
from typing import Any, Protocol

from pipeline.core.domain import Fault, Values
from pipeline.core.errors import JobError
from pipeline.core.suggest import closest
from pipeline.templates.compiled import Compiled, Malformed, Unfit

_PLAIN = re.compile(r"""\s*\{\{\s*([A-Za-z_]\w*)((?:\.\w+|\[(?:'[^'\\]*'|"[^"\\]*")\])*)\s*\}\}\s*""")
"""a template that is one name, perhaps with fields"""
_FIELD = re.compile(r"""\.(\w+)|\[['"]([^'"]*)['"]\]""")
_TRUE = {"true", "1", "yes"}
_FALSE = {"false", "0", "no", "", "none"}


class Prepared(Protocol):
    """A template, ready to be rendered."""

    names: frozenset[str]

    def uses(self) -> Iterator[tuple[str, str, int, int]]:
        """(name, field, line, column) of every name it reads; field is '' for the name alone."""

    def render(self, values: Values) -> str:
        """The text for these values; raises `Unfit`."""


def near(word: str, names: Iterable[str]) -> str:
    """A hint with the nearest name as a template reads it, or '' when none is near."""
    close = closest(word, names)
    written = f"'{close}'" if close.isidentifier() else f'row["{close}"]'
    return f"did you mean {written}?" if close else ""


Prepare = Callable[[str], Prepared]
"""A template's text, made ready; raises `Malformed`."""


@dataclass(eq=False)
class Template:
    """A template and its place: `locate(line, column)` names one in it as `file:line:column`."""

    text: str
    locate: Callable[[int, int], str]
    prepare: Prepare = Compiled
    seconds: float = field(default=0.0, compare=False)
    """seconds of rendering so far"""
    native: bool = False
    """whether its `value` is asked for, and not its text: then a column of bytes may stand in it"""

    @cached_property
    def _prepared(self) -> Prepared:
        try:
            return self.prepare(self.text)
        except Malformed as error:
            where = self.locate(error.line, error.column)
            raise JobError(f"template: {error.message}", where=where, hint=error.hint) from None

    def compiled(self) -> Template:
        """The same template, known to be free of syntax errors; `JobError` where it is not."""
        assert self._prepared is not None  # noqa: S101 - reading it raises the error
        return self

    @property
    def names(self) -> frozenset[str]:
        """The names it takes from its values."""
        return self._prepared.names

    def uses(self) -> Iterator[tuple[str, str, int, int]]:
        """(name, field, line, column) of every name it reads; field is '' for the name alone."""
        return self._prepared.uses()

    def render(self, values: Values) -> str:
        """The text for these values; a `Fault` of kind `template` where they do not fit."""
        began = perf_counter()
        try:
            return self._prepared.render(values)
        except Unfit as error:
            raise Fault("template", f"{self.locate(error.line, 1)}: {error.message}") from None
        finally:
            self.seconds += perf_counter() - began

    def value(self, values: Values) -> Any:
        """The value itself, a list or bytes too, of a template that is one name with or without fields.

        Such as `{{ photo }}`, `{{ image.bytes }}` and `{{ row["a b"] }}`. Any other template gives its text.
        """
        plain = _PLAIN.fullmatch(self.text)
        if plain is None:
            return self.render(values)
        found: Any = values
        for name in (plain[1], *(dotted or quoted for dotted, quoted in _FIELD.findall(plain[2]))):
            if not isinstance(found, Mapping) or name not in found:
                return self.render(values)  # it says what is wrong
            found = found[name]
        return found

    def holds(self, values: Values) -> bool:
        """Whether a condition gives true for these values."""
        text = self.render(values).strip().lower()
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        raise Fault(
            "template", f"{self.locate(1, 1)}: a condition must give true or false, not '{text[:40]}'"
        )
