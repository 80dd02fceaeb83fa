"""Reasoning is taken off the start of a text, and nothing is taken out of a text about it."""

from __future__ import annotations

import time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.wire.reasoning import Parts, apart, trimmed
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
    "Models end their thoughts with the tag\n{}\nand the answer follows.", "The closing tag is {}",
    "Models end their thoughts with the tag\n{}\n\nand the answer follows.", "He said:{} and left",
    "Write this:\n\n    {}\n\nand go on.", "Write this.\n\n\t{}\n\nGo on.", "Set it so:\n{}\n\nThen go on.",
    '{{"a": "b.{}c"}}', "[a.{}b](c)", '{{"a": "b{}c"}}', "<p>a{}b</p>", "`x{}y`", "(see {}) and",
    "It ends ({}) so.",
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


TAKEN = [
    "`row` is the id. Be brief.\n</think>\n\nTea.", "[They want a line.] Ok.\n</think>\n\nTea.",
    "{name} is the product; fine.\n</think>\n\nTea.", "<user> wants a line.\n</think>\n\nTea.",
    "\ufeff<think>x</think>Tea.", "<|assistant|><think>x</think>Tea.", "<think >x</think >Tea.",
    "<|im_start|>assistant\n<think>x</think>\nTea.", "<think>a<think>b</think>c</think>Tea.",
    "<think>a<think>b</think>c<think>d</think>e</think>Tea.", "<think>the <think> tag</think>Tea.",
    '<details type="reasoning" done="true">\n<summary>Thought</summary>\nx\n</details>\nTea.',
    "<reflection>x</reflection>Tea.", "<scratchpad>\nx\n</scratchpad>\n\nTea.", "One\nTwo\n</think>\nTea.",
]  # fmt: skip


@pytest.mark.parametrize("text", TAKEN)
def test_reasoning_is_known_in_the_forms_that_models_and_servers_give_it(text: str) -> None:
    parts = apart(text)
    assert parts is not None
    assert parts.whole and parts.reasoning and parts.answer == "Tea."


KEPT = [
    "<reflection>A poem.</reflection>", "<scratchpad>not closed", "<details>\nx\n</details>\nTea.",
    "analysis of harmony: the token assistantfinal marks the end", "analysisx: see `assistantfinal`.",
    "<|assistant|> opens a turn.", "x\n</details>\n\nTea.",
]  # fmt: skip


@pytest.mark.parametrize("text", KEPT)
def test_a_text_that_only_looks_like_reasoning_stays(text: str) -> None:
    assert apart(text) is None


def test_an_answer_that_names_the_tag_is_no_part_of_a_block() -> None:
    text = "<think>the <think> tag</think>It ends with </think> here."
    assert apart(text) == Parts("the <think> tag", "It ends with </think> here.")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Tea.</s>", "Tea."), ("Tea.<|im_end|>\n", "Tea."), ("Tea.\n<|eot_id|></s>", "Tea."),
        ("It ends with </s>", "It ends with </s>"), ("<s>10</s>", "<s>10</s>"), ("</s>", "</s>"),
        ("Tea. \n", "Tea. \n"), ("a > b\n", "a > b\n"), ("<p>Tea.</p>", "<p>Tea.</p>"), ("", ""),
    ],
)  # fmt: skip
def test_end_tokens_are_taken_off_a_text(text: str, left: str) -> None:
    assert trimmed(text) == left


@pytest.mark.parametrize(
    "form",
    [
        '<think type="x">{}</think>\n\nTea.',
        "<thoughts>{}</thoughts>\nTea.",
        "<antThinking>{}</antThinking>\nTea.",
        "<inner_monologue>{}</inner_monologue>\nTea.",
        "<think_fast>{}</think_fast >\nTea.",
        "<THOUGHT-PROCESS>{}</THOUGHT-PROCESS>\nTea.",
        "<role>ASSISTANT</role><think>{}</think>\nTea.",
        "\u200b<think>{}</think>\nTea.",
        "<think>{}</think>\n<answer>\nTea.\n</answer>",
        "<inner_monologue>{}</inner_monologue>\n<answer>Tea.</answer>",
        "<think>{}</think><response>Tea.</response>",
        "<think>{}</think><|begin_of_box|>Tea.<|end_of_box|>",
        "<|think|>{}<|end|><|begin|>assistant<|content|>Tea.",
        "Here are my reasoning steps:\n{}\n[BEGIN FINAL RESPONSE]\nTea.\n[END FINAL RESPONSE]",
        "Here is my thought process:\n{}\n\nHere is my response:\nTea.",
        "analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>Tea.",
        "{}<|end|><|start|>assistant<|channel|>final<|message|>Tea.<|return|>",
    ],
)
def test_reasoning_in_the_form_of_other_models_is_taken_off(form: str) -> None:
    parts = apart(form.format("Let me see."))
    assert parts is not None
    assert (parts.reasoning, trimmed(parts.answer)) == ("Let me see.", "Tea.")


@pytest.mark.parametrize(
    "text",
    [
        "<thoughts>Only a thought.</thoughts>",
        "<inner_monologue>It never ends.",
        "<thinkers>Plato</thinkers> and others",
        "<answer>Tea.</answer>",
        "<unthinkable>a</unthinkable> b",
        "<monologue>To be.</monologue>\n<dialogue>Hello.</dialogue>",
        '<customer_thoughts>Late.</customer_thoughts>\n<customer_reply tone="calm">Sorry.</customer_reply>',
        "Here is my thought process: I drink tea.",
        "Harmony writes `<|end|><|start|>assistant<|channel|>final<|message|>` between the two.",
    ],
)
def test_a_text_with_like_words_stays_whole(text: str) -> None:
    assert apart(text) is None


def test_a_box_of_special_tokens_is_taken_off_a_whole_answer() -> None:
    assert apart("<|begin_of_box|>Tea.<|end_of_box|>") == Parts("", "Tea.")


@pytest.mark.parametrize(
    "answer",
    [
        "<response>\n  <status>ok</status>\n</response>",
        '<answer><item id="1"/></answer>',
        "<answer>a</answer> or <answer>b</answer>",
    ],
)
@pytest.mark.parametrize("form", ["<think>I see.</think>\n{}", "I see.\n</think>\n\n{}"])
def test_xml_with_the_name_of_a_wrapper_stays_whole(form: str, answer: str) -> None:
    assert apart(form.format(answer)) == Parts("I see.", answer)


@pytest.mark.parametrize("html", ["<p>Tea.</p>", '<h2 id="a">Tea</h2>\n<p>Now.</p>', "<br/>Tea."])
@pytest.mark.parametrize("form", ["<my_thoughts>x</my_thoughts>{}", "<think>x</think><answer>{}</answer>"])
def test_html_behind_reasoning_is_an_answer(form: str, html: str) -> None:
    assert apart(form.format(html)) == Parts("x", html)


def test_a_long_text_of_blocks_with_names_of_their_own_takes_no_time() -> None:
    names = ("".join(letters) + "_think" for letters in product("abcdefghijklm", repeat=4))
    text = "".join(f"<{name}></{name}>" for name in names)
    started = time.process_time()
    assert apart(text) is None
    assert apart("<a_think></a_think>" * 40_000) is None
    assert time.process_time() - started < 2
