"""Splits HTML and XML into tokens, each with its place; nothing is decoded, and nothing is changed.

Every token is found in one pass, so the time is linear whatever the file holds. This module does not know
which tags are translated, and does not know segments.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.parsers import expat

from pipeline.core.errors import InputError

_BAD = "this is not well-formed XML"
_ANEW = "open it in the program that wrote it, and save it again"
_CODECS = re.compile(
    r"utf-?8|ascii|us-ascii|iso-?8859-\d{1,2}|latin-?1|windows-\d+|cp\d+|koi8-[rut]|gbk?(?:2312|18030)?|big5(?:-?hkscs)?"
    r"|shift[-_]jis|euc[-_](?:jp|kr|cn)|tis-620|macroman"
)
"""the encodings that are read: each is a table, and none of them keeps a state"""
_DECLARED = re.compile(
    rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.-]+)|<meta[^>]*?charset\s*=\s*["']?([\w.-]+)""", re.I
)
_TAG = re.compile(r"""<(/?)([A-Za-z_][^\s/>]*+)((?>[^>"'=]++|=\s*+(?>"[^"]*+"|'[^']*+')?+|["'])*+)>""")
"""a quote counts after `=` only; possessive throughout, so a tag that never ends is given up at once"""
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'>]++))?+""")
_COMMENT_END = re.compile(r"--!?>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{0,31});")
_BARE = re.compile(r"&(?!(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{0,31});)")
_PROLOGUE = 2048
"""the most characters before the root of an XML file in which a DOCTYPE with declarations is looked for"""
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""what no XML may hold, not even as a reference"""
_OF_XML = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"}
_RAW = {"script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"}
"""elements of HTML that hold text, and no tags, until their own end"""


class Token(NamedTuple):
    """A piece of markup, or the text between two of them."""

    kind: str
    """text, open, close, empty (`<br/>`), comment, cdata, other (a doctype), broken (it never ends)"""
    name: str
    """of a tag, as it is written; in HTML in lower case"""
    start: int
    end: int


class Attribute(NamedTuple):
    """An attribute of a tag; its value as it stands, without quotes."""

    name: str
    value: str
    start: int
    end: int
    quote: str
    """the quotes around the value; '' where there are none"""


def decoded(name: str, content: bytes) -> tuple[str, str]:
    """The text of a file and its encoding, which writes exactly these bytes again."""
    codec = "utf-8"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        codec = "utf-16-le" if content[0] == 0xFF else "utf-16-be"
    elif found := _DECLARED.search(content[:2048]):
        codec = (found[1] or found[2]).decode().lower()
        if not _CODECS.fullmatch(codec):
            raise InputError(f"the encoding '{codec}' cannot be read", where=name, hint="save it as UTF-8")
        codec = {"iso-8859-1": "cp1252", "latin1": "cp1252", "gb2312": "gbk"}.get(codec, codec)
    try:
        text = content.decode(codec)
        if text.encode(codec) == content:
            return text, codec
        line = 1
    except LookupError:
        raise InputError(
            f"the encoding '{codec}' is not known", where=name, hint="save it as UTF-8"
        ) from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    raise InputError(
        f"the file is not in the encoding {codec}", where=f"{name}, line {line}", hint="save it as UTF-8"
    )


def refuse_broken(name: str, text: str) -> None:
    """Raise an `InputError` for XML that is not well-formed, or that declares entities of its own."""
    parser = expat.ParserCreate("utf-8")

    def refuse(*_: object) -> None:
        line = parser.CurrentLineNumber
        hint = "write out what they stand for: entities can hide a file of any size"
        raise InputError("the XML declares entities", where=f"{name}, line {line}", hint=hint)

    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text.removeprefix("\ufeff").encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        raise InputError(_BAD, where=f"{name}, line {error.lineno}", hint=_ANEW) from None


def tokens(text: str, *, xml: bool = False) -> list[Token]:
    """All of a text, in order and without gaps."""
    found: list[Token] = []
    done = at = 0
    while (start := text.find("<", at)) >= 0:
        token = _token(text, start, xml)
        if token is None:
            at = start + 1
            continue
        if start > done:
            found.append(Token("text", "", done, start))
        found.append(token)
        done = at = token.end
        if token.kind == "open" and not xml and token.name in _RAW:
            at = _raw_end(text, at, token.name)
    if done < len(text):
        found.append(Token("text", "", done, len(text)))
    return found


def _token(text: str, start: int, xml: bool) -> Token | None:
    if found := _TAG.match(text, start):
        slash, name, rest = found.groups()
        empty = rest.endswith("/") and (xml or len(rest) == 1 or rest[-2] in " \t\r\n\"'")
        kind = "close" if slash else "empty" if empty else "open"
        return Token(kind, name if xml else name.lower(), start, found.end())
    following = text[start + 1 : start + 2]
    if following == "!":
        return _declaration(text, start, xml)
    if following == "?":
        return _until(text, start, "?>" if xml or text.startswith("<?php", start) else ">", "other")
    first = text[start + 2 : start + 3] if following == "/" else following
    begins = first == "_" or (first.isascii() and first.isalpha())
    return Token("broken", "", start, len(text)) if begins else None


def _declaration(text: str, start: int, xml: bool) -> Token:
    if text.startswith("<!--", start):
        end = _COMMENT_END.search(text, start + (4 if xml else 2))
        return Token("comment", "", start, end.end() if end else len(text))
    if text.startswith("<![CDATA[", start) and xml:
        return _until(text, start, "]]>", "cdata")
    subset = xml and start < _PROLOGUE and "[" in text[start : start + _PROLOGUE].partition(">")[0]
    return _until(text, start, "]>" if subset else ">", "other")


def _until(text: str, start: int, ending: str, kind: str) -> Token:
    end = text.find(ending, start + 2)
    return Token(kind, "", start, end + len(ending) if end >= 0 else len(text))


def _raw_end(text: str, at: int, name: str) -> int:
    end = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(text, at)
    return end.start() if end else len(text)


def pairs(tokens: Sequence[Token]) -> dict[int, int]:
    """The place of each opening tag -> the place of its closing tag, and the other way round."""
    opened: dict[str, list[int]] = {}
    found: dict[int, int] = {}
    for place, token in enumerate(tokens):
        if token.kind == "open":
            opened.setdefault(token.name, []).append(place)
        elif token.kind == "close" and opened.get(token.name):
            start = opened[token.name].pop()
            found[start], found[place] = place, start
    return found


def attributes(text: str, token: Token) -> Iterator[Attribute]:
    """The attributes of an opening tag."""
    start = token.start + 1 + len(token.name)
    for found in _ATTRIBUTE.finditer(text, start, token.end - 1):
        value = found[2] or ""
        quote = value[0] if value[:1] in ('"', "'") and value else ""
        inset = len(quote)
        first, last = found.span(2) if found[2] else (found.end(), found.end())
        yield Attribute(found[1], value[inset : len(value) - inset], first + inset, last - inset, quote)


def attribute(text: str, token: Token, name: str) -> str | None:
    """The value of one attribute, decoded; None where the tag has none of this name."""
    return next((html.unescape(one.value) for one in attributes(text, token) if one.name == name), None)


def escaped(text: str, *, xml: bool = False, known: str = "", quote: str = "") -> str:
    """A text for a person as text of HTML or XML; entities that it holds stay.

    XML has five named entities; another one stays only where `known`, the source, holds it too.
    """
    text = _BARE.sub("&amp;", _FORBIDDEN.sub("", text)).replace("<", "&lt;")
    if quote:
        text = text.replace(quote, "&quot;" if quote == '"' else "&#39;")
    return _ENTITY.sub(lambda found: _for_xml(found[0], known), text) if xml else text


def _for_xml(entity: str, known: str) -> str:
    if entity in _OF_XML or entity[1] == "#" or entity in known:
        return entity
    plain = html.unescape(entity)
    return plain if plain != entity else entity.replace("&", "&amp;")


def without_entities(text: str) -> str:
    """A text in which each entity is a blank: what is left are the words."""
    return _ENTITY.sub(" ", text)
