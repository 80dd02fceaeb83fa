"""What is said of slips in a template: what is wrong, and what to write."""

from __future__ import annotations

import re

import pytest

from pipeline.core.domain import Fault
from pipeline.core.errors import JobError
from pipeline.templates.sandbox import sandbox
from pipeline.templates.template import Template

SANDBOX = sandbox()
FOREIGN = re.compile(r"NoneType|Traceback|Error|sequence was|object has|positional|jinja", re.IGNORECASE)


def shown(text: str, **values: object) -> str:
    return Template(text, lambda line, column: f"t:{line}:{column}").render(values)


def fails(text: str, **values: object) -> Fault:
    with pytest.raises(Fault) as fault:
        shown(text, **values)
    assert fault.value.kind == "template"
    return fault.value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ stock > 0 }}", "; a cell of csv and tsv is text: write stock | int, or stock | float"),
        ("{{ stock + 1 }}", "write stock | int"),
        ("one\n{{ 2.5 * stock }}", "write stock | int"),
        ("{{ stock > 0 and other }}", "write COLUMN | int"),
    ],
)
def test_a_number_that_is_a_text_comes_with_the_way_to_make_one(text: str, said: str) -> None:
    assert said in fails(text, stock="3", other="x").message


def test_a_range_that_is_too_long_is_said_in_plain_words() -> None:
    said = fails("{% for i in range(n) %}{% endfor %}", n=10**6).message
    assert said == "t:1:1: range() has more than 100,000 numbers, which is not allowed"


@pytest.mark.parametrize(
    ("text", "sign", "hint"),
    [
        ("{{ t && id }}", "&&", "write and"),
        ("{{ t || id }}", "||", "write or"),
        ("{% if t === 'a' %}x{% endif %}", "===", "write =="),
        ("{% if t !== 'a' %}x{% endif %}", "!==", "write !="),
        ("{% if t <> 'a' %}x{% endif %}", "<>", "write !="),
        ("{% if !t %}x{% endif %}", "!", "write not"),
        ("{{ t ? 'a' : 'b' }}", "?", "write {{ a if test else b }}"),
    ],
)
def test_a_sign_of_another_language_is_named(text: str, sign: str, hint: str) -> None:
    with pytest.raises(JobError) as error:
        shown(text, t="a", id="1")
    assert f"the sign {sign} has no meaning here" in str(error.value) and error.value.hint == hint


@pytest.mark.parametrize(
    "text", ["{{ '&& || ? <>' }}", "{{ 'a' if t != 'b' else '!' }}", "{{ t }} ? && {{ t }}"]
)
def test_such_a_sign_in_a_text_is_a_text(text: str) -> None:
    assert shown(text, t="a")


CONSTANTS = ["[]", "''", "'x'", "-1", "1.5", "none", "true", "[[]]", "{}", "('9' * 500)", "1e308 * 10"]


@pytest.mark.parametrize("constant", CONSTANTS)
def test_a_filter_over_a_constant_gives_a_text_or_says_what_is_wrong(constant: str) -> None:
    """Jinja computes what reads no value before there are any: a fault of it is found then, and told."""
    for name in SANDBOX.filters:
        for form in ("{{{{ {0} | {1} }}}}", "{{{{ {0} | {1} ~ 'x' }}}}", "{{{{ [{0} | {1}] ~ x }}}}"):
            text = form.format(constant, name)
            try:
                assert isinstance(shown(text, x="x"), str), text
            except (Fault, JobError) as told:
                assert not FOREIGN.search(str(told)), f"{text}: {told}"
