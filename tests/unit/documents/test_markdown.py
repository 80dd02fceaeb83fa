"""Markdown: what is a segment, what of it is seen, and what a translation must leave as it is.

The pages are small, and hard: each is like one that other programs broke.
"""

from __future__ import annotations

import ast
import re

import pytest

from pipeline.core.document import Policy
from tests.support.markdown_pages import codes, hidden, page, signs, texts, translated

FRONT = """---
author: "掘金酱"
title: "✍🏻 技术视角 \\"深入\\""
date: 2023-02-16
description: 简介   # 评论
selfDefined:"likes:86,comments:0,"
---
正文。
"""


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_01_identity_of_line_endings_marks_and_ends(eol: str, mark: str, end: str) -> None:
    text = "# 标题\n\n> 引用一\n> 引用二\n\n- 项目\n  继续  \n  换行\n\n| 列 | 值 |\n|---|---|\n| 甲 | 乙 |"
    content = (mark + text + end).replace("\n", eol).encode()
    document = page(content)
    assert [segment.kind for segment in document.segments] == ["heading", "paragraph", "item", *["cell"] * 4]
    assert not any("\r" in text or ">" in text for text in texts(document))
    assert document.build(texts(document)) == content
    changed = document.build([text.replace("引用", "Zitat ") for text in texts(document)])
    assert changed.decode() == content.decode().replace("引用", "Zitat ")
    assert document.broken(changed) == []
    assert [one.code for one in document.broken(content + b"\n")] == ["line-ends"]


def test_02_front_matter_that_is_no_yaml_changes_only_where_it_is_asked_to() -> None:
    document = page(FRONT)
    assert texts(document) == ['✍🏻 技术视角 "深入"', "简介", "正文。"]
    assert document.title == '✍🏻 技术视角 "深入"'
    built = translated(document, ('✍🏻 技术视角 "深入"', 'A "deep" look: 1'), ("简介", "Intro: all"))
    assert built == FRONT.replace('✍🏻 技术视角 \\"深入\\"', 'A \\"deep\\" look: 1').replace(
        "简介", '"Intro: all"'
    )
    assert document.broken(built.encode()) == []
    assert texts(page(FRONT, Policy(front_matter=()))) == ["正文。"]
    dropped = FRONT.replace("date: 2023-02-16\n", "")
    assert [one.code for one in document.broken(dropped.encode())] == ["front-matter"]


@pytest.mark.parametrize(
    ("front", "target", "changed"),
    [
        ("title: '标''题'", "it's", "title: 'it''s'"),
        ("title: 标题", "- x", 'title: "- x"'),
        ("title: 标题 # 评论", "yes", 'title: "yes" # 评论'),
        ("'title': 标题", "A title", "'title': A title"),
        ("title: >-\n  标题\n  继续\nx: 1", "A title", "title: >-\n  A title\nx: 1"),
        ("title: |\n  标题\n  继续\nx: 1", "A\nB", "title: |\n  A\n  B\nx: 1"),
        ("title: 标题\n  继续\nx: 1", "A title", "title: A title\nx: 1"),
        ("meta:\n  title: 内\ntitle: 外", "out", "meta:\n  title: 内\ntitle: out"),
    ],
)
def test_02_a_value_keeps_the_quotes_that_can_hold_it(front: str, target: str, changed: str) -> None:
    content = f"---\n{front}\n---\n"
    document = page(content)
    assert len(document.segments) == 1
    assert document.build([target]).decode() == f"---\n{changed}\n---\n"
    assert document.build(texts(document)).decode() == content


def test_02_toml_front_matter() -> None:
    content = (
        '+++\ntitle = "标题"\ndraft = true\ndescription = \'简介\'\n[extra]\ntitle = "内"\n+++\n# 正文\n'
    )
    document = page(content)
    assert texts(document) == ["标题", "简介", "正文"]
    built = document.build(['a "b"', "it's", "Text"]).decode()
    assert built == content.replace("标题", 'a \\"b\\"').replace("'简介'", '"it\'s"').replace("正文", "Text")


@pytest.mark.parametrize(
    "text", ["---\n\n# 标题\n\n---\n", "---\n标题\n---\n", "text\n\n---\ntitle: x\n---\n"]
)
def test_02_a_line_of_hyphens_is_no_front_matter(text: str) -> None:
    document = page(text)
    assert all(segment.path != "title" for segment in document.segments)
    assert "front matter" not in document.skipped


