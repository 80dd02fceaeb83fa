"""Blocks of Markdown: what a translation must not begin, prefixes, HTML, paths."""

from __future__ import annotations

import pytest

from pipeline.core.document import Policy
from pipeline.core.errors import InputError
from tests.support.markdown_pages import codes, hidden, page, signs, texts


@pytest.mark.parametrize(
    ("target", "written"),
    [
        ("1. August 1999", "1\\. August 1999"),
        ("1986) was", "1986\\) was"),
        ("- no", "\\- no"),
        ("# no", "\\# no"),
        ("> no", "\\> no"),
        ("+ no", "\\+ no"),
        ("a\n- no", "a\n\\- no"),
        ("a\n---", "a\n\\---"),
        ("a\n===", "a\n\\==="),
        ("```no", "\\```no"),
        ("a\n\nb", "a\nb"),
        ("    a", "a"),
    ],
)
@pytest.mark.parametrize("source", ["一九九九年", "- 一九九九年", "> 一九九九年", "1. 一\n\n   一九九九年"])
def test_a_translation_begins_no_other_block(source: str, target: str, written: str) -> None:
    document = page(source)
    place = len(document.segments) - 1
    assert document.mended(place, target) == written
    assert document.findings(place, written) == []
    targets = [None] * place + [written]
    assert document.broken(document.build(targets)) == []


@pytest.mark.parametrize("target", ["a\n\nb", "[x]: y", "<div>\na", "[ ] a", "a\n\n- b"])
def test_a_translation_that_is_another_block_is_found(target: str) -> None:
    assert page("- 一").findings(0, target)


def test_prefixes_of_containers_are_out_of_the_text_and_back_in_the_file() -> None:
    text = "> - 甲\n>   乙\n> - 丙\n懒\n"
    document = page(text)
    assert texts(document) == ["甲\n乙", "丙\n懒"]
    assert document.build(["a\nb\nc", "d"]).decode() == "> - a\n>   b\n>   c\n> - d\n"
    assert document.build(["a", "b\nc"]).decode() == "> - a\n> - b\nc\n"


def test_hard_breaks_come_back_where_the_lines_are_as_many() -> None:
    document = page("甲  \n乙\\\n丙")
    assert document.mended(0, "a\nb\nc") == "a  \nb\\\nc"
    found = document.findings(0, "a b c")
    assert found and not any(one.hard for one in found)


def test_html_blocks_give_their_words_and_keep_their_tags() -> None:
    text = (
        '<p align="center">\n  欢迎 <a href="/x">来到 <b>这里</b></a>，\n  看 <code>不译</code>\n</p>\n\n'
        "<!-- 不译 -->\n\n<script>\nvar 不译 = 1\n</script>\n\n"
        "<details><summary>概要</summary>\n\n正文\n\n</details>\n"
    )
    document = page(text)
    assert texts(document) == [
        '欢迎 <a href="/x">来到 <b>这里</b></a>，\n看 <code>不译</code>',
        "概要",
        "正文",
    ]
    assert hidden(document.segments[0]) == ['<a href="/x">', "<code>不译</code>"]
    assert signs(document.segments[0]) == ["<b>", "</b>", "</a>"]
    assert codes(document, 0, 'Welcome <a href="/x"><b>here</b></a>\n\nsee <code>不译</code>') == []
    assert codes(document, 0, 'Welcome <a href="/x">here</a>, see <code>不译</code>') == ["structure"] * 2


def test_html_after_tabs_gives_its_words_once() -> None:
    text = "- 甲\n\t<details>\n\t<summary>\n\t\t例子\n\t</summary>\n\n\t乙\n\n\t</details>\n"
    document = page(text)
    assert texts(document) == ["甲", "例子", "乙"]
    assert document.build(["a", "b", "c"]).decode() == text.translate(str.maketrans("甲乙", "ac")).replace(
        "例子", "b"
    )
    assert sum(document.skipped.values()) == len(text.encode()) - 4 * 3


def test_containers_of_page_generators_keep_their_lines() -> None:
    text = "::: tip 提示\n容器的文本\n:::\n\n:::note[标题]\n\n文本 {#id} {% raw %} :smile:\n\n:::\n"
    document = page(text)
    assert texts(document) == ["提示", "容器的文本", "标题", "文本 {#id} {% raw %} :smile:"]
    assert hidden(document.segments[3]) == ["{#id}", "{% raw %}", ":smile:"]


def test_paths_and_titles() -> None:
    document = page("# 一 `x`\n\n甲\n\n## **二**\n\n乙\n\n# 三\n\n丙\n")
    assert [(segment.text, segment.path) for segment in document.segments] == [
        ("一 `x`", ""),
        ("甲", "一"),
        ("**二**", "一"),
        ("乙", "一 > 二"),
        ("三", ""),
        ("丙", "三"),
    ]
    assert document.title == "一"


def test_a_file_in_another_encoding_is_refused_with_its_line() -> None:
    with pytest.raises(InputError) as refused:
        page("第一行\n".encode() + "标题".encode("gb18030"))
    assert refused.value.where == "page.md, line 2"


def test_no_letter_becomes_part_of_a_bare_address() -> None:
    document = page("See https://a.b/c now", Policy(source="en"))
    assert document.mended(0, "现在看https://a.b/c吧") == "现在看https://a.b/c 吧"
    assert document.mended(0, "现在看 https://a.b/c。") == "现在看 https://a.b/c。"
