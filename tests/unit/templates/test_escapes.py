"""No template reaches more than its values: no attribute, no method, and nothing by any published escape."""

from __future__ import annotations

import jinja2
import pytest

from pipeline.core.domain import Fault
from pipeline.core.errors import JobError
from tests.support.shown import fails, shown

VALUES = {"s": "text", "n": 5, "l": [1], "d": {"a": 1}, "f": 1.5, "b": True, "z": None}


ATTRIBUTES = ["__class__", "__init__", "format", "upper", "items", "keys", "append", "real", "mro", "__doc__"]


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("attribute", ATTRIBUTES)
@pytest.mark.parametrize("form", ["{{ %s.%s }}", "{{ %s['%s'] }}", "{{ [%s]|map(attribute='%s')|first }}"])
def test_no_value_has_attributes_or_methods(name: str, attribute: str, form: str) -> None:
    fails(form % (name, attribute), **VALUES)


ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__']['__mro__'] }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(s) }}",
    "{{ '{a.__class__}'.format_map({'a': s}) }}",
    "{{ ('{0.__class__}'|string).format(s) }}",
    "{{ s|attr('__class__') }}",
    "{{ s|attr('for'~'mat') }}",
    "{{ [s]|map('attr', '__class__')|list }}",
    "{{ ['{0.__class__}']|map('format', s)|list }}",
    "{{ ['x']|map(attribute='__class__')|list }}",
    "{{ [s, 'b']|groupby('__class__') }}",
    "{{ [s, 'b']|sort(attribute='__class__.__mro__') }}",
    "{{ [s]|selectattr('__class__')|list }}{{ s.__class__ }}",
    "{{ [s]|sum(attribute='__class__') }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'] }}",
    "{{ dict(a=1) }}",
    "{{ config }}",
    "{{ request.application.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ env.HOME }}",
    "{{ range.__self__ }}",
    "{{ range.__class__ }}",
    "{% for x in l %}{{ loop.__init__.__globals__ }}{% endfor %}",
    "{% for x in l %}{{ loop._iterator.gi_frame }}{% endfor %}",
    "{% for x in l %}{{ loop['__class__'] }}{% endfor %}",
    "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
    "{% macro m() %}{% endmacro %}{{ m._func }}",
    "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "{% set x = s.format %}{{ x('a') }}",
    "{% set s.x = 1 %}",
    "{% do l.append(2) %}",
    "{{ l.append(2) }}",
    "{{ d.update({'b': 1}) }}",
    "{{ d.clear() }}",
    "{% include '/etc/passwd' %}",
    "{% include '../../etc/passwd' %}",
    "{% import 'os' as os %}{{ os }}",
    "{% from 'os' import popen %}",
    "{% extends '/etc/passwd' %}",
    "{{ s|pprint }}{{ s|xmlattr }}",
    "{{ d|xmlattr }}",
    "{{ 1|attr('__class__')|attr('__base__') }}",
    "{{ range(10 ** 9)|list }}",
    "{{ undefined.__class__ }}",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_published_escapes_reach_nothing(text: str) -> None:
    values = {"s": "text", "l": [1], "d": {"a": 1}}
    with pytest.raises((Fault, JobError)) as error:
        shown(text, **values)
    assert "root:" not in str(error.value)
    assert values == {"s": "text", "l": [1], "d": {"a": 1}}


@pytest.mark.parametrize(
    "text",
    ["{{ l|map('nope')|list }}", "{{ l|map(x=1)|list }}", "{{ n|dictsort }}", "{{ l|select('nope')|list }}",
     "{{ 'a'|truncate(-5) }}", "{{ l|slice(0)|list }}", "{{ 1 // 0 }}", "{{ n() }}", "{{ s + n }}",
     "{% for x in n %}{% endfor %}", "{% for x in l recursive %}{{ loop(l) }}{% endfor %}",
     "{{ s|int(base='x') }}{{ 'x'.y }}"],
)  # fmt: skip
def test_whatever_a_filter_raises_fails_one_row_and_not_the_run(text: str) -> None:
    assert fails(text, s="text", n=5, l=[1]).message.startswith("t:1:1: ")


def test_the_jinja_that_is_installed_has_its_known_holes_mended() -> None:
    assert tuple(map(int, jinja2.__version__.split(".")[:3])) >= (3, 1, 6)