def test_03_inline_code_that_is_prose_is_translated_and_other_code_is_not() -> None:
    prose = [
        "`数据统计时间截止到3月20日`",
        "`① 讲解ChatGPT背后的技术实现原理；`",
        "`④ ChatGPT/AIGC 等相关产品的开源项目；`",
        "`⑤ 继 ChatGPT 后，下一个爆款预测（该选题不能只空谈）`",
    ]
    for text in prose:
        document = page(text)
        assert texts(document) == [text] and signs(document.segments[0]) == ["`", "`"]
        assert codes(document, 0, "`The principles behind ChatGPT;`") == []
        assert "structure" in codes(document, 0, "The principles behind ChatGPT;") or "code" in codes(
            document, 0, "The principles behind ChatGPT;"
        )
        assert page(text, Policy(inline_code="never")).segments == []
    for code in ["openai.api_key", "max_tokens", "openai.Completion.create()", 'print("你好")', "n", "名=1"]:
        document = page(f"`{code}` 参数")
        assert hidden(document.segments[0]) == [f"`{code}`"]
        assert codes(document, 0, f"The `{code}` parameter") == []
        assert codes(document, 0, "The `other` parameter")[0] == "code"
    assert hidden(page("`① 讲解`", Policy(source="en", inline_code="always")).segments[0]) == []
    assert page("`如何 开始` is a heading", Policy(source="en")).segments[0].opaque == ((0, 7),)


def test_04_what_a_program_left_in_the_text_is_reported_and_stays() -> None:
    text = '*   使用微调技术定制模型。 \n{"msg_type":"generate_answer_finish","data":""}'
    document = page(text)
    assert texts(document) == ["使用微调技术定制模型。"]
    assert len(document.lint) == 1 and document.lint[0].startswith("line 2: ")
    assert translated(document, ("使用微调技术定制模型。", "Tune.")) == text.replace(
        "使用微调技术定制模型。", "Tune."
    )
    document = page("Sure, here is the translation:\n\n正文。\n")
    assert texts(document) == ["正文。"] and len(document.lint) == 1
    code = page('```json\n{"msg_type":"x"}\n```\n正文\n')
    assert code.lint == () and texts(code) == ["正文"]


CODE = """1. 例子：

   ```python
   import openai

   # 设置 API 密钥
   openai.api_key = "# 不是注释"  # 密钥
   # noqa: x
   # openai.run()
   print("你好")
   ```
"""


def test_05_code_is_equal_and_with_comments_its_program_is() -> None:
    assert texts(page(CODE)) == ["例子："]
    document = page(CODE, Policy(source="zh", code_comments=True))
    assert texts(document) == ["例子：", "设置 API 密钥", "密钥"]
    built = translated(document, ("设置 API 密钥", "Set the API\nkey"), ("密钥", "the key"))
    assert "# Set the API key\n" in built and '"# 不是注释"  # the key\n' in built

    def program(text: str) -> str:
        block = re.sub(r"^ {3}", "", text.split("```")[1], flags=re.MULTILINE)
        return ast.dump(ast.parse(block.partition("\n")[2]))

    assert program(built) == program(CODE)
    assert document.broken(built.encode()) == []


@pytest.mark.parametrize(
    ("language", "code", "comments"),
    [
        ("bash", "echo '# 不' # 打印\n#!/bin/sh\n# 注释", ["打印", "注释"]),
        ("js", 'x = "http://甲" // 地址\n// 打开\nlet a = 1; // eslint-disable 规则', ["地址", "打开"]),
        ("sql", "SELECT 1 -- 选择\n-- SELECT 甲;", ["选择"]),
        ("python", "def (:\n# 坏的", []),
        ("text", "# 标题", []),
        ("", "# 标题", []),
    ],
)
def test_05_comments_by_the_language_of_the_fence(language: str, code: str, comments: list[str]) -> None:
    document = page(f"```{language} title=x\n{code}\n```\n", Policy(code_comments=True))
    assert texts(document) == comments


def test_06_math_is_equal_and_the_words_round_it_are_translated() -> None:
    text = "$$\n\\frac{a}{b} = c_1 * d_2\n$$\n\n*   $Q$ 是查询矩阵。\n*   $d_k$ 是 $a*b*c$ 的维度。\n"
    document = page(text)
    assert texts(document) == ["$Q$ 是查询矩阵。", "$d_k$ 是 $a*b*c$ 的维度。"]
    assert [hidden(segment) for segment in document.segments] == [["$Q$"], ["$d_k$", "$a*b*c$"]]
    assert codes(document, 1, "$d_k$ is the dimension of $a*b*c$.") == []
    assert codes(document, 1, "$d_k$ is the dimension of $abc$.") == ["structure", "structure"]


def test_07_a_setext_heading_stays_a_heading() -> None:
    document = page("段落一\n\n征文时间\n====\n\n正文\n")
    built = translated(document, ("征文时间", "When the\n\ncall for articles is open"))
    assert built == "段落一\n\nWhen the call for articles is open\n====\n\n正文\n"
    assert document.broken(built.encode()) == []
    assert codes(document, 1, "# When") == []
    assert translated(document, ("征文时间", "# When")).split("\n")[2] == "\\# When"


