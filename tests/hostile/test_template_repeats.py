"""A template gives one text in all processes, or an error: nothing with an identity gets into a prompt."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from pipeline.templates.compiled import Compiled, Malformed, Unfit
from pipeline.templates.sandbox import sandbox
from tests.support import ROOT
from tests.support.project import Project

VALUES: dict[str, Any] = {
    "s": "text", "n": 5, "f": 0.1, "yes": True, "none_": None, "words": ["b", "A", "c", "b"], "empty": [],
    "d": {"b": 1, "a": [1, None]}, "rows": [{"a": 2, "b": "x"}, {"a": 1, "b": "y"}], "day": date(2024, 2, 29),
    "at": datetime(2024, 2, 29, 12, tzinfo=UTC), "long": timedelta(1), "money": Decimal("1.10"),
    "id": UUID(int=7), "blob": b"ab", "odd": {"x", "y", "z", "words"},
}  # fmt: skip
MADE = [
    "words|map('upper')", "words|unique", "rows|selectattr('a')", "d|items", "words|batch(2)",
    "words|slice(2)", "words|reverse", "range(3)", "range", "m", "loop", "loop.cycle", "loop.changed",
    "loop.nextitem", "gone", "joiner", "namespace", "cycler", "dict", "words.append", "s.upper", "d.items",
    "caller", "(words|map('upper'), 1)", "[words|map('upper')]", "{'a': words|map('upper')}", "(1, gone)",
    "rows|groupby('a')", "words|map('map', 'upper')", "[m]", "s|list|map('reverse')", "s|safe",
    "rows|map(attribute='q')",
]  # fmt: skip
BINARY = ("divisibleby", "eq", "ge", "gt", "in", "le", "lt", "ne", "sameas")
FRAME = (
    "{% macro m(x) %}{{ x }}{% endmacro %}"
    "{% for i in [1, 2] %}{{ EXPRESSION }}|{% endfor %}"
)  # fmt: skip


def expressions(seed: int, most: int) -> list[str]:
    """Every filter and test of the sandbox over every value, and other ways in which a value becomes text.

    Of these, `most`, drawn at random.
    """
    chance = random.Random(seed)
    known = sandbox()
    bare = [name for name in VALUES if name != "odd"]
    values = [*bare, *MADE]
    found = [*values, "odd", "[odd]", "d ~ none_"]
    for value in values:
        for name in known.filters:
            args = ", ".join(chance.choice(values) for _ in range(chance.choice((0, 0, 1, 2))))
            found += [f"({value})|{name}({args})", f"({value})|{name}|list", f"({value})|{name}|first"]
        found += [f"({value}) is {name}" for name in known.tests if name.isidentifier()]
        found += [f"({value}) is {name}({chance.choice(values)})" for name in BINARY]
        found += [f"({value}) ~ s", f"s ~ ({value})", f"'%s %r' % ({value}, 1)", f"'%s' % [({value})]"]
        found += [f"[({value})]|join", f"[[({value})]]|tojson", f"'%r' % ({value})", f"m(({value}))"]
    return chance.sample(found, min(most, len(found)))


def outcomes(seed: int, most: int) -> list[str]:
    """What each of the expressions gives: its text, or that there is none."""
    given, before = [], repr(VALUES)
    for expression in expressions(seed, most):
        try:
            given.append("= " + Compiled(FRAME.replace("EXPRESSION", expression)).render(VALUES))
        except (Malformed, Unfit) as error:
            given.append(f"! {error.message}")
    assert before == repr(VALUES), "a filter has changed a value"
    return given


def in_a_process(hashes: str, seed: int, most: int) -> list[str]:
    code = f"import json; from {__name__} import outcomes; print(json.dumps(outcomes({seed}, {most})))"
    environ = {**os.environ, "PYTHONHASHSEED": hashes}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=ROOT, env=environ, check=True
    )
    return list(json.loads(done.stdout))


def assert_repeatable(seed: int, most: int) -> None:
    one, other = in_a_process("1", seed, most), in_a_process("2", seed, most)
    cases = zip(expressions(seed, most), one, other, strict=True)
    assert {expression: (a, b) for expression, a, b in cases if a != b} == {}
    assert sum(text.startswith("=") for text in one) > len(one) / 5
    suspicious = (
        " object at 0x",
        "<function",
        "<bound",
        "<generator",
        "<class",
        "<Macro",
        "<Loop",
        "Undefined,",
    )
    assert [text for text in one if any(word in text for word in suspicious)] == []


def test_any_filter_or_test_over_any_value_gives_the_same_text_in_two_processes() -> None:
    assert_repeatable(seed=7, most=600)


@pytest.mark.parametrize(
    "expression", [*MADE[:6], "[words|map('upper')]", "s ~ (words|select)", "none_ or words|map('upper')"]
)
def test_what_gives_values_one_by_one_is_refused_with_a_hint(expression: str) -> None:
    try:
        Compiled("\nx {{ " + expression + " }}").render(VALUES)
    except (Malformed, Unfit) as error:
        assert 2 in error.args
        assert "write |list or |join(', ')" in str(error.args)
    else:
        pytest.fail("it gives a text")


@pytest.mark.parametrize(
    "extra", [(), ("--untrusted", "--allow-host", "example.org", "--allow-key", "TEST_KEY")]
)
def test_check_names_the_place_and_what_to_write(project: Project, extra: tuple[str, ...]) -> None:
    prompt = "ROW {{ title }}:\n  {{ title|map('upper') }}"
    project.job("https://example.org/v1", steps=[{"name": "post", "prompt": prompt}])
    done = project.run("check", "job.yaml", *extra)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "job.yaml:" in done.stderr
    assert "what |map gives is not a text" in done.stderr
    assert "|join(', ')" in done.stderr


def test_check_finds_what_only_a_record_shows(project: Project) -> None:
    project.job(steps=[{"name": "post", "prompt": "{{ title|list|reverse }}"}])
    done = project.run("check", "job.yaml")
    assert done.returncode == 3
    assert "what |reverse gives is not a text: write |list or |join(', ') after it" in done.stderr
