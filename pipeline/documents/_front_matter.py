"""The front matter of a page: the values of chosen keys become pieces, and every other byte stays.

Values on one line are found without a YAML parser, so that front matter which is no YAML is served too; only
a value over several lines needs one. This module does not know what follows the front matter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import yaml

from pipeline.core.document import Policy, Segment
from pipeline.documents._markdown_inline import has_words
from pipeline.documents._spliced import Piece

MARK = b"\xef\xbb\xbf"
"""of the byte order"""
_BLOCK = re.compile(
    rb"(?:---[ \t]*\r?\n(?P<yaml>(?:.*\n)*?)(?:---|\.\.\.)|\+\+\+[ \t]*\r?\n(?P<toml>(?:.*\n)*?)\+\+\+)"
    rb"[ \t]*(?:\r?\n|\Z)"
)
_KEY = re.compile(rb"""^(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*[:=]""", re.MULTILINE)
_YAML_LINE = re.compile(
    rb"""^(?P<quote>["']?)(?P<key>[\w-]+)(?P=quote)[ \t]*:(?:[ \t]+|(?=["']))"""
    rb"""(?P<value>[^\s\[{&*!|>%@`#][^\r\n]*)""",
    re.MULTILINE,
)
_QUOTED = re.compile(rb"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')[ \t]*(?:#.*)?""")
_COMMENT = re.compile(rb"[ \t]#")
_TOML_LINE = re.compile(
    rb"""^[ \t]*(?P<key>[\w-]+)[ \t]*=[ \t]*"""
    rb"""(?P<value>"(?!"")(?:[^"\\\n]|\\.)*"|'(?!'')[^'\n]*')[ \t]*(?:#[^\r\n]*)?\r?$""",
    re.MULTILINE,
)
_INDENTED = re.compile(rb"[^\n]*\n[ \t]+\S")
_TABLE = re.compile(rb"^[ \t]*\[", re.MULTILINE)


def front_matter(content: bytes) -> tuple[int, int, int]:
    """Where the front matter ends, and where what is in it begins and ends.

    Without front matter these are three times the place after the byte order mark.
    """
    base = len(MARK) if content.startswith(MARK) else 0
    found = _BLOCK.match(content, base)
    if not found:
        return base, base, base
    start, end = found.span("yaml" if found["yaml"] is not None else "toml")
    if start < end and not _KEY.search(content, start, end):
        return base, base, base
    return found.end(), start, end


def keys(content: bytes) -> list[bytes]:
    """The keys of the front matter, as they are written, in order."""
    _, start, end = front_matter(content)
    return [found[0].rstrip(b" \t:=") for found in _KEY.finditer(content, start, end)]


def pieces(content: bytes, policy: Policy) -> Iterator[Piece]:
    """The values of the policy's keys."""
    _, start, stop = front_matter(content)
    if start == stop or not policy.front_matter:
        return
    toml = content[:start].rstrip().endswith(b"+++")
    if toml and (table := _TABLE.search(content, start, stop)):
        stop = table.start()
    simple = set()
    for found in (_TOML_LINE if toml else _YAML_LINE).finditer(content, start, stop):
        key, raw = found["key"].decode(), found["value"] if toml else _value(found["value"])
        if key not in policy.front_matter or not raw:
            continue
        if not toml and _INDENTED.match(content, found.end(), stop):  # it is longer than its line
            continue
        simple.add(key)
        value, first = raw.decode(), found.start("value")
        style = value[0] if value[0] in "\"'" else ""
        span = (first, first + len(raw))
        yield from _piece(key, _unquoted(value, toml), span, content, partial(_quoted, style, toml))
    if not toml and (left := [key for key in policy.front_matter if key not in simple]):
        yield from _composed(content, start, stop, left)


def _value(line: bytes) -> bytes:
    """The value on a line of YAML; nothing where its quotes do not end."""
    if line[:1] in (b'"', b"'"):
        quoted = _QUOTED.fullmatch(line.rstrip())
        return quoted[1] if quoted else b""
    return _COMMENT.split(line, 1)[0].rstrip()


def _piece(key: str, value: str, span: tuple[int, int], content: bytes, quoted: Any) -> Iterator[Piece]:
    if has_words(value) and "://" not in value:
        segment = Segment(value, "title" if key == "title" else "front matter", key)
        yield Piece(*span, segment, partial(_written, value, content[span[0] : span[1]], quoted))


def _written(value: str, raw: bytes, quoted: Any, text: str) -> bytes:
    return raw if text == value else quoted(text).encode(errors="replace")


def _unquoted(value: str, toml: bool) -> str:
    if value[0] == "'":
        return value[1:-1] if toml else value[1:-1].replace("''", "'")
    if value[0] == '"':
        try:
            return str(json.loads(value, strict=False))
        except ValueError:
            return value[1:-1]
    return value


def _quoted(style: str, toml: bool, text: str) -> str:
    """A value in the quotes that its source has, where they can hold it."""
    if style == "'" and not (toml and "'" in text) and "\n" not in text:
        return f"'{text}'" if toml else "'" + text.replace("'", "''") + "'"
    if style == "" and _is_plain(text):
        return text
    return json.dumps(text, ensure_ascii=False)


def _is_plain(text: str) -> bool:
    """Whether YAML reads the text as it is, without quotes."""
    if "\n" in text or text != text.strip() or not text:
        return False
    try:
        return bool(yaml.load(f"k: {text}", Loader=yaml.CSafeLoader) == {"k": text})
    except (yaml.YAMLError, ValueError):
        return False


def _composed(content: bytes, start: int, stop: int, wanted: list[str]) -> Iterator[Piece]:
    """Values over several lines, where the front matter is YAML."""
    block = content[start:stop].decode()
    if not any(re.search(rf"^[\"']?{re.escape(key)}[\"']?[ \t]*:", block, re.MULTILINE) for key in wanted):
        return
    try:
        root = yaml.compose(block, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        return
    for key, value in root.value:
        if not (isinstance(value, yaml.ScalarNode) and value.tag.endswith(":str") and key.value in wanted):
            continue
        first, last = value.start_mark.index, value.end_mark.index
        raw = block[first:last]
        span = tuple(start + len(block[:at].encode()) for at in (first, first + len(raw.rstrip())))
        words, layout = value.value.rstrip("\n"), _layout(value.style, raw)
        yield from _piece(key.value, words, (span[0], span[1]), content, layout)


def _layout(style: str | None, raw: str) -> Any:
    if style not in ("|", ">"):
        return partial(_quoted, style or "", False)
    head, _, body = raw.partition("\n")
    indent = body[: len(body) - len(body.lstrip(" "))] or "  "
    return partial(_block, head, indent, "\n" if style == "|" else "\n\n")


def _block(head: str, indent: str, between: str, text: str) -> str:
    lines = re.sub("\n+", between, text).split("\n")
    return "\n".join([head, *(indent + line if line else "" for line in lines)])
