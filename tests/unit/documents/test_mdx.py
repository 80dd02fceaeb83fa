"""MDX: imports, tags and expressions stay as they are, and the words between them are translated."""

from __future__ import annotations

import random

import pytest

from pipeline.core.document import Document, Policy
from pipeline.core.errors import InputError
from pipeline.documents import mdx
from tests.support import ROOT

PAGE = (ROOT / "tests/support/documents/mdx/page.mdx").read_text(encoding="utf-8")


def page(text: str) -> Document:
    return mdx.read("page.mdx", text.encode(), Policy(source="zh"))


def texts(document: Document) -> list[str]:
    return [segment.text for segment in document.segments]


def hidden(document: Document, place: int) -> list[str]:
    segment = document.segments[place]
    return [segment.text[start:end] for start, end in segment.opaque]


def test_the_words_of_a_page_are_found_between_its_constructs() -> None:
    document = page(PAGE)
    assert texts(document) == [
        "指南",
        "标题 {year.now}",
        '欢迎 <b>来到</b> {props.name}，见 <Link to="/x" title={`a ${1}`}>这里</Link> '
        "和 `{code}` 与 \\{花括号}。",
        "第一项 **重要**",
        "列表",
        "嵌套",
        "列",
        "值",
        "{year.next} 年",
        "步骤",
        "提示的文本",
        "继续",
        "看[开始](#start)。",
    ]
    assert hidden(document, 2) == ["{props.name}", '<Link to="/x" title={`a ${1}`}>', "`{code}`"]
    assert [segment.kind for segment in document.segments][3:6] == ["paragraph", "item", "item"]


def test_a_translated_page_has_the_same_constructs() -> None:
    document = page(PAGE)
    targets = [text.replace("第一项", "First: item").replace("继续", "Go\non") for text in texts(document)]
    built = document.build(targets, "en")
    assert built.decode() == PAGE.replace("第一项", "First: item").replace("继续", "Go\n   on")
    assert document.broken(built) == []
    for lost in ("{/* 不译 */}", "</Note>", "{year.next}", "import Tabs from '@theme/Tabs';\n"):
        assert "expressions" in [one.code for one in document.broken(built.replace(lost.encode(), b"", 1))]


@pytest.mark.parametrize(
    ("source", "target", "code"),
    [
        ("用 {name} 和 <B a={x}>字</B>", "With <B a={x}>letters</B> and {name}", ""),
        ("用 {name} 字", "With letters", "expressions"),
        ("用 {name} 字", "With {name} {name} letters", "expressions"),
        ("用 {name} 字", "With {nom} letters", "expressions"),
        ("用 <b>字</b>", "With letters", "expressions"),
        ("用 <b>字</b>", "With <i>letters</i>", "expressions"),
        ("用 <b>字</b>", "With <b>letters", "expressions"),
        ("用字", "With {letters", "expressions"),
        ("用字", "import letters", "structure"),
        ("# 用字", "import letters", ""),
        ("用字 **粗**", "With letters", "structure"),
    ],
)
def test_a_translation_keeps_each_construct_once(source: str, target: str, code: str) -> None:
    found = page(source).findings(0, target)
    assert [one.code for one in found[:1]] == ([code] if code else [])
    assert all(one.hard for one in found)


@pytest.mark.parametrize(
    ("source", "target", "mended"),
    [
        ("用 {name} 字", "With {name} {x}", "With {name} \\{x}"),
        ("用字", "A { b", "A \\{ b"),
        ("用字", "A <b c", "A \\<b c"),
        ("用字", "a < b <3", "a \\< b \\<3"),
        ("a < 用字", "a < b", "a < b"),
        ("用 `{x}` 字", "With `{x}` and `{y}`", "With `{x}` and `{y}`"),
    ],
)
def test_braces_of_a_translation_are_escaped(source: str, target: str, mended: str) -> None:
    document = page(source)
    assert document.mended(0, target) == mended
    assert "expressions" not in [one.code for one in document.findings(0, mended)]


@pytest.mark.parametrize(
    "text", ["文\n\n用 {name\n", "文\n\n用 <Tag a='x\n", "文\n\n{`${`}`\n", "文\n\n<A b={'}'>\n"]
)
def test_what_never_ends_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(InputError) as refused:
        page(text)
    assert refused.value.where == "page.mdx, line 3"


@pytest.mark.parametrize(
    "sign", ["{", "<A ", "<", "`", "{`${", "{'", "<A b='", "{/*", "```\n", "{}", "<A/>", "</"]
)
def test_a_page_of_one_sign_is_read_or_refused_in_linear_time(sign: str) -> None:
    for text in (sign * 20_000, f"文{sign}\n" * 5_000, f"{sign} 文\n\n" * 5_000):
        try:
            document = page(text)
        except InputError:
            continue
        assert document.build(texts(document)).decode() == text


INLINE = ["词", "two words", "**粗**", "{a.b}", "{`}${1}`}", "<b>", "</b>"]
INLINE += ['<A b="}" c={{d: 1}}/>', "`{x}`", "\\{", "[甲](u)"]
FLOW = [
    "<Tabs>",
    "</Tabs>",
    "<Item\n  label='x'>",
    "</Item>",
    "{/* 注 */}",
    "```js\n{ 不\n```",
    "- 项\n  - 目",
    "| 列 | {x} |\n|---|---|\n| 甲 | 乙 |",
    "# 题 {#id}",
    "> 引 {x}\n> 用",
]


@pytest.mark.parametrize("seed", range(200))
def test_a_random_page_stays_as_it_is_when_only_its_letters_change(seed: int) -> None:
    rng = random.Random(seed)
    lines = []
    for _ in range(rng.randrange(1, 15)):
        block = (
            rng.choice(FLOW) if rng.random() < 0.6 else " ".join(rng.choices(INLINE, k=rng.randrange(1, 6)))
        )
        indent = " " * rng.choice([0, 0, 2, 4])
        lines.append("\n".join(indent + line if line else "" for line in block.split("\n")))
    text = rng.choice(["", "import x from 'y'\nexport const a = {\n\n}\n\n"]) + rng.choice(
        ["\n", "\n\n"]
    ).join(lines)
    document = page(text)
    assert document.build(texts(document)).decode() == text
    letters = str.maketrans("词粗项目列甲乙题引用two", "詞細項目欄申巳題弓佣tvo")
    targets = []
    for place, segment in enumerate(document.segments):
        assert document.findings(place, segment.text) == []
        parts, at = [], 0
        for start, end in sorted([*segment.opaque, *segment.markup]):
            parts += [segment.text[at:start].translate(letters), segment.text[start:end]]
            at = end
        targets.append(document.mended(place, "".join([*parts, segment.text[at:].translate(letters)])))
        assert document.findings(place, targets[-1]) == []
    assert document.broken(document.build(targets, "xx")) == []
