"""Templates: values are data, and nothing but their keys can be reached."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.domain import Fault
from pipeline.core.errors import JobError
from pipeline.engine.stages import stages_of
from pipeline.job.load import load
from tests.support.shown import fails, shown, template

WIDE = st.integers(-(2**200), 2**200) | st.sampled_from(
    [2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1]
)
NUMBERS = st.recursive(
    WIDE | st.text(max_size=3) | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
)


@given(st.lists(NUMBERS) | st.dictionaries(st.text(), NUMBERS))
def test_a_whole_number_of_any_size_is_its_digits_in_a_list_or_mapping(value: Any) -> None:
    assert json.loads(shown("{{ v }}", v=value)) == value
    assert json.loads(shown("{{ [v, n] }}", v=value, n=2**70)) == [value, 2**70]


@pytest.mark.parametrize("value", [date(2026, 1, 2), datetime(2026, 1, 2, 3, 4), True, 0.1, None, "x"])
def test_a_large_number_changes_nothing_beside_it(value: Any) -> None:
    alone = shown("{{ v }}", v=[value, 7])
    assert shown("{{ v }}", v=[value, 2**70]) == alone.replace("7]", f"{2**70}]")


@pytest.mark.parametrize("cell", ["{{7*7}}", "{% if %}", "{# x #}", "{{ row }}", "${7*7}", "#{x}", "{{"])
def test_a_cell_is_never_rendered_again(cell: str) -> None:
    assert shown("<{{ a }}|{{ row.a }}|{{ row['a'] }}>", a=cell, row={"a": cell}) == f"<{cell}|{cell}|{cell}>"


@given(st.text())
def test_any_cell_comes_out_as_it_went_in(cell: str) -> None:
    assert shown("{{ a }}", a=cell) == cell


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), ([1, "a", None], '[1,"a",null]'), ({"b": 1, "a": [2]}, '{"b":1,"a":[2]}'), (1.5, "1.5"),
     ("<b>&", "<b>&"), ([], "[]"), ("", ""), (0, "0")],
)  # fmt: skip
def test_values_are_shown_as_data(value: Any, text: str) -> None:
    assert shown("{{ v }}", v=value) == text


@pytest.mark.parametrize("name", ["items", "keys", "get", "values", "update", "pop", "self", "a b", "é"])
def test_a_column_with_the_name_of_a_method_is_the_column(name: str) -> None:
    assert shown(f"{{{{ row['{name}'] }}}}", row={name: "cell"}) == "cell"
    if name.isidentifier():
        assert shown(f"{{{{ row.{name} }}}}", row={name: "cell"}) == "cell"


@pytest.mark.parametrize("name", ["range", "loop", "caller", "items", "joiner", "cycler"])
def test_a_column_may_be_called_what_jinja_calls_its_own(name: str) -> None:
    assert shown(f"{{{{ {name} }}}}", **{name: "cell"}) == "cell"


def test_an_undefined_name_fails_with_its_line() -> None:
    assert fails("a\n\n{{ nope }}").message == "t:3:1: 'nope' is undefined"
    assert fails("a\n{{ d.nope }}", d={}).message.startswith("t:2:1: ")


@pytest.mark.parametrize(
    "text", ["{% if nope %}x{% endif %}", "{{ nope == 1 }}", "{% for x in nope %}{% endfor %}"]
)
def test_an_undefined_name_is_no_false_and_no_empty_list(text: str) -> None:
    fails(text)


def test_a_text_that_grows_beyond_measure_fails() -> None:
    text = "{% for a in range(1000) %}{% for b in range(100) %}{{ s }}{% endfor %}{% endfor %}"
    assert "4 MiB" in fails(text, s="x" * 50).message


@pytest.mark.parametrize("text", ["true", "True", "1", "yes", "{{ n > 3 }}", " {{ 'YES' }} "])
def test_a_condition_that_holds(text: str) -> None:
    assert template(text).holds({"n": 5})


@pytest.mark.parametrize("text", ["false", "0", "no", "{{ n > 9 }}", "{{ z }}", "None", "{{ '' }}"])
def test_a_condition_that_does_not(text: str) -> None:
    assert not template(text).holds({"n": 5, "z": None})


@pytest.mark.parametrize("text", ["{{ n }}", "maybe", "n > 3", "{{ [] }}", "truee"])
def test_a_condition_that_says_neither_is_a_fault(text: str) -> None:
    with pytest.raises(Fault, match="true or false"):
        template(text).holds({"n": 5})


def test_a_syntax_error_is_named_with_its_line() -> None:
    with pytest.raises(JobError) as error:
        template("a\nb\n{{ x | }}\n").compiled()
    assert error.value.where == "t:3:1"


@pytest.mark.parametrize("text", ["x {{ self }}", "{{ x }}\n{{ self.title }}", "{% if self %}{% endif %}"])
def test_the_name_self_is_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(JobError, match=r"row\['self'\]"):
        template(text).compiled()


def test_names_that_a_template_makes_itself_are_not_taken_from_its_values() -> None:
    text = "{% set a = b %}{% for c in d %}{{ c }}{{ a }}{% endfor %}{{ row.e }}"
    assert template(text).names == {"b", "d", "row"}


def test_uses_gives_names_and_fields_with_their_places() -> None:
    text = "title: {{ title }}\nlang lang\n  {{ row.lang }}, {{ row['a b'] }}\u2028{{ x }}"
    uses = set(template(text).uses())
    assert ("title", "", 1, 11) in uses
    assert ("row", "lang", 3, 10) in uses
    assert ("row", "a b", 3, 27) in uses
    assert ("x", "", 3, 39) in uses


JOB = """\
name: a
records: {from: r.csv}
models: {m: {provider: scripted, model: x}}
steps:
  - name: s
    system: "Be brief,\\n{{ tone }}"
    prompt: |
        The title of it: {{ title }}
          {% if price > 3 %}
        {{ titel }} and {{ row.prize }}
        {% endif %}
    when: "{{ weather == 'fine' }}"
  - name: t
    translate: {text: "{{ text }}", from: en, to: '{{ lang }}'}
    each: {lang: [de]}
