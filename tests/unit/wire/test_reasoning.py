"""Reasoning is taken off the start of a text, and nothing is taken out of a text about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.wire.reasoning import Parts, apart
from pipeline.wire.words import BLOCKS

WORDS = st.text(st.sampled_from("ab .,\n{}[]é"), min_size=1, max_size=30).filter(lambda text: text.strip())
TAGS = sorted(BLOCKS.items())


@given(st.sampled_from(TAGS), WORDS | st.just(""), WORDS, st.sampled_from(["", "\n", " \n\n"]), st.booleans())
def test_a_block_is_taken_off_the_start(
    tags: tuple[str, str], thought: str, answer: str, blank: str, large: bool
) -> None:
    opens, closes = (tag.upper() if large else tag for tag in tags)
    assert apart(f"{blank}{opens}{thought}{closes}{blank}{answer}") == Parts(thought.strip(), answer.strip())


@given(st.sampled_from(TAGS), WORDS)
def test_a_block_that_never_ends_leaves_no_answer(tags: tuple[str, str], thought: str) -> None:
    assert apart(tags[0] + thought) == Parts(thought.strip(), "", whole=False)


CLOSED = sorted(closes for closes in BLOCKS.values() if "/" in closes)


@pytest.mark.parametrize("closes", CLOSED)
@pytest.mark.parametrize(
    "form",
    [
        "Hm.\nSo.\n{}\n\nTea.",
        "Hm. So.{}Tea.",
        "Hm. So.{}\nTea.",
        "Hm. So. {}\n\nTea.",
        "{}\n\nTea.",
        "Hm.\n{} Tea.",
        "Hm. So.{} Tea.",
        "Hm.\r\n{}\r\n\r\nTea.",
    ],
)
def test_a_closing_tag_alone_ends_reasoning(closes: str, form: str) -> None:
    assert apart(form.format(closes)) == Parts(form.split("{}")[0].strip(), "Tea.")


ABOUT = [
    "The tag {} ends it.", "It ends with `{}`\n\nand so on.", 'It ends with "{}"\n\nand so on.',
    "Close it with {}.\nThen go on.", "- {}\n- another", "Two tags: {}\nand more",
    "First {opens}, then\n{}\n\nthe answer.", "```\nthought\n{}\n\nanswer\n```\n", "~~~\n{}\n\n~~~",
    '{{"a": "b{}c"}}', "<p>a{}b</p>", "`x{}y`", "(see {}) and", "It ends ({}) so.",
]  # fmt: skip


@pytest.mark.parametrize(("opens", "closes"), [tags for tags in TAGS if tags[1] in CLOSED])
@pytest.mark.parametrize("form", ABOUT)
def test_a_text_about_the_tags_stays_as_it_is(opens: str, closes: str, form: str) -> None:
    text = form.replace("{opens}", opens).replace("{}", closes).replace("{{", "{").replace("}}", "}")
    assert apart(text) is None


@given(st.text(st.sampled_from("ab </>[]{}|thinkTHINK`\n◁▷"), max_size=60))
def test_any_text_is_read_and_nothing_is_added(text: str) -> None:
    parts = apart(text)
    if parts is not None:
        assert parts.reasoning + parts.answer == "" or parts.answer in text
        assert len(parts.reasoning) + len(parts.answer) < len(text)
        assert parts.whole or not parts.answer


def test_a_long_text_of_empty_blocks_takes_no_time() -> None:
    assert apart("<think></think>" * 100_000 + "tea") == Parts("", "tea")
