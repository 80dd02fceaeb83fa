"""Links to headings of the same page still lead there when the headings are translated."""

from __future__ import annotations

import pytest

from pipeline.core.document import Policy
from pipeline.documents import markdown
from pipeline.documents._markdown_anchors import slug

PAGE = """# 快速 开始

见 [安装](#安装-说明)、[同名](#同名-1)、[外](other.md#安装-说明) 和 [没有](#没有)。

## 安装 `pip` 说明

## 安装 说明

<a href="#同名">去</a>

## 同名
## 同名
## 固定 {#fixed}

[定义]: #安装-说明
[编码]: <#%E5%90%8C%E5%90%8D>

看 [定义] 和 [编码] 和 [固定](#fixed)。
"""
WORDS = {
    "快速 开始": "Quick start",
    "安装 `pip` 说明": "Install with `pip`",
    "安装 说明": "Install, how to",
    "同名": "Same",
    "固定": "Pinned",
}


def built(way: str, language: str = "en") -> tuple[str, list[str]]:
    document = markdown.read("p.md", PAGE.encode(), Policy(source="zh", anchors=way))
    targets = [WORDS.get(segment.text) for segment in document.segments]
    content = document.build(targets, language)
    return content.decode(), [finding.code for finding in document.broken(content)]


def test_links_are_rewritten_to_the_new_anchors() -> None:
    text, broken = built("rewrite")
    assert broken == []
    assert "[安装](#install-how-to)、[同名](#same-1)、[外](other.md#安装-说明) 和 [没有](#没有)" in text
    assert '<a href="#same">' in text and "[定义]: #install-how-to\n[编码]: <#same>\n" in text
    assert "## Pinned {#fixed}" in text and "(#fixed)" in text


def test_headings_keep_the_anchors_of_the_source() -> None:
    text, broken = built("explicit_id")
    assert broken == []
    assert "# Quick start {#快速-开始}\n" in text and "## Same {#同名-1}\n" in text
    assert "[安装](#安装-说明)" in text and "## Pinned {#fixed}\n" in text


@pytest.mark.parametrize(("way", "language"), [("keep", "en"), ("rewrite", "")])
def test_links_stay_where_nothing_is_to_be_done(way: str, language: str) -> None:
    text, broken = built(way, language)
    assert broken == []
    assert "[安装](#安装-说明)、[同名](#同名-1)" in text and "{#快速-开始}" not in text


def test_a_link_that_leads_to_another_heading_is_found() -> None:
    document = markdown.read("p.md", PAGE.encode(), Policy(source="zh"))
    wrong = PAGE.replace("[安装](#安装-说明)", "[安装](#同名)")
    assert {finding.code for finding in document.broken(wrong.encode())} == {"links"}


@pytest.mark.parametrize(
    ("words", "anchor"),
    [
        ("Hello, World!", "hello-world"),
        ("A - B_c", "a---b_c"),
        ("ChatGPT是什么？", "chatgpt是什么"),
        ("हिन्दी में", "हिन्दी-में"),
        ("Ünï 3.2", "ünï-32"),
        ("🚀 Go", "-go"),
    ],
)
def test_anchors_are_made_as_github_makes_them(words: str, anchor: str) -> None:
    assert slug(words) == anchor