"""


def test_every_name_is_found_at_the_place_that_is_told(tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(JOB)
    lines = JOB.splitlines()
    found = set()
    for stage in stages_of(load(file)):
        for one in [*stage.runner.templates.values(), *([stage.when] if stage.when else [])]:
            for name, field, line, column in one.uses():
                row, at = map(int, one.locate(line, column).rsplit(":", 2)[1:])
                rest = lines[row - 1][at - 1 :]
                assert re.match(rf"{field or name}\b", rest), (name, field, row, at)
                assert "{" in lines[row - 1][: at - 1]
                found.add(field or name)
    assert found == {"tone", "title", "price", "titel", "row", "prize", "weather", "text", "lang"}


def test_a_render_fault_names_the_line_in_the_job_file(tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(JOB)
    prompt = stages_of(load(file))[0].runner.templates["prompt"]
    with pytest.raises(Fault) as fault:
        prompt.render({"title": "x", "price": 5, "row": {}})
    assert f"{file}:10:9: 'titel' is undefined" in str(fault.value)


PARTS: list[tuple[str, dict[str, Any], Any]] = [
    ("{{ a }}", {"a": b"x"}, b"x"),
    ("  {{a}}\n", {"a": [1, {"b": 2}]}, [1, {"b": 2}]),
    ("{{ a.b }}", {"a": {"b": b"x"}}, b"x"),
    ("{{ a['b c'] }}", {"a": {"b c": None}}, None),
    ('{{ row["a"].b }}', {"row": {"a": {"b": 5}}}, 5),
    ("{{ a | upper }}", {"a": "x"}, "X"),
    ("{{ a }}.png", {"a": "x"}, "x.png"),
    ("{{ a + b }}", {"a": [1], "b": [2]}, "[1,2]"),
    ("{{ a[0] }}", {"a": ["x"]}, "x"),
    ("{{ a }}{{ b }}", {"a": "x", "b": "y"}, "xy"),
]


@pytest.mark.parametrize(("text", "values", "wanted"), PARTS)
def test_a_template_of_one_name_gives_the_value_itself(
    text: str, values: dict[str, Any], wanted: Any
) -> None:
    found = template(text).value(values)
    assert (found, type(found)) == (wanted, type(wanted))


@pytest.mark.parametrize("text", ["{{ b }}", "{{ a.c }}", "{{ a.b.c }}", "{{ row['z'] }}"])
def test_a_name_that_is_not_there_is_a_fault_as_in_any_template(text: str) -> None:
    with pytest.raises(Fault, match="t:1:1: ") as fault:
        template(text).value({"a": {"b": "x"}, "row": {}})
    assert fault.value.kind == "template"
