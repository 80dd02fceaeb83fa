"""The check of the syntax of code: what is read, where, and that hostile code does no harm."""

from __future__ import annotations

import sys
import time
import warnings

import pytest
from pydantic import ValidationError

from tests.support.checks import said

GOOD = {
    "python": "def f(x: int) -> int:\n    return x + 1\n",
    "json": '{"a": [1, 2, {"b": null}]}',
    "yaml": "a: 1\nb:\n  - c\n  - d: {e: f}\n",
    "sql": "SELECT a, count(*) FROM t WHERE b > 1 GROUP BY a;\nINSERT INTO t VALUES (1);",
    "postgres": "SELECT a::int FROM t WHERE b ~ 'x' LIMIT 3",
}
BAD = {
    "python": ("def f(x:\n    return x\n", 1),
    "json": ('{\n"a": 1,\n"b" 2}', 3),
    "yaml": ("a: 1\nb: [1, 2\nc: 3", 3),
    "sql": ("SELECT a\nFROM t WHERE (b", 2),
    "postgres": ("SELECT a FROM\nWHERE b", 2),
}


@pytest.fixture(autouse=True)
def _sql_can_be_read(request: pytest.FixtureRequest) -> None:
    """Skip what needs a package that may be missing."""
    language = getattr(request.node, "callspec", None) and request.node.callspec.params.get("language")
    if language in ("sql", "postgres") or "sql" in request.node.name:
        pytest.importorskip("sqlglot")


@pytest.mark.parametrize("language", GOOD)
def test_good_code_passes_in_a_fence_or_alone_and_bad_code_is_named_with_its_line(language: str) -> None:
    name = "sql" if language == "postgres" else language
    good, (bad, line) = GOOD[language], BAD[language]
    for form in ("{}", "Here it is:\n\n```{}\n```\n\nThat is all (really.", "~~~" + name + "\n{}\n~~~"):
        form = form.replace("```{}", f"```{name}\n{{}}")
        assert said("code", form.replace("{}", good), language) is None
        complaint = said("code", form.replace("{}", bad), language)
        assert complaint is not None and f" in line {line}: " in complaint
        assert complaint.startswith("Your answer has ") and complaint.endswith('". Write it again.')


def test_only_fences_of_the_language_are_read() -> None:
    text = f"```json\n{{broken\n```\n\n```python\n{GOOD['python']}\n```"
    assert said("code", text, "python") is None
    assert said("code", text, "json") is not None
    assert said("code", text, "yaml") == "Your answer has no YAML. Write it again."
    assert said("code", f"```\n{GOOD['python']}\n```", "python") is None
    assert said("code", "   ", "python") == "Your answer has no Python. Write it again."


@pytest.mark.parametrize("text", ["hello", "Here is the query you wanted.", "SELEC a FROM t", "a = 1"])
def test_prose_is_no_sql(text: str) -> None:
    assert said("code", text, "sql") is not None


def test_a_warning_of_the_parser_reaches_nobody() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert said("code", "x = '\\d'\ny = 1 is 1\n", "python") is None


@pytest.mark.parametrize("language", ["basic", "", "Python", 5, ["python"], {"language": "python"}])
def test_an_unknown_language_is_refused(language: object) -> None:
    with pytest.raises(ValidationError):
        said("code", "x", language)


def test_sql_without_its_package_is_an_error_that_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    with pytest.raises(ValidationError, match=r"sqlglot.*'code'.*install"):
        said("code", "x", "mysql")


DEEP = 6_000
HOSTILE = [
    *(sign * DEEP for sign in "([{\"'`\n\0\\-*:,"),
    *("not " * DEEP, "1+" * DEEP + "1", "a" + ".b" * DEEP, "a" + "()" * DEEP, "2**" * DEEP + "1"),
    *("lambda:" * DEEP + "1", "if x:\n pass\n" + "elif x:\n pass\n" * 3_000, "@a\n" * DEEP + "def f():pass"),
    *(
        "".join(" " * i + "if x:\n" for i in range(500)),
        "1 if 1 else " * 8_000 + "1",
        "9" * DEEP,
        "\ud800 = 1",
    ),
    *("1+" * 3_000 + "1", "a" + ".b" * 5_000, "SELECT " + "NOT " * 3_000 + "1", "x = 1\n" * 5_000),
    *("&a [" * 2_000, "- " * 9_000, "a: &x [*x]\n" * 1_000, "SELECT * FROM t " + "JOIN t ON a = b " * 500),
    *("SELECT " + "(" * 40 + "1" + ")" * 40, "SELECT " + "CASE WHEN " * 300 + "1", "? " * 9_000, "!" * DEEP),
]


@pytest.mark.parametrize("language", ["python", "json", "yaml", "sql"])
def test_hostile_code_neither_crashes_nor_hangs(language: str) -> None:
    for code in HOSTILE:
        begun = time.process_time()
        said("code", code, language)
        said("code", f"```{language}\n{code}\n```", language)
        assert time.process_time() - begun < 4, code[:30]
