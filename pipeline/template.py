"""Templates: values -> text. Jinja2 in an immutable sandbox where values have no methods.

An undefined name is an error, null renders as nothing, a list or mapping renders as JSON. Values are
data: what stands in a cell is never rendered again. `{{ row.items }}` is the column `items` or an error,
because only the keys of a mapping can be reached, never an attribute of an object.
This module does not know requests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from time import perf_counter
from typing import Any

import jinja2
import orjson
from jinja2 import meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pipeline.domain import Fault, Values
from pipeline.errors import JobError

LONGEST = 4 * 1024 * 1024
_NAME = "<template>"
_NEWLINE = re.compile(r"\r\n|\r|\n")  # Jinja's lines
_OPEN = re.compile(r"\{[{%](?:(?![%}]\}).)*\Z")  # an expression that has begun and not ended
_FOREIGN = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_TRUE = {"true", "1", "yes"}
_FALSE = {"false", "0", "no", "", "none"}


class _Environment(ImmutableSandboxedEnvironment):
    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext):
            return super().getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        try:
            if isinstance(obj, Mapping | list | tuple | str):
                return obj[argument]
        except (LookupError, TypeError):
            pass
        return self.undefined(obj=obj, name=argument)


def _shown(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, Mapping | list):
        return orjson.dumps(value, default=str).decode()
    return value


def _environment() -> _Environment:
    environment = _Environment(
        undefined=jinja2.StrictUndefined, finalize=_shown, trim_blocks=True, lstrip_blocks=True, cache_size=0
    )
    environment.globals = {"range": environment.globals["range"]}
    for name in ("attr", "format", "pprint", "xmlattr"):
        del environment.filters[name]
    return environment


_ENVIRONMENT = _environment()


@dataclass(eq=False)
class Template:
    """A compiled template. `locate(line, column)` names a place in it as `file:line:column`."""

    text: str
    locate: Callable[[int, int], str]
    seconds: float = field(default=0.0, compare=False)
    """what rendering it has taken so far"""

    @cached_property
    def _compiled(self) -> jinja2.Template:
        try:
            code = _ENVIRONMENT.compile(self.text, filename=_NAME)
        except jinja2.TemplateSyntaxError as error:
            raise JobError(f"template: {error.message}", where=self.locate(error.lineno, 1)) from None
        for name in _ENVIRONMENT.parse(self.text).find_all(nodes.Name):
            if name.name == "self":  # Jinja's own word: a column of that name would never be rendered
                where = self.locate(name.lineno, self._column(name.lineno, "self"))
                hint = "a column of that name is row['self']"
                raise JobError("template: 'self' cannot be read", where=where, hint=hint)
        for node in _ENVIRONMENT.parse(self.text).find_all(_FOREIGN):
            where = self.locate(node.lineno, 1)
            raise JobError(f"template: {type(node).__name__.lower()} is not allowed", where=where)
        return jinja2.Template.from_code(_ENVIRONMENT, code, _ENVIRONMENT.make_globals(None))

    def compiled(self) -> Template:
        """The same template, known to be free of syntax errors; `JobError` where it is not."""
        assert self._compiled is not None  # noqa: S101 - for the sake of the error it raises
        return self

    @cached_property
    def names(self) -> frozenset[str]:
        """The names it takes from its values."""
        return frozenset(meta.find_undeclared_variables(_ENVIRONMENT.parse(self.text)))

    def uses(self) -> Iterator[tuple[str, str, int, int]]:
        """(name, field, line, column) of every name it reads; field is '' for the name alone."""
        tree = _ENVIRONMENT.parse(self.text)
        for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
            assert isinstance(node, nodes.Getattr | nodes.Getitem)  # noqa: S101 - narrows the type
            field = _field(node)
            if isinstance(node.node, nodes.Name) and field is not None:
                yield node.node.name, field, node.lineno, self._column(node.lineno, field)
        for name in tree.find_all(nodes.Name):
            if name.name in self.names:
                yield name.name, "", name.lineno, self._column(name.lineno, name.name)

    def _column(self, line: int, word: str) -> int:
        text = [*_NEWLINE.split(self.text), ""][line - 1]
        columns = [m.start() for m in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text)]
        inside = [column for column in columns if _OPEN.search(text, 0, column)]
        return [*inside, *columns, 0][0] + 1

    def render(self, values: Values) -> str:
        """The text for these values; a `Fault` of kind `template` where they do not fit."""
        began = perf_counter()
        try:
            return self._rendered(values)
        finally:
            self.seconds += perf_counter() - began

    def _rendered(self, values: Values) -> str:
        try:
            text = self._compiled.render(values)
        except jinja2.UndefinedError as error:
            raise self._fault(error, str(error.message)) from None
        except SecurityError as error:
            raise self._fault(error, f"not allowed: {error}") from None
        except Exception as error:  # a filter may raise anything, and only this row is wrong
            raise self._fault(error, f"{type(error).__name__}: {error}") from None
        if len(text) > LONGEST:
            raise Fault("template", f"{self.locate(1, 1)}: the text grows beyond {LONGEST >> 20} MiB")
        return text

    def holds(self, values: Values) -> bool:
        """Whether a condition gives true for these values."""
        text = self.render(values).strip().lower()
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        raise Fault(
            "template", f"{self.locate(1, 1)}: a condition must give true or false, not '{text[:40]}'"
        )

    def _fault(self, error: BaseException, message: str) -> Fault:
        line, traceback = 1, error.__traceback__
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == _NAME:
                line = traceback.tb_lineno
            traceback = traceback.tb_next
        return Fault("template", f"{self.locate(line, 1)}: {message}")


def _field(node: nodes.Getattr | nodes.Getitem) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    constant = node.arg
    return constant.value if isinstance(constant, nodes.Const) and isinstance(constant.value, str) else None