@pytest.mark.parametrize(
    ("source", "target", "mended"),
    [
        ("**Important:** please", "**重要：**请注意", "**重要**：请注意"),
        ("See **“bold”** text", "见**“加粗”**文字", "见“**加粗**”文字"),
        ("It is **(really)** so", "这**（真的）**如此", "这（**真的**）如此"),
        ("An _emphasis_ here", "这里_强调_文字", "这里*强调*文字"),
        ("A _**both**_ here", "这里_**都有**_文字", "这里***都有***文字"),
        ("Some ~~old,~~ new", "一些~~旧的，~~新的", "一些~~旧的~~，新的"),
        ("**A:** b **c** d", "**甲：**乙 **丙** 丁", "**甲**：乙 **丙** 丁"),
        ("**Fine:** ok", "**好的：** 可以", "**好的：** 可以"),
    ],
)
def test_08_emphasis_survives_beside_punctuation_of_east_asia(source: str, target: str, mended: str) -> None:
    document = page(source, Policy(source="en"))
    assert document.mended(0, target) == mended
    assert document.findings(0, mended) == []
    if mended != target:
        assert [one.code for one in document.findings(0, target)] == ["structure"]


def test_08_lost_emphasis_is_found() -> None:
    document = page("这是 **重要** 的 *事*。")
    found = document.findings(0, "This is an important *thing*.")
    assert [(one.code, one.hard) for one in found] == [("structure", True)] and "bold" in found[0].message


TABLE = "| 列 | `a\\|b` 码 |\n|---|:-:|\n| 值 \\| 竖线 | |\n| | $x$ 的值 |\n"


def test_09_a_table_keeps_its_columns() -> None:
    document = page(TABLE)
    assert texts(document) == ["列", "`a\\|b` 码", "值 \\| 竖线", "$x$ 的值"]
    assert hidden(document.segments[1]) == ["`a\\|b`"]
    built = translated(document, ("列", "a | b"), ("值 \\| 竖线", "one\ntwo \\| three\\\\|"))
    assert built.startswith("| a \\| b |") and "| one two \\| three\\\\\\| |" in built
    assert document.broken(built.encode()) == []
    assert [one.code for one in document.findings(0, "a | b")] == ["cells"]
    assert [one.code for one in document.findings(0, "a\n\nb")] == ["cells"]
    assert page(TABLE, Policy(tables=False)).segments == []


def test_10_addresses_are_equal_and_the_words_of_links_are_translated() -> None:
    text = (
        '[WildCard | 一分钟开卡](https://bewildcard.com/i/GPT310) 和 [说明](https://e.com/a_(b)?x=1 "标题") '
        "和 [https://x.com](https://x.com) 见 https://bare.link/中文。<https://auto.link> 写 a.b@c.org"
    )
    document = page(text)
    segment = document.segments[0]
    assert hidden(segment) == [
        "https://bewildcard.com/i/GPT310",
        "https://e.com/a_(b)?x=1",
        "https://x.com",
        "https://x.com",
        "https://bare.link/中文",
        "<https://auto.link>",
        "a.b@c.org",
    ]
    assert signs(segment)[:6] == ["[", "](", ")", "[", "](", ' "']
    good = text.replace("一分钟开卡", "card").replace("标题", "title").replace("说明", "notes")
    assert codes(document, 0, good) == []
    assert codes(document, 0, good.replace("GPT310", "GPT31")) == ["links", "links"]
    assert codes(document, 0, good.replace("[notes](", "notes (")) == ["links"]
    assert page("[https://x.com](https://x.com)").segments == []
    assert hidden(page('[甲](u "标题")', Policy(link_titles=False)).segments[0]) == ['u "标题"']
    assert page("![图](i.png)", Policy(alt_text=False)).segments == []


def test_11_references_footnotes_alerts_ids_comments_and_tasks_work_as_before() -> None:
    text = (
        "# 标题 {#my-id}\n\n见 [ref] 和 [甲][ref] 和 [Ref][] 脚注[^1]。\n<!-- more -->\n\n"
        '> [!NOTE]\n> 注意\n\n- [ ] 任务\n- [x] 完成\n\n[ref]: https://e.com/x "Ref"\n[^1]: 脚注。\n'
    )
    document = page(text)
    assert texts(document) == [
        "标题",
        "见 [ref][ref] 和 [甲][ref] 和 [Ref][Ref] 脚注[^1]。",
        "注意",
        "任务",
        "完成",
        "脚注。",
    ]
    assert hidden(document.segments[1]) == ["[ref]", "[ref]", "[Ref]", "[^1]"]
    target = "See [the reference][ref] and [A][ref] and [Ref][Ref], note[^1]."
    assert codes(document, 1, target) == []
    assert codes(document, 1, "See the reference and [A][ref] and [Ref][Ref], note[^1].") == ["links"]
    built = translated(
        document,
        ("标题", "Title"),
        (texts(document)[1], target),
        ("注意", "Careful"),
        ("任务", "Task"),
        language="en",
    )
    assert built == text.replace("标题", "Title").replace(
        "见 [ref] 和 [甲][ref] 和 [Ref][] 脚注[^1]。",
        "See [the reference][ref] and [A][ref] and [Ref], note[^1].",
    ).replace("注意", "Careful").replace("任务", "Task")
    assert document.broken(built.encode()) == []
