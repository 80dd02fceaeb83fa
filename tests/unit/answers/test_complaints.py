"""A complaint is one for the model, and the same without orders for a person."""

from __future__ import annotations

import pytest

from pipeline.answers import attempts
from pipeline.answers.complaints import to_a_person
from pipeline.answers.shapes.shape import Shape, schema_of
from tests.support.checks import said
from tests.support.translations import complaint

SHAPE = Shape(schema_of({"title": "string"}))
COMPLAINTS = [
    said("contains", "a", ["tea", "Your answer"]),
    said("excludes", "tea", "tea"),
    said("length", "one two", {"max": 1}),
    said("length", "one two", {"min": 100, "unit": "words"}),
    said("length", "茶", {"min": 100, "unit": "han"}),
    said("contains", "a", {"any": ["tea", "cup"], "where": "last_line"}),
    said("starts_with", "a", "tea"),
    said("ends_with", "a", "tea"),
    said("regex", "a", {"match": "b"}),
    said("fences", "```\na\n```"),
    said("links", "http://a.example", {"max": 0}),
    said("links", "http://a.example", {"hosts": "b.example"}),
    said("links", "http://a.example", {"from": "record"}),
    said("hashtags", "#a #b", {"max": 1}),
    said("hashtags", "#a #a"),
    said("hashtags", "#a b", {"place": "end"}),
    said("hashtags", "a #a", {"own_line": True}),
    said("platform", "**a**", "x"),
    said("platform", "a" * 300, "x"),
    said("platform", "#a #b #c #d #e #f", "instagram"),
    said("ending", "a,"),
    said("opening", "Certainly! Tea."),
    said("shorter_than_source", "a b", {"source": "a"}),
    said(
        "language", "Das ist ein Text, der in einer anderen Sprache geschrieben ist, als er sein soll.", "en"
    ),
    said("refusal", "I'm sorry, but I can't help with that."),
    said("echo", "one two three four five", {"of": "one two three four five"}),
    said("original", "one two three four five", {"of": "one two three four five"}),
    said("repetition", "one one one"),
    said("numbers", "It costs 17 euros"),
    SHAPE.read("no JSON")[1],
    SHAPE.read('{"title": 1}')[1],
    complaint("one two three", "one two three"),
    complaint("a {name} here", "ein name hier"),
    complaint("text", "text http://example.org"),
    attempts._MALFORMED,
]


@pytest.mark.parametrize(
    ("complaint", "bound"),
    [
        (said("hashtags", "#a #b", {"max": 1}), "has 2 hashtags; it may have at most 1"),
        (said("hashtags", "#a", {"min": 3}), "has 1 hashtags; it needs at least 3"),
        (said("hashtags", "#a b", {"place": "end"}), "all hashtags must stand at its end"),
        (said("hashtags", "a #a", {"own_line": True}), "the hashtags must stand on a line of their own"),
        (said("platform", "#a #b #c #d #e #f", "instagram"), "at most 5"),
        (said("links", "http://a.example", {"max": 0}), "at most 0"),
        (said("length", "one two", {"max": 1}), "at most 1"),
        (said("length", "one two", {"min": 100}), "at least 100"),
        (said("original", "one two three four five", {"of": "one two three four five"}), "at most "),
        (
            said("language", "Das ist ein Text, der in einer anderen Sprache geschrieben ist.", "en"),
            "in English",
        ),
    ],
)
def test_a_person_is_told_the_bound(complaint: str, bound: str) -> None:
    assert bound in to_a_person(complaint)


@pytest.mark.parametrize("complaint", COMPLAINTS)
def test_a_person_is_not_given_orders(complaint: str) -> None:
    told = to_a_person(complaint)
    assert told.startswith("the ") and "our answer" not in told.partition('"')[0] and not told.endswith(".")
    assert "you were" not in told and "you have" not in told
    assert not any(
        order in told
        for order in (
            "Answer again",
            "Write it",
            "Write what",
            "Say ",
            "Use ",
            "Translate it",
            "Keep them",
            "Leave",
            "Expand it",
            "Shorten it",
            "Give the",
            "Begin it",
            "Put ",
        )
    )


def test_a_field_is_one_of_the_answer() -> None:
    complaint = 'The field "post.title" of your answer has 80 characters; it may have at most 10.'
    told = to_a_person(f"{complaint} Shorten it by about 70 characters. {complaint}")
    said = 'field "post.title" of the answer has 80 characters; it may have at most 10'
    assert told == f"the {said}. The {said}"


def test_each_of_several_complaints_is_told() -> None:
    told = to_a_person(" ".join(str(one) for one in COMPLAINTS[1:3]))
    assert told == ('the answer must not contain "tea". The answer has 7 characters; it may have at most 1')


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("So: no", "a value is missing here, or a text without double quotes (line 1, character 1)"),
        ('{"title": "a" "b"}', "a comma or a closing bracket is missing (line 1, character 15)"),
        ('{"title": "a"', "it ends too early (line 1, character 14)"),
        ('{"title": "a",}', "a comma stands before a closing bracket (line 1, character 14)"),
        ('{"title"\n"a"}', "a colon is missing after a key (line 2, character 1)"),
        ("{title: 1}", "a key without double quotes (line 1, character 2)"),
        ('{"title": nul}', "a word that is not true, false or null (line 1, character 11)"),
        ('{"title": "\\x"}', "a backslash before a sign that needs none (line 1, character 12)"),
        ('{"title": 01}', "a number that is not written as JSON writes it (line 1, character 11)"),
    ],
)
def test_a_person_reads_no_words_of_a_parser_and_the_model_reads_the_same_as_ever(
    answer: str, words: str
) -> None:
    complaint = SHAPE.read(answer)[1]
    assert "(char " in complaint
    assert to_a_person(complaint).startswith("the answer is not JSON (")
    assert words in to_a_person(complaint) and "(char " not in to_a_person(complaint)


def test_what_is_quoted_is_not_changed() -> None:
    assert '"Your answer"' in to_a_person(str(COMPLAINTS[0]))
