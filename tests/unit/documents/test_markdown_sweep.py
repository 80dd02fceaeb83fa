"""Pages put together at random, and all pages at hand: as they are, and with only their letters changed."""

from __future__ import annotations

import random
import re
import site
from pathlib import Path

import pytest

from pipeline.core.document import Policy, Segment
from pipeline.documents import markdown
from pipeline.documents.markdown import MarkdownDocument
from tests.support import ROOT

INLINE = [
    "词语",
    "word",
    "two words",
    "**bold**",
    "*em*",
    "_em_",
    "~~gone~~",
    "`code`",
    "`a|b`",
    "`① 正文；`",
    "[link](https://e.com/a_(b))",
    '[link](<a b> "title")',
    "[ref]",
    "[text][ref]",
    "[Ref][]",
    "![alt](i.png)",
    "![ref]",
    "[![alt](i.png)](https://e.com)",
    "<https://auto.link>",
    "https://bare.link/x_y?z=1.",
    "a@b.org",
    "$x_1$",
    "<b>html</b>",
    '<a href="x">html</a>',
    "<br>",
    "<!-- note -->",
    "[^1]",
    "&amp; &copy;",
    r"\* \_ \[",
    "***both***",
    "{name} %s",
    ":smile:",
    "{% raw %}",
    "“引号”",
    "a_b_c",
    "2 * 3 * 4",
    "<",
    "[open",
    "`tick",
    "**",
]
BREAKS = [" ", " ", " ", "\n", "  \n", "\\\n", "，"]
DEFINITIONS = '\n\n[ref]: https://e.com/ref "Title"\n[^1]: Note 脚注\n'
LETTERS = str.maketrans("aeionsuAEIONSU文字词语正", "áéíóñšúÁÉÍÓÑŠÚ書寫詩詞政")
KEPT = re.compile(r"&#?\w+;|\\.|\{[^{}]*\}")


def run(rng: random.Random, most: int = 8) -> str:
    parts = [rng.choice(INLINE)]
    for _ in range(rng.randrange(most)):
        parts += [rng.choice(BREAKS), rng.choice(INLINE)]
    return "".join(parts)


def block(rng: random.Random, depth: int = 0) -> str:
    kind = rng.randrange(9 if depth < 3 else 4)
    line = run(rng).replace("\\\n", " ").replace("\n", " ")
    if kind == 0:
        return "#" * rng.randrange(1, 7) + " " + line
    if kind == 1:
        return run(rng) + "\n" + rng.choice(["===", "---"])
    if kind in (2, 3):
        return run(rng)
    if kind == 4:
        cells = [[run(rng, 3).replace("\n", " ").replace("|", "\\|") for _ in range(2)] for _ in range(3)]
        rows = ["| " + " | ".join(row) + " |" for row in cells]
        return "\n".join([rows[0], "|---|:-:|", *rows[1:]])
    if kind == 5:
        return rng.choice(
            ["```py\n# 注 note\nx = 1\n```", "    indented", "---", "<div>\n块 block\n</div>", "$$\na_b\n$$"]
        )
    inner = "\n\n".join(block(rng, depth + 1) for _ in range(rng.randrange(1, 3))).split("\n")
    if kind == 6:
        return "\n".join("> " + text for text in inner)
    lead = rng.choice(["- ", "1. ", "* [ ] "])
    indent = " " * (2 if lead.startswith("*") else len(lead))
    return "\n".join((lead if not at else indent if text else "") + text for at, text in enumerate(inner))


def other(segment: Segment) -> str:
    """The text with other letters in its words, and with the same signs."""

    def words(text: str) -> str:
        kept = KEPT.findall(text)
        pieces = (piece.translate(LETTERS) for piece in KEPT.split(text))
        return "".join(part for pair in zip(pieces, [*kept, ""], strict=True) for part in pair)

    parts, at = [], 0
    for start, end in sorted([*segment.opaque, *segment.markup]):
        parts += [words(segment.text[at:start]), segment.text[start:end]]
        at = end
    return "".join([*parts, words(segment.text[at:])])


def holds(content: bytes, policy: Policy) -> MarkdownDocument:
    document = markdown.read("page.md", content, policy)
    assert isinstance(document, MarkdownDocument)
    assert document.build([None] * len(document.segments)) == content
    assert document.build([segment.text for segment in document.segments]) == content
    translated = sum(piece.end - piece.start for piece in document.pieces)
    assert translated + sum(document.skipped.values()) == len(content)
    for place, segment in enumerate(document.segments):
        assert document.findings(place, segment.text) == [], segment.text
    return document


@pytest.mark.parametrize("seed", range(300))
def test_a_random_page_stays_as_it_is_when_only_its_letters_change(seed: int) -> None:
    rng = random.Random(seed)
    text = "\n\n".join(block(rng) for _ in range(rng.randrange(1, 8))) + DEFINITIONS
    eol = rng.choice(["\n", "\n", "\r\n"])
    document = holds(text.replace("\n", eol).encode(), Policy(code_comments=rng.random() < 0.5))
    targets = []
    for place, segment in enumerate(document.segments):
        target = document.mended(place, other(segment))
        assert document.findings(place, target) == [], (segment.text, target)
        targets.append(target)
    built = document.build(targets, "xx")
    assert document.broken(built) == []
    again = markdown.read("page.md", built, document.policy)
    assert [segment.kind for segment in again.segments] == [segment.kind for segment in document.segments]


PAGES = sorted(
    {
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT.parent / "shared" / "data" / "zh-docs").glob("*.md"),
        *(page for folder in site.getsitepackages() for page in Path(folder).rglob("*.md")),
    }
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_at_hand_stays_as_it_is(page: Path) -> None:
    document = holds(page.read_bytes(), Policy(source="zh"))
    built = document.build([other(segment) for segment in document.segments], "xx")
    assert document.broken(built) == []
