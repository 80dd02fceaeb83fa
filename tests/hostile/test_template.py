"""A template that would fill the memory, or never end, fails one row in a moment; honest ones are as ever."""

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
BIG = {str(i): i for i in range(20_000)}
VALUES: dict[str, Any] = {"s": "text", "n": 5, "d": {"a": 1}, "big": BIG}


def doubled(line: str, times: int) -> str:
    return line * times


BOMBS = {
    "nested ranges":
        "{% for a in range(100000) %}{% for b in range(100000) %}{{ b }}{% endfor %}{% endfor %}",
    "nested ranges in silence":
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "a loop that takes nothing":
        "{% for a in range(100000) %}{% for b in range(100000) if false %}{% endfor %}{% endfor %}",
    "a loop with a long body":
        "{% for a in range(100000) %}" + "{% if s == n %}{% endif %}" * 300 + "{% endfor %}",
    "a loop with a long text":
        "{% set t %}{% for a in range(100000) %}" + "y" * 100_000 + "{% endfor %}{% endset %}{{ t|length }}",
    "a loop in a block": "{% set s = 'x' * 999999 %}{% set t %}{% for a in range(9999) %}{{ s }}{% endfor %}"
        "{% endset %}{{ t|length }}",
    "a loop in a filter": "{% filter upper %}{% for a in range(99999) %}{{ s * 999 }}{% endfor %}"
        "{% endfilter %}",
    "a loop that calls itself": "{% for x in range(9) recursive %}{% if loop.depth < 50 %}"
        "{{ loop(range(9)) }}{% endif %}{% endfor %}",
    "a macro without an end": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a macro that branches": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}"
        "{{ m(60) }}",
    "a macro that branches in silence": "{% macro m(n) %}{% if n %}{% set a = m(n - 1) %}"
        "{% set a = m(n - 1) %}{% endif %}{% endmacro %}{{ m(60) }}",
    "str.format": "{{ '{:>999999999}'.format(1) }}",
    "a width": "{{ '%999999999d' % 1 }}",
    "a precision": "{{ '%.999999999f' % 1 }}",
    "a width from a value": "{{ '%*d' % (999999999, 1) }}",
    "a width behind brackets": "{{ '%(a(b)c)999999999d' % {'a(b)c': 1} }}",
    "many widths": "{{ ('%9999d' * 9999) % s }}",
    "one value many times": "{{ ('%(a)s' * 99999) % {'a': 'x' * 99999} }}",
    "a width in a test": "{{ '%999999999d' is odd }}",
    "a width in another test": "{{ '%999999999d' is divisibleby 3 }}",
    "doubling": "{% set s = 'x' * 999 %}" + doubled("{% set s = s ~ s %}", 40) + "{{ s }}",
    "doubling by adding": "{% set s = 'x' * 999 %}" + doubled("{% set s = s + s %}", 40) + "{{ s|length }}",
    "doubling a list": "{% set a = [1] %}" + doubled("{% set a = a + a %}", 40) + "{{ a|length }}",
    "a repeated text": "{{ 'a' * 10**9 }}",
    "a repeated text as a constant": "{{ 'a' * 1000000000 }}",
    "a text repeated from the left": "{{ 1000000000 * 'a' }}",
    "a repeated list": "{{ ([1] * 10**9)|length }}",
    "a repeated tuple": "{{ ((1,) * 10**9)|length }}",
    "a power": "{{ 2 ** (10**9) }}",
    "powers of powers": "{% set n = 10 ** 4000 %}" + doubled("{% set n = n * n %}", 40) + "{{ n }}",
    "a long number": "{{ 0x" + "f" * 500_000 + " ** 2 }}",
    "center": "{{ 'a'|center(10**9) }}",
    "center of a constant": "{{ 'a'|center(1000000000) }}",
    "indent": "{{ ('a\n' * 999)|indent(10**9) }}",
    "indent with a text": "{{ ('a\n' * 99999)|indent('x' * 99999) }}",
    "indent of blank lines": "{{ ('\x0b' * 99999)|indent(99999, true, true) }}",
    "replace": "{{ ('a' * 99999)|replace('a', 'b' * 99999) }}",
    "replace of nothing": "{{ ('a' * 99999)|replace('', 'b' * 99999) }}",
    "join": "{{ range(99999)|join('x' * 99999) }}",
    "join of one text many times": "{{ ([s * 9999] * 99999)|join }}",
    "join of what is mapped": "{{ range(99999)|map('string')|map('center', 99999)|join }}",
    "join by a long attribute": "{{ [d]|join(attribute='a.' * 999999) }}",
    "map by a long attribute": "{{ range(99999)|map(attribute='a.' * 999999)|list }}",
    "sum by a long attribute": "{{ [d]|sum(attribute='a.' * 999999) }}",
    "sum of lists": "{{ ([[1] * 999] * 999)|sum(start=[]) }}",
    "lists in lists": "{% set a = ['x'] %}" + doubled("{% set a = [a, a, a, a] %}", 40) + "{{ a }}",
    "lists in lists, compared": "{% set a = [1] %}{% set b = [1] %}"
        + doubled("{% set a = [a, a] %}{% set b = [b, b] %}", 60) + "{{ a == b }}",
    "tuples in tuples, as a key": "{% set a = (1, 2) %}" + doubled("{% set a = (a, a) %}", 60)
        + "{{ {a: 1} }}",
    "mappings in mappings": "{% set a = {'x': 1} %}" + doubled("{% set a = {'x': a, 'y': a} %}", 60)
        + "{{ a|tojson }}",
    "batches in batches": "{% set a = ['x'] %}" + doubled("{% set a = [a]|batch(4, a)|list %}", 40)
        + "{{ a|string|length }}",
    "batch": "{{ [1]|batch(10**9, 'x')|list|length }}",
    "slice": "{{ [1]|slice(10**9)|list|length }}",
    "sort": "{% for i in range(999) %}{{ range(99999)|sort|length }}{% endfor %}",
    "dictsort": "{% for i in range(999) %}{{ big|dictsort|length }}{% endfor %}",
    "select": "{% for i in range(999) %}{{ range(99999)|select('odd')|list|length }}{% endfor %}",
    "list": "{% for i in range(999) %}{{ ('x' * 4000000)|list|length }}{% endfor %}",
    "default": "{{ range(99999)|map('default', 'x' * 4000000, true)|list|length }}",
    "round": "{{ 1.5|round(10**9, 'ceil') }}",
    "round of a whole number": "{{ 5|round(0 - 10**9) }}",
    "round of a text": "{{ 'a'|round(9, 'ceil') }}",
    "tojson": "{{ [[[[1]]]]|tojson(indent=10**9) }}",
    "tojson of much": "{% set a = [1] %}" + doubled("{% set a = [a, a] %}", 16) + "{{ a|tojson(indent=16) }}",
    "wordwrap": "{{ ('a' * 4000000)|wordwrap(1) }}",
    "wordwrap with a text": "{{ ('a ' * 99999)|wordwrap(1, wrapstring='x' * 9999) }}",
    "wordwrap in a loop": "{% for i in range(999) %}{{ ('a b ' * 9999)|wordwrap(1)|length }}{% endfor %}",
    "urlize of brackets": "{{ ('(' * 99999 ~ ')' * 99999)|urlize }}",
    "urlize of addresses": "{{ ('a@' * 99999)|urlize }}",
    "striptags": "{% for i in range(9999) %}{{ ('<!-- -->' * 9999)|striptags }}{% endfor %}",
    "title": "{% for i in range(999) %}{{ ('a b ' * 99999)|title|length }}{% endfor %}",
    "trim": "{{ ('a' * 999999)|trim('b' * 999999 ~ 'a') }}",
    "urlencode": "{% for i in range(999) %}{{ ('é' * 99999)|urlencode|length }}{% endfor %}",
    "slices": "{% set s = 'x' * 4000000 %}{% for i in range(99999) %}{% set t = s[1:] %}{% endfor %}",
    "comparisons": "{% set s = 'x' * 4000000 %}{% set t = s|lower %}"
        "{% for i in range(99999) %}{% if s == t %}{% endif %}{% endfor %}",
    "searches": "{% set s = 'x' * 4000000 %}{% for i in range(99999) %}{% if 'y' in s %}{% endif %}"
        "{% endfor %}",
    "searches by a test": "{% set s = 'x' * 4000000 %}{% for i in range(99999) %}{% if 'y' is in s %}"
        "{% endif %}{% endfor %}",
    "long keys": "{% set s = 'x' * 4000000 %}{% set d = {s: 1} %}{% set t = s|lower %}"
        "{% for i in range(99999) %}{% set u = d[t] %}{% endfor %}",
    "many copies": "{% set s = 'x' * 4000000 %}"
        + "".join(f"{{% set a{i} = s[{i}:] %}}" for i in range(1500)),
    "many copies by cutting": "{% set s = 'x' * 4000000 %}"
        + "".join(f"{{% set a{i} = s|truncate(3999{i:03}) %}}" for i in range(999)),
    "many copies in capitals": "{% set s = 'x' * 4000000 %}"
        + "".join(f"{{% set a{i} = s|upper %}}" for i in range(1500)),
    "arguments in arguments":
        "{% macro m(n) %}{% if n %}{{ m(n - 1, varargs, varargs) }}{% else %}{{ {varargs: 1} }}{% endif %}"
        "{% endmacro %}{{ m(60, 1) }}",
    "named arguments in arguments":
        "{% macro m(n) %}{% if n %}{{ m(n - 1, a=kwargs, b=kwargs) }}{% else %}{{ kwargs == s }}{% endif %}"
        "{% endmacro %}{{ m(60, a=1) }}",
    "pairs in pairs": "{% set t = (1, 2) %}"
        + doubled("{% set t = ({t: t}|items|first) %}", 60) + "{{ {t: 1} }}",
    "changes": "{% set s = 'x' * 4000000 %}{% for i in range(99999) %}{{ loop.changed(s|lower) }}"
        "{% endfor %}",
    "too many expressions": "{{ s }}" * 20_000,
    "brackets": "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "many loops in one another": "{% for a in big %}" * 30 + "{% endfor %}" * 30,
    "many conditions in one another": "{% if s %}" * 150 + "{% endif %}" * 150,
    "a number of many digits": "{{ " + "9" * 5000 + " }}",
    "many signs": "{{ " + "-" * 5000 + "1 }}",
    "a long path": "{{ d" + ".a" * 4000 + " }}",
    "many filters": "{{ s" + "|upper" * 4000 + " }}",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_fails_in_a_moment_and_takes_little_memory(name: str) -> None:
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises((Fault, JobError)) as error:
        Template(BOMBS[name], lambda line, column: f"t:{line}:{column}").render(VALUES)
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
    with pytest.raises(Fault, match=r"^template: t:3:1: the text grows beyond 4 MiB"):
        template.render(VALUES)


def test_whether_a_template_does_too_much_does_not_depend_on_what_was_rendered_before() -> None:
    text = "{% for a in range(150) %}{% for b in range(150) %}{{ a }}{% endfor %}{% endfor %}"
    template = Template(text, lambda line, column: "t")
    assert len({template.render(VALUES) for _ in range(6)}) == 1
