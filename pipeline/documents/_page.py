"""Finds the segments of a page of HTML or XHTML: its blocks, and those attributes that people read or hear.

This module does not know how a page is written again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from pipeline.core.document import Policy, Segment
from pipeline.documents._inline import VOID, Part, Style, has_words, joined, place, trimmed, valued
from pipeline.documents._markup import Attribute, Token, attributes, pairs, tokens
from pipeline.documents._nested import Naming, Place

INLINE = frozenset((
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn",
    "em", "font", "i", "img", "input", "ins", "kbd", "mark", "nobr", "q", "rb", "rp", "rt", "ruby",
    "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
))  # fmt: skip
_CODE = frozenset(("code", "kbd", "samp", "var", "tt"))
_SKIPPED = {
    **dict.fromkeys(("script", "style"), "script and style"),
    **dict.fromkeys(("pre", "xmp", "listing"), "code"),
    **dict.fromkeys(("svg", "math"), "drawings and math"),
    **dict.fromkeys(("textarea", "iframe", "noembed", "noframes"), "form fields and frames"),
}
"""elements that are left out with all that is in them, and the reason"""
_INSIDE_LINE = frozenset(("script", "style", "svg", "math"))
"""of these, the ones that do not end a paragraph"""
_ENDS_ITSELF = frozenset(("p", "li", "dt", "dd", "td", "th", "tr", "option"))
"""elements whose closing tag is often left out: the next block ends them"""
_KINDS = {
    **{f"h{level}": "heading" for level in range(1, 7)},
    **dict.fromkeys(("li", "dt", "dd"), "item"),
    **dict.fromkeys(("td", "th", "caption"), "cell"),
    **dict.fromkeys(("option", "button", "label", "legend", "summary"), "label"),
    "title": "title",
    "figcaption": "caption",
}
_READ = {
    "alt": "alt",
    "title": "title",
    "placeholder": "label",
    "aria-label": "label",
    "aria-description": "label",
}
"""attributes that are translated, and the kind of their segment"""
_DESCRIBES = re.compile(r"(?:og:|twitter:)?(?:title|description)|(?:og|twitter):image:alt", re.IGNORECASE)
"""the names of `<meta>` whose content is translated"""
_WANTED = re.compile("alt|title|placeholder|aria-label|description|content|value", re.IGNORECASE)
_BUTTONS = ("submit", "button", "reset")
_FOREIGN = re.compile(r"[^\x00-\u024f\u2000-\u206f]")
"""a letter of another script than the Latin one: code has none, but prose in code style may have"""


class Page:
    """One page on its way through: what was found so far, and the run of parts that is not yet over."""

    def __init__(self, text: str, policy: Policy, *, xml: bool) -> None:
        self.text, self.policy = text, policy
        self.tokens = tokens(text, xml=xml)
        if xml:
            self.tokens = [token._replace(name=token.name.lower()) for token in self.tokens]
        self.partner = pairs(self.tokens)
        self.style = Style(xml=xml, lines="\r\n" if "\r\n" in text else "\n")
        self.places: list[Place] = []
        self.skips: list[tuple[int, int, str]] = []
        self.namings: list[Naming] = []
        self.title = ""
        self.headings: dict[int, str] = {}
        self.run: list[Part] = []
        self.blocks: list[str] = []
        self.open: Counter[str] = Counter()
        self.bones: list[Token | list[Part]] = []
        """the tags that are no part of a run, and between them the tags of each run"""
        self._read()

    def _read(self) -> None:
        at = 0
        while at < len(self.tokens):
            token = self.tokens[at]
            reason = self._skipped(at, token) if token.kind in ("open", "empty") else ""
            if reason:
                end = self._end(at, token)
                self._skip(token, self.tokens[end].end, reason)
                at = end + 1
                continue
            self._take(token)
            at += 1
        self._flush()

    def _end(self, at: int, token: Token) -> int:
        """The place of the last token of the element that begins at a place."""
        if at in self.partner or token.kind == "empty" or token.name in VOID:
            return self.partner.get(at, at)
        if token.name not in _ENDS_ITSELF:
            return len(self.tokens) - 1
        while at + 1 < len(self.tokens) and not (
            self.tokens[at + 1].name and self.tokens[at + 1].name not in INLINE
        ):
            at += 1
        return at

    def _skipped(self, at: int, token: Token) -> str:
        name = token.name
        if reason := _SKIPPED.get(name, ""):
            return reason
        if name == "table" and not self.policy.tables:
            return "tables"
        raw = self.text[token.start : token.end]
        if "translate" in raw and _not_translated(list(attributes(self.text, token))):
            return "not to be translated"
        if name in _CODE and at in self.partner and not self._is_prose(token):
            return "code"
        return ""

    def _is_prose(self, token: Token) -> bool:
        if self.policy.inline_code != "prose":
            return self.policy.inline_code == "always"
        end = self.text.find("<", token.end)
        return bool(_FOREIGN.search(self.text, token.end, end if end >= 0 else len(self.text)))

    def _skip(self, token: Token, end: int, reason: str) -> None:
        if token.name in INLINE or token.name in _INSIDE_LINE:
            kind = "alone" if token.name in ("script", "style", "svg") else "word"
            self.run.append(Part(kind, token.name, token.start, end, opaque=True))
        else:
            self._flush()
            self.skips.append((token.start, end, reason))
            self.bones.append([Part("alone", "", token.start, end)])

    def _take(self, token: Token) -> None:
        if token.kind == "text":
            self.run.append(Part("text", "", token.start, token.end))
        elif token.kind in ("comment", "other", "cdata", "broken"):
            self.run.append(Part("alone", "", token.start, token.end, opaque=True))
        elif token.name in INLINE:
            self._take_inline(token)
        else:
            self._flush()
            self._take_block(token)

    def _take_inline(self, token: Token) -> None:
        kind = "alone" if token.kind == "empty" or token.name in VOID else token.kind
        raw = self.text[token.start : token.end]
        self.run.append(
            Part(kind, token.name, token.start, token.end, opaque=any(sign in raw for sign in " \t\r\n"))
        )
        if token.kind != "close":
            self._take_attributes(token)

    def _take_block(self, token: Token) -> None:
        if token.kind == "close":
            if self.open[token.name]:
                while (closed := self.blocks.pop()) != token.name:
                    self.open[closed] -= 1
                self.open[token.name] -= 1
        else:
            self._take_attributes(token)
            if token.kind == "open" and token.name not in VOID:
                self.blocks.append(token.name)
                self.open[token.name] += 1
        self.bones.append(token)

    def _take_attributes(self, token: Token) -> None:
        if token.name != "html" and not _WANTED.search(self.text, token.start, token.end):
            return
        found = list(attributes(self.text, token))
        if token.name == "html":
            self._name_language(token, found)
        for one in found:
            kind = self._kind_of(token.name, one, found)
            if kind and has_words(one.value):
                segment = Segment(" ".join(one.value.split()), kind=kind, path=self._path())
                self.places.append(valued(one, segment, xml=self.style.xml))

    def _kind_of(self, tag: str, one: Attribute, others: list[Attribute]) -> str:
        name = one.name.lower()
        values = {other.name.lower(): other.value for other in others}
        if tag == "meta":
            named = values.get("name") or values.get("property") or ""
            return "title" if name == "content" and _DESCRIBES.fullmatch(named) else ""
        if tag == "input" and name == "value":
            return "label" if values.get("type", "").lower() in _BUTTONS else ""
        if name == "title" and tag == "a" and not self.policy.link_titles:
            return ""
        return _READ.get(name, "") if self.policy.alt_text else ""

    def _name_language(self, token: Token, found: list[Attribute]) -> None:
        named = [one for one in found if one.name.lower() in ("lang", "xml:lang")]
        self.namings += [Naming(one.start, one.end) for one in named if not set("{<") & set(one.value)]
        if not named:
            at = token.start + 1 + len(token.name)
            name = "xml:lang" if self.style.xml else "lang"
            self.namings.append(Naming(at, at, f' {name}="', '"'))

    def _bare(self, token: Token) -> str:
        """A tag without what a translation may change in it."""
        raw = self.text[token.start : token.end]
        if token.kind == "close" or ("=" not in raw and token.name != "html"):
            return raw
        found = list(attributes(self.text, token))
        if token.name == "html":
            return " ".join(one.name for one in found if one.name.lower() not in ("lang", "xml:lang")).join(
                "<>"
            )
        at, pieces = token.start, []
        for one in found:
            if self._kind_of(token.name, one, found):
                pieces.append(self.text[at : one.start - len(one.quote)])
                at = one.end + len(one.quote)
        return "".join([*pieces, self.text[at : token.end]])

    def _path(self) -> str:
        return " > ".join(text for _, text in sorted(self.headings.items()))

    def _flush(self) -> None:
        """End a run: it becomes a segment if there are words in it."""
        whole, self.run = self.run, []
        if not whole or (len(whole) == 1 and self.text[whole[0].start : whole[0].end].isspace()):
            return
        self.bones.append([part for part in whole if part.kind != "text"])
        parts = trimmed(whole, self._is_blank)
        if not parts:
            return
        run = joined(self.text, parts, self.style)
        hidden = [*run.opaque, *run.markup]
        if not has_words(run.text, hidden):
            if any(part.name in _CODE for part in whole):
                self.skips.append((run.start, run.end, "code"))
            return
        block = self.blocks[-1] if self.blocks else ""
        segment = Segment(
            run.text, _KINDS.get(block, "paragraph"), self._path(), tuple(run.opaque), tuple(run.markup)
        )
        style = replace(self.style, lines=self.style.lines + self._indent(run.start, run.end))
        self.places.append(place(self.text, run, segment, style))
        if block == "title" and not self.title:
            self.title = " ".join(run.text.split())
        elif segment.kind == "heading":
            level = int(block[1])
            self.headings = {at: text for at, text in self.headings.items() if at < level}
            self.headings[level] = " ".join(re.sub(r"<[^<>]*>", "", run.text).split())

    def _is_blank(self, part: Part) -> bool:
        return part.kind == "text" and self.text[part.start : part.end].isspace()

    def skeleton(self) -> Iterator[str]:
        """The tags of the page without what a translation may change; those of one run are sorted."""
        for bone in self.bones:
            yield from [self._bare(bone)] if isinstance(bone, Token) else sorted(map(self._bare_part, bone))

    def _bare_part(self, part: Part) -> str:
        token = Token("open", part.name, part.start, part.end)
        raw = self.text[part.start : part.end]
        one_tag = (
            part.name and raw.startswith("<" + raw[1 : 1 + len(part.name)]) and raw.find(">") == len(raw) - 1
        )
        return self._bare(token) if part.kind in ("open", "alone") and one_tag else raw

    def _indent(self, start: int, end: int) -> str:
        """The blanks before the second line of a run."""
        found = re.compile(r"\n([ \t]*)").search(self.text, start, end)
        return found[1] if found else ""


def _not_translated(found: list[Attribute]) -> bool:
    values = {one.name.lower(): one.value.lower() for one in found}
    return values.get("translate") == "no" or "notranslate" in values.get("class", "").split()
