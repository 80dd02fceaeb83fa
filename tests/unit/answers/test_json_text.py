"""JSON in any wrapper is found, and a part of something that is cut off is never taken for the whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.answers.shapes.shape import Shape, schema_of
from pipeline.wire.words import END_TOKENS

FACTS = Shape(
    schema_of({"title": "string", "score": "integer", "tags": ["string"], "by": {"name": "string"}})
)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
VALUES = st.fixed_dictionaries(
    {
        "title": WORDS
        | st.sampled_from(["{", "}", "[1]", '"', "```", "a</think>b", "{x: 1}", "\n```\n", "\\"]),
        "score": st.integers(-9, 9),
        "tags": st.lists(WORDS, max_size=2),
        "by": st.fixed_dictionaries({"name": WORDS}),
    }
)
FENCES = ["```", "````", "~~~"]
LABELS = ["", "json", "JSON", "Json", "json5", "javascript", "json title=answer", " json "]
BEFORE = [
    "", "Here is the JSON:\n\n", "Sure! ", "Answer [1]: ", "Use {name} as a key. ", "\ufeff",
    "As in [see below]: ",
    "**Answer**\n", "- [x] done\n", "The result ([source](https://x.example/a_(b))):\n", "{}\n",
]  # fmt: skip
AFTER = ["", "\n\nShall I write more?", " [1]", "\n", " Done [x]. {name}", "\n[1] a source"]


def wrapped(value: Any, draw: st.DataObject) -> str:
    """The value in a wrapper."""
    text = json.dumps(
        value, ensure_ascii=draw.draw(st.booleans()), indent=draw.draw(st.sampled_from([None, 2]))
    )
    if draw.draw(st.booleans()):
        fence, label = draw.draw(st.sampled_from(FENCES)), draw.draw(st.sampled_from(LABELS))
        opens, closes = draw.draw(st.sampled_from([("\n", "\n"), (" ", " "), ("\n", "")]))
        text = f"{fence}{label}{opens}{text}{closes}{fence}"
    else:
        text += draw.draw(st.sampled_from(["", *END_TOKENS, "\n```"]))
    return draw.draw(st.sampled_from(BEFORE)) + text + draw.draw(st.sampled_from(AFTER))


@given(VALUES, st.data())
def test_one_whole_value_is_taken_out_of_any_wrapper(value: Any, draw: st.DataObject) -> None:
    assert FACTS.read(wrapped(value, draw)) == (value, "")


@given(VALUES, VALUES, st.data())
def test_two_values_that_could_be_meant_are_refused(one: Any, other: Any, draw: st.DataObject) -> None:
    between = draw.draw(st.sampled_from(["\n", " or ", "\n\nBetter:\n"]))
    value, complaint = FACTS.read(wrapped(one, draw) + between + wrapped(other, draw))
    assert (value, bool(complaint)) == ((None, True) if one != other else (one, False))


@given(VALUES, st.data())
def test_no_part_of_an_answer_that_is_cut_off_is_taken_for_it(value: Any, draw: st.DataObject) -> None:
    inner = {"first": value, "others": [value, value], "and": value}
    text = json.dumps(draw.draw(st.sampled_from([inner, [value, inner], [inner], [[value], value]])))
    text = text[: draw.draw(st.integers(0, len(text) - 1))]
    read, complaint = FACTS.read(draw.draw(st.sampled_from(BEFORE)) + text)
    assert read is None
    assert complaint


@given(VALUES, st.data())
def test_no_part_of_an_answer_whose_beginning_is_lost_is_taken_for_it(
    value: Any, draw: st.DataObject
) -> None:
    text = json.dumps({"first": value, "others": [value, value]})
    read, _ = FACTS.read(text[draw.draw(st.integers(1, len(text) - 1)) :])
    assert read is None


@pytest.mark.parametrize(
    "text",
    [
        "{'title': 'Tea', 'score': 4} or {\"a\": 1}",
        '{title: "Tea"} {"a": 1}',
        '{"a": 1} {"a": 1',
        '["a", {"a": 1}',
        '{"b": {"a": 1}}',
        'It was {"a": 1}, is {"b": 2}',
        '{"a": 1, "a": 2} {"a": 1}',
        '{"a": NaN} {"a": 1}',
        '"a": 1, "b": {"a": 1}}',
        " ".join(f'{{"a": {n}}}' for n in range(40)),
        'Draft: {"a": 1}\nFinal: ```json\n',
        'Draft: {"a": 1}\nFinal: ```',
        'Draft: {"a": 1}\n```json',
        '```json\n{"a": 1}\n```\nBetter:\n```json\n',
        '~~~\n{"a": 1}\n~~~\nBetter:\n~~~\n',
        'The value "{"a": 1}" is wrong; it should be',
        "The value '{\"a\": 1}' is wrong.",
        'The value “{"a": 1}” is wrong.',
    ],
)
def test_what_could_be_meant_otherwise_is_refused(text: str) -> None:
    assert Shape(schema_of({"a": "integer"})).read(text)[0] is None


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"a": 1}\n```\nTo read it:\n```python\nprint(1)\n```',
        '{"a": 1}\n```python\nprint(1)\n```',
        '{"a": 1}\n```\nMore?',
        'Answer: `{"a": 1}` as you asked.',
        'The answer is "{"a": 1}".',
        '```json\n{"a": 1}',
    ],
)
def test_fences_and_quotes_that_are_whole_do_no_harm(text: str) -> None:
    assert Shape(schema_of({"a": "integer"})).read(text) == ({"a": 1}, "")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", '```JSON\n"tea"\n```', "tea"),
        ("integer", "5<|im_end|>", 5),
        ("boolean", "~~~\ntrue\n~~~", True),
        ("array", "Here: [] and no more", []),
        ("array", 'Of [1,2] and {"a": 1}', [1, 2]),
    ],
)
def test_a_value_of_any_type_is_found(kind: str, text: str, value: Any) -> None:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": kind}
    assert Shape(schema_of(schema)).read(text) == (value, "")


def test_the_complaint_is_about_the_answer_as_it_came() -> None:
    """Else the repair that an old job has paid for would be another request."""
    shape = Shape(schema_of({"a": "integer"}))
    fault = "unexpected character, expected a JSON value: line 1 column {} (char {})"
    said = {
        '```JSON\n{"a": "x"}\n```': fault.format(1, 0),
        'Here: {"a": "x"}': fault.format(1, 0),
        '```json\n{"a": }\n```': fault.format(7, 6),
        '{"a": 1} {"a": 2}': "unexpected content after document: line 1 column 10 (char 9)",
    }
    for text, what in said.items():
        assert shape.read(text)[1] == f"Your answer is not JSON ({what}). Answer again, with the JSON alone."


@pytest.mark.parametrize(
    "hostile", ["[" * 200_000, "{" * 200_000, "[1]" * 200_000, "{a}" * 200_000, "[1" * 99_999]
)
def test_a_hostile_text_takes_no_time(hostile: str) -> None:
    assert FACTS.read(hostile)[0] is None
