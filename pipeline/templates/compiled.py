"""A template's text -> the names it reads, and a text for given values.

Values are data: what stands in a cell is never rendered again. What a template may do is in `sandbox.py`.
This module does not know where a template stands, nor jobs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import MAX_RANGE

from pipeline.core.domain import Fault
from pipeline.templates import words
from pipeline.templates.sandbox import AS_TEXT, GUARDED, LONGEST, ONE_BY_ONE, NoText, TooMuch, sandbox

MOST_TOKENS = 20_000
"""the most tokens of a template's expressions; its text does not count"""
_NAME = "<template>"
_NEWLINE = re.compile(r"\r\n|\r|\n")  # Jinja's lines
_FOREIGN = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.Block)


class Malformed(Exception):
    """A text is no valid template: what is wrong, the line and column (1-based), what to do."""

    def __init__(self, message: str, line: int = 1, column: int = 1, hint: str = "") -> None:
        super().__init__(message, line, column, hint)
        self.message, self.line, self.column, self.hint = message, line, column, hint


class Unfit(Exception):
    """A template gives no text for these values: why, and in which of its lines."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message, line)
        self.message, self.line = message, line


_ENVIRONMENT = sandbox()


class Compiled:
    """A template, ready to be rendered. `Malformed` where the text is no template."""

    def __init__(self, text: str, environment: jinja2.Environment = _ENVIRONMENT) -> None:
        self._environment = environment
        self._lines = _NEWLINE.split(text)
        try:
            self._compile(text)
        except jinja2.TemplateSyntaxError as error:
            line = [*self._lines, ""][error.lineno - 1]
            what, hint = words.malformed(error.message or "", line)
            raise Malformed(what, error.lineno, 1, hint) from None
        except (RecursionError, SyntaxError, MemoryError):  # the latter two: from Jinja's code for it
            raise Malformed("it is nested too deeply") from None
        except (ValueError, OverflowError):
            raise Malformed("a number in it is too long") from None
        except (NoText, TooMuch, jinja2.UndefinedError) as error:  # Jinja joins constants while it compiles
            raise Malformed(words.undefined(str(error), environment.filters)) from None

    def _compile(self, text: str) -> None:
        for count, _ in enumerate(self._environment.lexer.tokeniter(text, None)):
            if count > MOST_TOKENS:
                raise Malformed("it has too many expressions")
        tree = self._environment.parse(text)
        self._check(tree)
        self.names = frozenset(meta.find_undeclared_variables(tree))
        """the names it takes from its values"""
        self._uses = list(_uses(tree, self.names))
        code = self._environment.compile(tree, filename=_NAME)
        self._template = jinja2.Template.from_code(self._environment, code, dict(self._environment.globals))
        self._template.root_render_func.__globals__.update(GUARDED)

    def _check(self, tree: nodes.Template) -> None:
        for name in tree.find_all(nodes.Name):
            if name.name == "self":  # Jinja's own word: a column of that name would never be rendered
                column = self._column(name.lineno, "self")
                hint = "for a column of that name write row['self']"
                raise Malformed("'self' cannot be read", name.lineno, column, hint)
        for used in tree.find_all((nodes.Filter, nodes.Test)):
            assert isinstance(used, nodes.Filter | nodes.Test)  # noqa: S101 - narrows the type
            kind = "filter" if isinstance(used, nodes.Filter) else "test"
            known = self._environment.filters if kind == "filter" else self._environment.tests
            if used.name not in known:
                what, hint = words.unknown(kind, used.name, known)
                raise Malformed(what, used.lineno, self._column(used.lineno, used.name), hint)
        for node in tree.find_all(_FOREIGN):
            raise Malformed(f"{type(node).__name__.lower()} is not allowed", node.lineno)
        for printed in _printed(tree.find_all(nodes.Output)):
            if isinstance(printed, nodes.Filter) and printed.name in ONE_BY_ONE - {"reverse"}:
                what, line = f"what |{printed.name} gives is not a text", printed.lineno
                raise Malformed(what, line, self._column(line, printed.name), AS_TEXT)

    def uses(self) -> Iterator[tuple[str, str, int, int]]:
        for name, field, line in self._uses:
            yield name, field, line, self._column(line, field or name)

    def _column(self, line: int, word: str) -> int:
        text = [*self._lines, ""][line - 1]
        columns = [m.start() for m in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text)]
        inside = (column for column in columns if _is_inside(text, column))
        return next(inside, columns[0] if columns else 0) + 1

    def render(self, values: Mapping[str, Any]) -> str:
        """The text for these values; `Unfit` where there is none, whatever the reason."""
        template = self._template
        try:
            names = {**template.globals, **values}
            context = Context(
                self._environment, names, template.name, template.blocks
            )  # `new_context` is slow
            pieces, size = [], 0
            for piece in template.root_render_func(context):
                size += len(piece)
                if size > LONGEST:
                    raise TooMuch(f"the text grows beyond {LONGEST >> 20} MiB")
                pieces.append(piece)
            return "".join(pieces)
        except Fault:  # of a filter of the job's own
            raise
        except jinja2.UndefinedError as error:
            said = words.undefined(str(error.message), self._environment.filters)
            raise Unfit(said, self._line(error.__traceback__)) from None
        except SecurityError as error:
            raise Unfit(f"not allowed: {error}", self._line(error.__traceback__)) from None
        except (TooMuch, NoText) as error:
            raise Unfit(str(error), self._line(error.__traceback__)) from None
        except RecursionError as error:
            message = "it is nested too deeply, or a macro calls itself without end"
            raise Unfit(message, self._line(error.__traceback__)) from None
        except Exception as error:  # a filter may raise anything, and only these values are wrong
            line = self._line(error.__traceback__)
            raise Unfit(self._said(error, line), line) from None

    def _said(self, error: Exception, line: int) -> str:
        """What is wrong; in template terms where the cause is known."""
        if isinstance(error, OverflowError) and "MAX_RANGE" in str(error):
            return f"range() has more than {MAX_RANGE:,} numbers, which is not allowed"
        names = {name for name, field, at in self._uses if at == line and not field}
        return words.unfit(error, names.pop() if len(names) == 1 else "COLUMN")

    def _line(self, traceback: TracebackType | None) -> int:
        line = 1
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == _NAME:
                line = self._template.get_corresponding_lineno(traceback.tb_lineno)
            traceback = traceback.tb_next
        return line


def _printed(found: Iterable[nodes.Node]) -> Iterator[nodes.Node]:
    """The expressions whose value is printed, whatever the values are."""
    for node in found:
        if isinstance(node, nodes.Output | nodes.Concat | nodes.List | nodes.Tuple | nodes.CondExpr):
            yield from _printed(node.iter_child_nodes(exclude=("test",)))
        else:
            yield node


def _is_inside(text: str, column: int) -> bool:
    """Whether a column lies inside of an expression."""
    begun = max(text.rfind(sign, 0, column) for sign in ("{{", "{%"))
    return begun >= 0 and begun > max(text.rfind(sign, 0, column) for sign in ("}}", "%}"))


def _uses(tree: nodes.Template, names: frozenset[str]) -> Iterator[tuple[str, str, int]]:
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        assert isinstance(node, nodes.Getattr | nodes.Getitem)  # noqa: S101 - narrows the type
        field = _field(node)
        if isinstance(node.node, nodes.Name) and field is not None:
            yield node.node.name, field, node.lineno
    for name in tree.find_all(nodes.Name):
        if name.name in names:
            yield name.name, "", name.lineno


def _field(node: nodes.Getattr | nodes.Getitem) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    constant = node.arg
    return constant.value if isinstance(constant, nodes.Const) and isinstance(constant.value, str) else None
