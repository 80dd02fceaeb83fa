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


HONEST = [
    "{{ '%s is %.2f, %05d, %-8s|%%' % (s, 1.234, n, 'ab') }}", "{{ '%(a)s' % {'a': s} }}", "{{ 'no %' }}",
    "{{ s * 3 }}{{ [1] * 2 }}{{ n ** 3 }}{{ n * n - 1 }}{{ 7 // 2 }}{{ 7 % 4 }}{{ 7 / 2 }}{{ -n }}{{ +n }}",
    "{{ s ~ n ~ none ~ [1, 'a'] }}{{ s + 'x' }}{{ [1] + words }}{{ (1, 2) + (3,) }}{{ s ~ '' }}",
    "{{ s|center(20) }}|{{ s|indent }}|{{ text|indent(2, true) }}|{{ text|indent('> ', blank=true) }}",
    "{{ s|replace('t', 'T') }}{{ s|replace('t', 'T', 1) }}{{ s|replace('', '-') }}{{ n|replace('5', '6') }}",
    "{{ words|join }}{{ words|join(', ') }}{{ [1, none, 'x']|join('-') }}{{ rows|join(',', attribute='a') }}",
    "{{ words|sort|join }}{{ words|sort(reverse=true)|first }}",
    "{{ words|unique|list }}{{ words|reverse|list }}",
    "{{ rows|map(attribute='a')|list }}{{ rows|map(attribute='z', default='-')|join }}{{ rows|sum('a') }}",
    "{{ rows|selectattr('a', '>', 1)|list }}{{ rows|rejectattr('a', 'odd')|list|length }}{{ d|dictsort }}",
    "{% for k, v in d|items %}{{ k }}={{ v }};{% endfor %}",
    "{% for key, group in rows|groupby('b') %}{{ key }}:{{ group|length }} {% endfor %}",
    "{% for w in words|batch(2, '-') %}{{ w|join }};{% endfor %}",
    "{% for w in words|slice(2) %}{{ w }}{% endfor %}",
    "{{ words|min }}{{ words|max }}{{ [3, 1]|min }}{{ []|max|default('none') }}{{ [1, 2]|sum(start=10) }}",
    "{{ 42.55|round(1) }}{{ 42.55|round(1, 'floor') }}{{ n|round }}{{ '7'|int + 1 }}{{ 'ff'|int(base=16) }}",
    "{{ 'x'|int(3) }}{{ '1.5'|float }}{{ s|int }}",
    "{{ ('9' * 20000)|int }}{{ n|abs }}{{ 1234567|filesizeformat }}",
    "{{ d|tojson }}{{ words|tojson(indent=2) }}{{ s|tojson }}",
    "{{ '<b>'|tojson }}{{ '<b>&'|e }}{{ 'a b'|urlencode }}",
    "{{ d|urlencode }}{{ '<i>x</i> y'|striptags }}{{ 'see www.x.org now'|urlize }}{{ text|wordwrap(5) }}",
    "{{ text|truncate(9) }}{{ text|wordcount }}{{ 'a b'|title }}",
    "{{ s|capitalize }}{{ ' x '|trim }}{{ 'xax'|trim('x') }}",
    "{{ s|upper|lower|string|length }}{{ s|first }}{{ s|last }}",
    "{{ words[1:] }}{{ s[:2] }}{{ s[::-1] }}{{ words[0] }}",
    "{{ 'en' in ['en', 'de'] }}{{ s in words }}{{ 'e' in s }}{{ s == 'text' }}{{ s == text }}{{ 1 < n < 9 }}",
    "{{ n is odd }}{{ n is even }}{{ n is divisibleby 5 }}{{ s is lower }}{{ s is in words }}{{ n is gt 3 }}",
    "{{ x is defined }}{{ x|default('-') }}{{ none is none }}{{ s is string }}{{ words is iterable }}",
    "{% macro m(a, b=2) %}[{{ a }}{{ b }}]{% endmacro %}{{ m(1) }}{{ m(1, b=3) }}",
    "{% macro m(n) %}{{ n }}{% if n %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(9) }}",
    "{% macro m() %}<{{ caller(1) }}>{% endmacro %}{% call(x) m() %}{{ x }}{{ s }}{% endcall %}",
    "{% for w in words if w != 'b' %}{{ loop.index }}/{{ loop.length }}{{ w }}{% else %}no{% endfor %}",
    "{% for w in [] %}x{% else %}none{% endfor %}{% for w in words %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for x in tree recursive %}{{ x.n }}{% if x.c %}({{ loop(x.c) }}){% endif %}{% endfor %}",
    "{% set t %}{{ s }}!{% endset %}{{ t }}{% filter upper %}{{ s }}{% endfilter %}",
    "{% set u | upper %}a{% endset %}{{ u }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, a=2) }}",
    "{% with a = 1, b = [2] %}{{ a }}{{ b }}{% endwith %}{% set a, b = 1, s %}{{ a }}{{ b }}{{ {'a': s}.a }}",
    "{% autoescape true %}{{ '<' }}{{ s|safe ~ '>' }}{% endautoescape %}{% raw %}{{ x }}{% endraw %}",
    "{% for i in range(3, 9, 2) %}{{ i }}{% endfor %}{{ range(4)|list }}{{ 'a' if n > 3 else 'b' }}",
    "{{ words|select('in', 'abc')|list }}",
    "{{ words|reject('equalto', 'b')|list }}{{ words|map('upper')|join }}",
]  # fmt: skip
HONEST_VALUES: dict[str, Any] = {
    "s": "text", "n": 5, "d": {"b": 1, "a": "x"}, "words": ["c", "a", "b", "a"],
    "text": "one two\nthree\n\nfour",
    "rows": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}, {"a": 3, "b": "x"}],
    "tree": [{"n": 1, "c": [{"n": 2, "c": []}]}, {"n": 3, "c": []}],
}  # fmt: skip


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
