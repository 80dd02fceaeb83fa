"""Texts that nobody writes: the gates answer in time and break on none of them."""

from __future__ import annotations

from itertools import product
from time import process_time

import pytest

from pipeline.core.document import Segment
from pipeline.translation import verdict
from pipeline.translation.question import Question, Term

LENGTH, SECONDS = 60_000, 20.0
PIECES = (
    "a", "<a ", "{", "%(", "` ", "`a", "(", "中", "word ", "a@", "https://a(", "a.b", "\n \n", "a-", "a_/",
    "\ud800\x00", "“(", " ", "sure ", "1,", "<a b=", "{{a", "www.",
    "{a, plural, one {", "\u200b", "\n(Note", "[a](",
)  # fmt: skip
SYNTAXES = ("", "icu", "fluent", "printf")


@pytest.mark.parametrize(("piece", "syntax"), list(product(PIECES, SYNTAXES)))
def test_a_long_strange_text_takes_linear_time(piece: str, syntax: str) -> None:
    text = (piece * (LENGTH // len(piece)))[:LENGTH]
    question = Question(Segment(text, syntax=syntax), "en", "de", (Term("aa", "b", forbidden=("c",)),))
    began = process_time()
    for answer in (text[:-1] + "z", "", "x" * 10):
        verdict.findings(question, answer)
        verdict.mended(question, answer)
    verdict.mended(Question(Segment("a tea"), "en", "de"), text)
    assert process_time() - began < SECONDS
