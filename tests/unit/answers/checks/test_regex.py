"""The check of patterns."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.checks import said


@pytest.mark.parametrize(
    ("answer", "options", "good"),
    [
        ("Tea", {"match": "^[A-Z]"}, True),
        ("tea", {"match": "^[A-Z]"}, False),
        ("tea", {"match": ["t", "(?i)EA$"]}, True),
        ("tea", {"match": ["t", "x"]}, False),
        ("a\nb", {"match": "^b"}, False),
        ("a\nb", {"match": "(?m)^b"}, True),
        ("茶", {"match": r"^\p{Han}+$"}, True),
        ("お茶", {"match": r"^\p{Han}+$"}, False),
        ("no price", {"not": r"\d"}, True),
        ("5 euros", {"not": ["x", r"\d"]}, False),
    ],
)
def test_patterns_match_or_do_not(answer: str, options: dict[str, Any], good: bool) -> None:
    assert (said("regex", answer, options) is None) == good


def test_the_complaint_quotes_the_line_and_says_it_in_the_users_words() -> None:
    assert said("regex", "one\n two 5 \nthree", {"not": r"\d"}) == (
        r'Your answer is not as it must be: it matches the pattern \d, which must not match, in "two 5". '
        "Write it again."
    )
    assert said("regex", "tea", {"match": "^[A-Z]", "say": "begin with a capital"}) == (
        "Your answer is not as it must be: begin with a capital. Write it again."
    )


@pytest.mark.parametrize(
    ("pattern", "said_of_it"),
    [
        ("a(b", "at character 2"),
        ("[z-a]", "at character 2"),
        ("(?=a)", "look-around"),
        (r"(a)\1", "references back"),
        (r"(\w{1000}){1000}", "too large"),
        ("(?x)a\n(", "cannot be used as a pattern;"),
    ],
)
def test_a_pattern_that_cannot_be_read_is_refused_in_our_words(pattern: str, said_of_it: str) -> None:
    with pytest.raises(ValidationError) as raised:
        said("regex", "x", {"not": pattern})
    message = str(raised.value)
    assert said_of_it in message and "parse error" not in message and "^\n" not in message


def test_no_pattern_takes_more_than_linear_time() -> None:
    begun = process_time()
    assert said("regex", "a" * 200_000 + "!", {"match": r"^(a+)+$"}) is not None
    assert process_time() - begun < 2
