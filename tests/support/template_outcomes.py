"""What any filter or test of the templates' sandbox gives for any value, in processes of their own."""

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

from pipeline.templates.compiled import Compiled, Malformed, Unfit
from pipeline.templates.sandbox import sandbox
from tests.support import ROOT

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
