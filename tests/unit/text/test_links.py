"""A translation has no links that its text has not, unless the job allows them."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.links import links
from tests.support.translations import complaint

SOURCE = "See [our shop](https://shop.example/a?b=1&amp;c) or mail a.b@shop.example. JavaScript : a book."


@pytest.mark.parametrize(
    "answer",
    [
        "Siehe [Laden](https://shop.example/a?b=1&c), a.b@shop.example. JavaScript: ein Buch.",
        "Schreib an a.b@shop.example oder sieh in [unseren Laden](<https://shop.example/a?b=1&amp;c>)。",
        "Daten: 5, Kanal://, www, (a)[b]",
    ],
)
def test_links_of_the_source_are_no_new_ones(answer: str) -> None:
    assert links(answer) <= links(SOURCE)


WORDS = st.lists(
    st.sampled_from(["tea", "lamp", "[a](", ")", "https://a.example", "![", "](", "<a href=", ">"])
)


@given(
    WORDS, st.sampled_from(["https://evil.example/x", "![a](//evil.example/p)", "<img src=//evil.example>"])
)
def test_whatever_stands_round_it_a_new_link_is_found(words: list[str], added: str) -> None:
    text = " ".join(words)
    assert links(text) <= links(text) and not links(text) - links(f"{text} {text}")
    assert any("evil.example" in link for link in links(f"{text} \n{added}\n") - links(text))


@pytest.mark.parametrize(
    "text", [a + b * 60_000 for a in ("", "](", "=", "<a", "[", "%(") for b in "a .-[<@="]
)
def test_no_answer_keeps_the_search_for_links_busy(text: str) -> None:
    began = process_time()
    complaint("three good words", text)
    assert process_time() - began < 5, "quadratic searches take minutes"
