"""Answers that nobody writes: every check of form answers in linear time and breaks on none of them."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest

from tests.support.checks import said

LENGTH, SECONDS = 150_000, 2.0
"""what takes the square of such a length takes minutes"""
PIECES = (
    "a",
    "漢",
    "👩\u200d",
    "\u0301",
    "क्",
    "a.",
    ".com",
    "a-",
    "https://",
    "[a](",
    "[](",
    "![",
    "[",
    "<a ",
    "<!--",
    "`a",
    "```\n",
    "~~",
    "*a",
    "**",
    "_a",
    "__a ",
    "# ",
    "#a",
    "| a |\n",
    "-|",
    "- ",
    "---\na: b\n",
    "> ",
    "\\",
    "&a",
    "(",
    "“",
    "「",
    "\n",
    " ",
    "\0",
    "@a@b.",
    "#a ",
    "Sure! ",
    "Here is ",
    "in today's ",
    "[^1]: ",
    "=\n",
    "<p>",
)
OPTIONS: dict[str, list[Any]] = {
    "length": [{"max": 1, "unit": unit} for unit in ("nonspace", "han", "words", "graphemes", "x_weighted")],
    "contains": [{"any": ["aaaaaaaab", "tea"], "where": "first_or_last_line"}],
    "starts_with": ["tea"],
    "ends_with": ["tea"],
    "excludes": [["a", "aaaaaaaaaab", "as an ai"]],
    "regex": [{"match": "(a+)+b", "not": r"(\w+\s*)+$"}],
    "fences": [True],
    "links": [{"max": 9, "hosts": ["x.example"], "from": "record"}],
    "hashtags": [{"max": 200_000, "place": "end", "own_line": True}],
    "platform": ["bluesky", "threads", "mastodon"],
    "ending": [True],
    "opening": [{"forbid": ["aaa"]}],
    "shorter_than_source": [{"source": "a", "share": 1}],
}


@pytest.mark.parametrize("piece", PIECES)
def test_a_long_strange_answer_takes_linear_time(piece: str) -> None:
    text = (piece * (LENGTH // len(piece)))[:LENGTH]
    for check, several in OPTIONS.items():
        for options in several:
            begun = process_time()
            said(check, text, options, {"a": text}, text)
            assert process_time() - begun < SECONDS, (check, options)


@pytest.mark.parametrize("piece", ["![", "“", "„a", "<!--", "a "])
def test_sentences_are_counted_in_linear_time(piece: str) -> None:
    begun = process_time()
    said("length", (piece * LENGTH)[:LENGTH], {"max": 1, "unit": "sentences"})
    assert process_time() - begun < 2 * SECONDS
