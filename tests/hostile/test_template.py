"""A template that makes too much of one number is refused in a moment; honest ones give what Jinja gives."""

from __future__ import annotations

import re
import resource
import time
from typing import Any

import jinja2
import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pipeline.core.domain import Fault
from pipeline.core.errors import JobError
from pipeline.templates.template import Template
from tests.support.templates import HONEST, HONEST_VALUES

SECONDS = 2.0
"""of processor time"""
MEBIBYTES = 300
VALUES: dict[str, Any] = {"s": "text", "n": 5, "d": {"a": 1}, "big": {"a": 1, "b": 2}}


def doubled(line: str, times: int) -> str:
    return line * times


REFUSED = {
    "a macro without an end": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "str.format": "{{ '{:>999999999}'.format(1) }}",
    "a width": "{{ '%999999999d' % 1 }}",
    "a precision": "{{ '%.999999999f' % 1 }}",
    "a width from a value": "{{ '%*d' % (999999999, 1) }}",
    "doubling by adding": "{% set s = 'x' * 999 %}" + doubled("{% set s = s + s %}", 40) + "{{ s|length }}",
    "doubling a list": "{% set a = [1] %}" + doubled("{% set a = a + a %}", 40) + "{{ a|length }}",
    "a repeated text": "{{ 'a' * 10**9 }}",
    "a repeated text as a constant": "{{ 'a' * 1000000000 }}",
    "a text repeated from the left": "{{ 1000000000 * 'a' }}",
    "a repeated list": "{{ ([1] * 10**9)|length }}",
    "a repeated tuple": "{{ ((1,) * 10**9)|length }}",
    "a power": "{{ 2 ** (10**9) }}",
    "powers of powers": "{% set n = 10 ** 4000 %}" + doubled("{% set n = n * n %}", 40) + "{{ n }}",
    "center": "{{ 'a'|center(10**9) }}",
    "center of a constant": "{{ 'a'|center(1000000000) }}",
    "indent": "{{ ('a\n' * 999)|indent(10**9) }}",
    "indent of blank lines": "{{ ('\x0b' * 99999)|indent(99999, true, true) }}",
    "batch": "{{ [1]|batch(10**9, 'x')|list|length }}",
    "slice": "{{ [1]|slice(10**9)|list|length }}",
    "round": "{{ 1.5|round(10**9, 'ceil') }}",
    "round of a whole number": "{{ 5|round(0 - 10**9) }}",
    "tojson": "{{ [[[[1]]]]|tojson(indent=10**9) }}",
    "too many expressions": "{{ s }}" * 20_000,
    "brackets": "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "many loops in one another": "{% for a in big %}" * 30 + "{% endfor %}" * 30,
    "many conditions in one another": "{% if s %}" * 150 + "{% endif %}" * 150,
    "a number of many digits": "{{ " + "9" * 5000 + " }}",
    "many signs": "{{ " + "-" * 5000 + "1 }}",
    "a long path": "{{ d" + ".a" * 4000 + " }}",
    "many filters": "{{ s" + "|upper" * 4000 + " }}",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_one_number_makes_too_large_is_refused_in_a_moment(name: str) -> None:
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises((Fault, JobError)) as error:
        Template(REFUSED[name], lambda line, column: f"t:{line}:{column}").render(VALUES)
    assert time.process_time() - began < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < MEBIBYTES
    assert "t:1:1: " in str(error.value) or "t:2:1: " in str(error.value)
    assert not isinstance(error.value, Fault) or error.value.kind == "template"


class _Plain(ImmutableSandboxedEnvironment):
    def getattr(self, obj: Any, attribute: str) -> Any:
        return obj[attribute] if isinstance(obj, dict) else super().getattr(obj, attribute)


@pytest.mark.parametrize("text", HONEST)
def test_an_honest_template_gives_what_jinja_gives(text: str) -> None:
    plain = _Plain(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    wanted = plain.from_string(text).render(HONEST_VALUES)
    got = Template(text, lambda line, column: "t").render(HONEST_VALUES)
    if wanted != got:  # lists and mappings are shown as JSON here, and as Python there
        assert _letters(wanted) == _letters(got)


def _letters(text: str) -> str:
    return re.sub(r"None|[\s'\"]", "", text).translate(str.maketrans("()", "[]"))


def test_a_long_loop_over_what_is_there_is_no_bomb() -> None:
    rows = [{"title": f"thing {i}", "tags": ["a", "b"]} for i in range(20_000)]
    text = "{% for row in rows %}- {{ loop.index }} {{ row.title }}: {{ row.tags|join(', ') }}\n{% endfor %}"
    rendered = Template(text, lambda line, column: "t").render({"rows": rows})
    assert rendered.count("\n") == 20_000


def test_a_large_cell_can_be_cut() -> None:
    cell = "word " * 4_000_000
    text = "{{ a|truncate(20) }}|{{ a[:9] }}|{{ a|length }}|{{ 'x' in a }}|{{ a is string }}"
    rendered = Template(text, lambda line, column: "t").render({"a": cell})
    assert rendered == "word word word...|word word|20000000|False|True"


def test_a_bomb_names_its_line() -> None:
    template = Template("one\n{{ s }}\n{{ 'a' * 10**9 }}\n", lambda line, column: f"t:{line}:{column}")
    with pytest.raises(Fault, match=r"^template: t:3:1: a text or list grows beyond 4,194,304 characters"):
        template.render(VALUES)
