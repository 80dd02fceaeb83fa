"""What of a Markdown document is still there in another one, kind by kind: a count of equal pieces.

It looks at the text with plain patterns, and uses no parser of Markdown: neither ours nor one of the rivals'.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

FENCED = re.compile(r"^[ ]*(`{3,}|~{3,})[^\n]*\n(.*?)^[ ]*\1[`~]*[ ]*$", re.DOTALL | re.MULTILINE)
LINK = re.compile(
    r"\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)|<((?:https?:|[\w.]+@)[^<>\s]+)>|^\[[^\]]+\]:\s*(\S+)", re.M
)
HEADING = re.compile(r"^(#{1,6} .+|[^\n|>]+\n(?:=+|-+)(?=\n|$))", re.MULTILINE)
MATH = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)
MARKER = re.compile(r"@@\w+|⟦\d+⟧|\w*PROTECT_\d+\w*")
FRONT = re.compile(r"\A---\n(.*?)^---$", re.DOTALL | re.MULTILINE)


def _prose(text: str) -> str:
    return FENCED.sub("", FRONT.sub("", text))


def _rows(text: str) -> Iterable[tuple[str, ...]]:
    for line in _prose(text).splitlines():
        if line.startswith("|") and not re.fullmatch(r"[|:\- ]+", line):
            yield tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|")))


def _front(text: str) -> list[str]:
    found = FRONT.match(text)
    return found[1].splitlines() if found else []


MEASURES: dict[str, Callable[[str], Iterable[object]]] = {
    "lines of front matter": _front,
    "headings": lambda text: [found.strip() for found in HEADING.findall(_prose(text))],
    "link addresses": lambda text: ["".join(found) for found in LINK.findall(_prose(text))],
    "code blocks": lambda text: [found[1] for found in FENCED.findall(text)],
    "code in lines": lambda text: re.findall(r"(?<!`)`[^`\n]+`(?!`)", _prose(text)),
    "rows of tables": _rows,
    "formulas": lambda text: MATH.findall(_prose(text)),
    "tags and comments of HTML": lambda text: re.findall(r"<!--.*?-->|</?[a-z][^<>\n:@]*>", _prose(text)),
    "blank lines": lambda text: [line for line in text.split("\n") if not line.strip()],
}
"""a kind of thing, and all of it in a text with line feeds"""


def kept(measure: str, source: bytes, written: bytes) -> tuple[int, int]:
    """How many things of a kind are still there, and how many there were."""
    was, has = (Counter(MEASURES[measure](_text(content))) for content in (source, written))
    return (was & has).total(), was.total()


def leaked(source: bytes, written: bytes) -> int:
    """How many stand-ins for hidden pieces a tool left in the text."""
    was, has = (Counter(MARKER.findall(_text(content))) for content in (source, written))
    return (has - was).total()


def _text(content: bytes) -> str:
    return content.decode(errors="replace").removeprefix("\ufeff").replace("\r\n", "\n")
