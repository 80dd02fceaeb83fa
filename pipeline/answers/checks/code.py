"""Whether the code in an answer is free of mistakes of syntax: in its fences, or the whole answer.

Code is read and never run. SQL needs the package sqlglot, which the extra `code` installs.
"""

from __future__ import annotations

import ast
import logging
import re
import warnings
from collections.abc import Callable
from typing import Literal

import orjson
import yaml
from pydantic import RootModel, field_validator

from pipeline.answers.written import Written
from pipeline.system.packages import install_command

_DIALECTS = ("bigquery", "duckdb", "mysql", "oracle", "postgres", "snowflake", "spark", "sqlite", "tsql")
_LONGEST, _DEEPEST = 50_000, 40
"""characters of code that is read, and brackets in brackets: more would take all memory of a parser"""
_FENCE = re.compile(
    r"^[ \t>]*(`{3,}+|~{3,}+)[ \t]*+([\w+-]*+)[^\n]*+\n(.*?)(?:^[ \t>]*\1|\Z)", re.MULTILINE | re.DOTALL
)
_BRACKET = re.compile(r"[()\[\]{}]")
_NAMES = {
    "python": ("python", "py", "python3"),
    "json": ("json",),
    "yaml": ("yaml", "yml"),
    "sql": ("sql", *_DIALECTS, "postgresql"),
}
"""what stands behind a fence"""
_SHOWN = 60
PACKAGE = "'sqlglot>=30,<31'"  # what the extra `code` brings


class Options(
    RootModel[
        Literal[
            "python", "json", "yaml", "sql",
            "bigquery", "duckdb", "mysql", "oracle", "postgres", "snowflake", "spark", "sqlite", "tsql",
        ]
    ]
):  # fmt: skip
    """The language of the code; SQL with its dialect, or `sql` for what most of them have."""

    @field_validator("root")
    @classmethod
    def _can_be_read(cls, language: str) -> str:
        if language not in _PARSERS:
            try:
                import sqlglot  # noqa: F401 - only to see that it is there
            except ImportError:
                hint = f"install the extra 'code': {install_command(PACKAGE)}"
                raise ValueError(f"SQL is read by sqlglot, which is missing; {hint}") from None
        return language


def complaint(written: Written, options: Options) -> str | None:
    language = options.root
    name = language if language in _PARSERS else "sql"
    shown = {"python": "Python"}.get(name, name.upper())
    fenced = [(found[2].lower(), found[3]) for found in _FENCE.finditer(written.text)]
    blocks = [code for info, code in fenced if info in _NAMES[name]]
    blocks = blocks or [code for info, code in fenced if not info] or ([] if fenced else [written.text])
    if not any(map(str.strip, blocks)):
        return f"Your answer has no {shown}. Write it again."
    for code in blocks:
        if len(code) > _LONGEST or _depth(code) > _DEEPEST:
            return f"Your answer has {shown} that is too long or too deeply nested. Write it shorter."
        if (line := _mistake(code, language)) is not None:
            words = "".join(code.split("\n")[line - 1 : line]).strip()[:_SHOWN] if line else ""
            place = f' in line {line}: "{words}"' if line else ""
            return f"Your answer has {shown} with a mistake of syntax{place}. Write it again."
    return None


def _depth(code: str) -> int:
    """How many brackets are open at once, at most."""
    deepest = depth = 0
    for sign in _BRACKET.findall(code):
        depth = depth + 1 if sign in "([{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def _mistake(code: str, language: str) -> int | None:
    """The line of the first mistake, from 1; 0 where no line is to blame, None where there is none."""
    try:
        if parse := _PARSERS.get(language):
            return parse(code)
        return _sql(code, language if language in _DIALECTS else "")
    except (ValueError, RecursionError, MemoryError):  # no Unicode, a NUL, a chain of a thousand operators
        return 0


def _python(code: str) -> int | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(code)
        except SyntaxError as error:
            return error.lineno or 0
    return None


def _json(code: str) -> int | None:
    try:
        orjson.loads(code)
    except orjson.JSONDecodeError as error:
        return error.lineno
    return None


def _yaml(code: str) -> int | None:
    try:
        for _ in yaml.parse(code, Loader=yaml.CSafeLoader):
            pass
    except yaml.MarkedYAMLError as error:
        return error.problem_mark.line + 1 if error.problem_mark else 0
    except yaml.YAMLError:
        return 0
    return None


def _sql(code: str, dialect: str) -> int | None:
    import sqlglot  # takes a tenth of a second to import

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
    try:
        statements = sqlglot.parse(code, read=dialect or None)
    except sqlglot.errors.ParseError as error:
        return int(error.errors[0]["line"] or 0) if error.errors else 0
    except sqlglot.errors.SqlglotError:
        return 0
    words = (sqlglot.exp.Condition, sqlglot.exp.Alias)  # "hello" is an expression, and no statement
    prose = any(isinstance(one, words) and not one.find(sqlglot.exp.Query) for one in statements)
    return 1 if prose else None


_PARSERS: dict[str, Callable[[str], int | None]] = {"python": _python, "json": _json, "yaml": _yaml}
