"""Plain words are compared without a parser: it would have found nothing in them."""

from __future__ import annotations

import random

import pytest

from pipeline.core.document import EVERYTHING
from pipeline.documents import _markdown_check as check
from pipeline.documents._markdown_events import signature

SIGNS = [chr(code) for code in range(32, 127)] + list("äß请注意：，。’“”…\u00a0\u200b\u2028\u0085")
PLACES = [
    *(("paragraph", ""), ("paragraph", "> "), ("heading", "## "), ("heading", "")),
    *(("item", "- "), ("item", "1. "), ("item", "- [ ] "), ("cell", ""), ("text", "")),
]


@pytest.mark.parametrize(("kind", "prefix"), PLACES)
def test_a_text_that_counts_as_plain_has_the_structure_of_a_word(kind: str, prefix: str) -> None:
    randomly = random.Random(kind + prefix)
    word, plain = signature(check.context(kind, prefix, "word", {}, ())), 0
    for _ in range(4000):
        text = "".join(randomly.choices(SIGNS, k=randomly.randrange(1, 12)))
        if check.is_plain(text):
            plain += 1
            assert signature(check.context(kind, prefix, text, {}, ())) == word, text
    assert plain > 200


def test_plain_texts_are_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "signature", lambda text: pytest.fail("parsed"))
    assert check.compared("item", "- ", "Close the valve.", "Schließen Sie das Ventil.", {}, EVERYTHING) == []
