"""Whether a translation leaves the structure of Markdown as it is: a piece where it stands, and a whole file.

This module does not know how a file is taken apart, and mends nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import zip_longest

from pipeline.core.document import Finding, Policy
from pipeline.documents._markdown_anchors import numbered
from pipeline.documents._markdown_events import Marks, signature
from pipeline.documents._markdown_inline import is_prose

_LEAD = re.compile(r"(?:>|(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?|>[ \t]+)$")
_LABEL = re.compile(r"\[([^\[\]]{1,999})\]")
_PLAIN = re.compile(r"[^\W\d_][^\[\]<>\\`*_~#&|${}\x00-\x1f\x7f\ud800-\udfff]*")
"""one line that begins with a letter, without a sign that may mean something: in every block it is words"""
_NAMES = {
    "link": "a link to {}",
    "image": "an image from {}",
    "code": "the code `{}`",
    "math": "the formula {}",
    "tag": "the tag {}",
    "footnote": "the footnote [^{}]",
    "break": "a hard line break",
    "words": "all of the text",
    "strong": "bold text (**…**)",
    "emphasis": "emphasis (*…*)",
    "strikethrough": "struck text (~~…~~)",
}
_CODES = {"link": "links", "image": "links", "code": "code"}
Definitions = Mapping[str, str]
"""the address of each reference of the file, by its label as it is compared"""


def label_of(label: str) -> str:
    """A label as labels are compared."""
    return " ".join(label.split()).casefold()


def context(kind: str, prefix: str, text: str, definitions: Definitions, labels: Iterable[str]) -> str:
    """A text in a small file of its own, in a block like the one that it stands in.

    `prefix` is what stands before it on its line; `labels` are those whose references must resolve.
    """
    if kind == "cell":
        block = f"| {text} |\n|---|\n"
    elif kind == "text":
        block = f"<div>\n{text}\n</div>\n"
    elif kind == "heading":
        block = f"# {text}\n" if "#" in prefix else f"{text}\n===\n"
    else:
        found = _LEAD.search(prefix) if kind == "item" or prefix.rstrip().endswith(">") else None
        lead = found[0] if found else ""
        more = "> " if lead.startswith(">") else " " * len(lead)
        block = lead + text.replace("\n", "\n" + more) + "\n"
    known = dict.fromkeys(label_of(label) for label in labels)
    links = [f"[{label}]: <{definitions[label]}>\n" for label in known if label in definitions]
    notes = [f"[{label}]: x\n" for label in known if label.startswith("^")]
    return "\n".join([block, *links, *notes])


def is_plain(text: str) -> bool:
    """Whether a text is words alone, whatever block it stands in: then no parser has to look at it."""
    return _PLAIN.fullmatch(text) is not None


def compared(
    kind: str, prefix: str, source: str, target: str, definitions: Definitions, policy: Policy
) -> list[Finding]:
    """What a translation does to the structure of its block."""
    if is_plain(source) and is_plain(target):
        return []
    labels = _LABEL.findall(source)
    blocks, marks = signature(context(kind, prefix, source, definitions, labels))
    new_blocks, new_marks = signature(context(kind, prefix, target, definitions, labels))
    if kind == "cell" and new_blocks != blocks:
        message = "The text breaks its table cell: write each | inside it as \\|, and no line break."
        return [Finding("cells", message)]
    if new_blocks != blocks:
        return [Finding("structure", _moved(blocks, new_blocks))]
    return list(marks_compared(marks, new_marks, policy))


def _moved(blocks: list[tuple[str, ...]], others: list[tuple[str, ...]]) -> str:
    was, now = Counter(block[0] for block in blocks), Counter(block[0] for block in others)
    new, lost = [*(now - was)], [*(was - now)]
    what = f"a new {new[0]}" if new else f"no {lost[0]} any more" if lost else "other blocks"
    return (
        f"The translation changes the structure of the page ({what}): keep it one block, without an empty "
        "line, and begin no line with a sign such as #, -, >, | or 1. that the source does not begin with."
    )


def marks_compared(marks: Marks, others: Marks, policy: Policy) -> Iterable[Finding]:
    """What is missing and what is new among links, code, emphasis and so on."""
    exact = {mark for mark in marks if mark[0] == "code" and not is_prose(mark[1], policy)}
    was, now = _opened(marks, exact), _opened(others, exact)
    kept, left = "is missing: keep it as it is in the source", "is new: leave it out"
    for marks_, says in ((was - now, kept), (now - was, left)):
        for mark, count in sorted(marks_.items()):
            name = _NAMES[mark[0]].format(*(part or "…" for part in mark[1:]))
            times = f" ({count} times)" if count > 1 else ""
            code = _CODES.get(mark[0], "structure")
            yield Finding(code, f"In the translation, {name}{times} {says}.", hard=mark[0] != "break")


def _opened(marks: Marks, exact: set[tuple[str, ...]]) -> Marks:
    """Marks in which the words of translated code count as equal."""
    found: Marks = Counter()
    for mark, count in marks.items():
        found[mark if mark[0] != "code" or mark in exact else ("code", "")] += count
    return found


def pages_compared(source: str, target: str, policy: Policy) -> list[Finding]:
    """What of a whole page is not as it was: its blocks in order, and the links, code and tags in it."""
    blocks, marks = signature(source)
    new_blocks, new_marks = signature(target)
    if policy.anchors == "explicit_id":
        blocks, new_blocks = _without_ids(blocks), _without_ids(new_blocks)
    if policy.anchors != "keep" and marks != new_marks:
        marks, new_marks = numbered(marks, source), numbered(new_marks, target)
    found = []
    if blocks != new_blocks:
        pairs = enumerate(zip_longest(blocks, new_blocks, fillvalue=("nothing",)), 1)
        number, (was, now) = next(pair for pair in pairs if pair[1][0] != pair[1][1])
        message = f"Block {number} of the page was {' '.join(was)}, and is {' '.join(now)}."
        found.append(Finding("structure", message))
    return found + [finding for finding in marks_compared(marks, new_marks, policy) if finding.hard]


def same_ends(source: bytes, target: bytes) -> bool:
    """Whether a file has the byte order mark, the line endings and the last line break of another."""
    (mark, windows, unix, end), (new_mark, new_windows, new_unix, new_end) = _ends(source), _ends(target)
    mixed = (new_windows and not windows) or (new_unix and windows and not unix)
    return (mark, end) == (new_mark, new_end) and not mixed


def _ends(content: bytes) -> tuple[bool, bool, bool, bytes]:
    windows = content.count(b"\r\n")
    unix = content.count(b"\n") > windows
    return content.startswith(b"\xef\xbb\xbf"), windows > 0, unix, content[len(content.rstrip(b"\r\n")) :]


def _without_ids(blocks: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [block[:2] if block[0] == "Heading" else block for block in blocks]
