"""Markdown that was written to hang or to crash a parser: linear time, and every byte kept."""

from __future__ import annotations

import time

import pytest

from pipeline.core.document import Policy
from pipeline.documents import markdown

N = 20_000
PAGES = {
    "quotes in quotes": ">" * N + " 文",
    "lists in lists": "- " * 5_000 + "文",
    "deep quotes on many lines": "\n".join(">" * 100 + f" 文 {number}" for number in range(1_000)),
    "one long line": "一 word. " * (N * 5),
    "one long line of links": "[文](u) " * N,
    "one long row": "| 文 " * N + "|\n" + "|---" * N + "|\n",
    "zero bytes": "\0文\0" * N,
    "lone carriage returns": "文\r" * N,
    "brackets": "[" * N + "文",
    "closed brackets": "[文](" * N,
    "images": "![" * N + "文",
    "stars": "**文 " * N,
    "one star after another": "*" * N + "文" + "*" * N,
    "underscores": "_文" * N,
    "ticks": "".join("`" * count + "文" for count in range(1, 300)),
    "open fences": "```\n文\n" * 5_001,
    "tags": "<a " * N + "文",
    "quotes in tags": "<div a=\"'" * N + "文",
    "a block of open tags": "<div>\n" + "<b 'x\"" * N + "文",
    "comments": "<!-- 文 " * N,
    "front matter without an end": "---\n" + "title: 文\n" * N,
    "a long value": "---\ntitle: 文" + " " * (N * 10) + "#x\n---\n",
    "quotes in a value": '---\ntitle: "文' + '\\"' * N + "\n---\n",
    "aliases": "---\na: &a [文]\n"
    + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(500))
    + "title: |\n  文\n---\n",
    "flow in flow": "---\ntitle:\n  文\nx: " + "[" * 5_000 + "\n---\n",
    "dollars": "$文" * N,
    "references": "[文][a] " * N + "\n\n[a]: u\n",
    "definitions": "".join(f"[a{n}]: u{n}\n" for n in range(N)) + "\n文 [a1]\n",
    "addresses": "文 http://" * N,
    "mail": "文a" + "@a." * N,
    "colons": ":文:" * N + ":::" * N,
    "braces": "文 {%" * N + "{:" * N,
    "what a program left": '{"type": ' * N + "\n文\n" + '{"type": 1}\n' * N,
    "programs and words in turn": '文\n{"type": 1}\n\n' * N,
    "headings": "".join(f"{'#' * (n % 6 + 1)} 文\n" for n in range(N)),
    "same anchors": "# 文\n" * 2_000 + "[文](#文)\n",
    "comments in code": "```py\n" + "# 文\n" * N + "```\n",
    "strings in code": "```js\n" + "'\"`" * N + "// 文\n```\n",
}


@pytest.mark.parametrize("content", PAGES.values(), ids=PAGES.keys())
def test_a_hostile_page_is_kept_in_linear_time(content: str) -> None:
    raw = content.encode()
    begun = time.process_time()
    document = markdown.read("page.md", raw, Policy(code_comments=True))
    texts = [segment.text for segment in document.segments]
    assert document.build([None] * len(texts)) == raw
    assert document.build(texts) == raw
    for place in range(0, len(texts), max(1, len(texts) // 50)):
        target = document.mended(place, texts[place].replace("文", "w"))
        document.findings(place, target)
    document.broken(document.build([text.replace("文", "w") for text in texts], "en"))
    assert time.process_time() - begun < 6


SIGNS = "*_~`[]()<>#-|$&\\\n:!{}\"'"


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("source", ["文 **字** `x` [甲](u)", "# 文", "| 文 |\n|---|\n"])
def test_a_translation_of_one_sign_is_judged_in_linear_time(source: str, sign: str) -> None:
    document = markdown.read("page.md", source.encode(), Policy(source="zh"))
    begun = time.process_time()
    for target in (sign * N, f"文{sign}" * N, f"{sign}。" * N, f"{sign} " * N):
        document.findings(0, document.mended(0, target))
    assert time.process_time() - begun < 6
