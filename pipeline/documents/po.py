"""gettext catalogues (.po and .pot): messages, their translations and plural forms.

The document holds translations already, so a segment's bytes are those of `msgstr`. A message has as many
segments as the language has plural forms. This module does not know what a good translation is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.core.document import Document, Finding, Policy, Segment, any_file
from pipeline.core.errors import InputError
from pipeline.documents._plurals import Forms, forms, forms_of
from pipeline.documents._po_file import Entry, Text, entries, quoted, width_of
from pipeline.documents._spliced import spliced
from pipeline.documents._texts import Decoded, Spot, Texts, decoded, left_out, tags, without_letters

SUFFIXES = (".po", ".pot")
recognises = any_file
_CHARSET = re.compile(rb'^"[^"\n]*charset=([\w-]+)', re.MULTILINE | re.IGNORECASE)
_SYNTAX = {
    **dict.fromkeys(("python-format", "c-format", "php-format", "objc-format", "perl-format"), "printf"),
    "python-brace-format": "python-brace",
}
_PLACEHOLDER = re.compile(r"%\(\w+\)|%[\d$.]*[a-zA-Z]|\{")
_SCRIPTS = {
    **{"zh-cn": "zh-hans", "zh-sg": "zh-hans", "zh-tw": "zh-hant", "zh-hk": "zh-hant", "zh-mo": "zh-hant"},
    **{"sr@latin": "sr-latn", "uz@cyrillic": "uz-cyrl"},
}
_SHOWN = 6


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The messages of a catalogue, in the encoding that its header names."""
    found = _CHARSET.search(content)
    charset = found[1].decode().lower() if found and found[1] != b"CHARSET" else "utf-8"
    try:
        source = decoded(name, content, charset)
    except LookupError:
        what = f"the header names the encoding '{charset}', which is not known"
        raise InputError(what, where=name, hint="save the file as UTF-8, with charset=UTF-8") from None
    return _Catalogue(name, content, source, policy)


class _Catalogue:
    """A catalogue; messages are put in as gettext writes them."""

    lint: tuple[str, ...] = ()
    title = ""

    def __init__(self, name: str, content: bytes, source: Decoded, policy: Policy) -> None:
        self._source = source
        found, obsolete = entries(name, source.text)
        self._header = next((entry for entry in found if entry.id == "" and entry.context is None), None)
        target, own = policy.target, self._named("Language")
        self._ours = not target or not own or _same(own, target)
        named = forms(self._named("Plural-Forms")) if self._ours else None
        self._forms = named or forms_of(target or own)
        self._entries = [entry for entry in found if entry.id and not without_letters(entry.id)]
        self._width = width_of(source.text)
        self._eol = "\r\n" if "\r\n" in source.text else "\n"
        spots = [Spot(*spot, str) for entry in self._entries for spot in self._spots(entry)]
        spots += [left_out(start, end, "obsolete") for start, end in obsolete]
        if self._header:
            spots.append(left_out(self._header.start, self._header.end, "header"))
        counted = Texts(content, source, spots, rest="keys and comments")
        self.segments, self.skipped = counted.segments, counted.skipped
        self._bom = content[: source.bom]

    def _named(self, key: str) -> str:
        """A line of the header; '' where it is not there."""
        text = self._header.texts[0].text if self._header else ""
        found = re.search(rf"^{key}:(.*)$", text, re.MULTILINE | re.IGNORECASE)
        return found[1].strip() if found else ""

    def _spots(self, entry: Entry) -> Iterator[tuple[int, int, Segment]]:
        syntax = next((_SYNTAX[flag] for flag in entry.flags if flag in _SYNTAX), "")
        context = [f"context: {entry.context}"] if entry.context else []
        note = "; ".join([*context, *entry.extracted, *entry.references[:3]])
        plain = Segment(entry.id or "", "message", entry.context or "", note=note, syntax=syntax)
        for form in range(1 if entry.plural is None else self._forms.count):
            text = entry.texts[form] if form < len(entry.texts) else Text(entry.end, entry.end, "")
            segment = plain if entry.plural is None else _plural(plain, entry, self._forms, form)
            segment = replace(segment, markup=tags(segment.text))
            if text.text and self._ours and not entry.fuzzy:
                segment = replace(segment, given=text.text)
            yield text.start, text.end, segment

    def mended(self, place: int, target: str) -> str:
        """The translation with the newlines at its ends that the message has; gettext insists on them."""
        source = self.segments[place].text
        core = target.strip("\n")
        before = len(source) - len(source.lstrip("\n"))
        after = len(source) - len(source.rstrip("\n"))
        return "\n" * before + core + "\n" * after if core else target

    def findings(self, place: int, target: str) -> list[Finding]:
        """Nothing: any text can stand in a catalogue."""
        return []

    def broken(self, built: bytes) -> list[Finding]:
        """Nothing: only translations are ever written."""
        return []

    def build(self, targets: Sequence[str | None], language: str = "") -> bytes:
        """The catalogue with these translations; a translation that is already there keeps its lines."""
        own = self._named("Language")
        if language and own and not _same(own, language):
            # what stands there is in another language; gettext shows the source for an empty text
            targets = [target or "" for target in targets]
        rest = iter(targets)
        edits = list(self._headed(language))
        wanted = self._wanted(language)
        for entry in self._entries:
            count = 1 if entry.plural is None else self._forms.count
            edits += self._filled(entry, [next(rest) for _ in range(count)], wanted)
        return self._encoded(spliced(self._source.text, sorted(edits)))

    def _filled(self, entry: Entry, texts: list[str | None], wanted: Forms) -> list[tuple[int, int, str]]:
        old = [text.text for text in entry.texts]
        if not any(
            text is not None and (entry.fuzzy or old[form : form + 1] != [text])
            for form, text in enumerate(texts)
        ):
            return []
        if entry.plural is not None and wanted.count != self._forms.count:
            texts = [texts[self._forms.of(max(wanted.numbers(form)))] for form in range(wanted.count)]
        lines = []
        for form, text in enumerate(texts):
            keyword = "msgstr" if entry.plural is None else f"msgstr[{form}]"
            if form < len(old) and text in (None, old[form]):
                lines.append(self._source.text[entry.texts[form].start : entry.texts[form].end])
            else:
                lines.append(quoted(keyword, text or "", self._eol, self._width))
        put = (entry.texts[0].start, entry.texts[-1].end, self._eol.join(lines))
        return [*self._sure(entry), put]

    def _sure(self, entry: Entry) -> Iterator[tuple[int, int, str]]:
        """The edits that take the mark of a guess from an entry."""
        if not entry.fuzzy:
            return
        for start, end in entry.flag_lines:
            flags = [flag.strip() for flag in self._source.text[start + 2 : end].split(",")]
            kept = [flag for flag in flags if flag != "fuzzy"]
            yield (start, end, f"#, {', '.join(kept)}") if kept else (start, self._next(end), "")
        for start, end in entry.previous:
            yield start, self._next(end), ""

    def _next(self, end: int) -> int:
        return self._source.text.index("\n", end) + 1

    def _wanted(self, language: str) -> Forms:
        """The plural forms of the catalogue that is built."""
        named, own = forms(self._named("Plural-Forms")), self._named("Language")
        if not language or (named and (not own or _same(own, language))):
            return named or self._forms
        return self._forms if self._ours and named and not own else forms_of(language)

    def _headed(self, language: str) -> Iterator[tuple[int, int, str]]:
        """The edits that name the language in the header."""
        own = self._named("Language")
        if not language or not self._header:
            return
        text = self._header.texts[0].text
        wanted = self._wanted(language)
        if not own or not _same(own, language):
            text = _set(text, "Language", language.replace("-", "_"))
        if forms(self._named("Plural-Forms")) != wanted:
            text = _set(text, "Plural-Forms", str(wanted))
        text = text.replace("charset=CHARSET", "charset=UTF-8")
        if text != self._header.texts[0].text:
            yield from self._sure(self._header)
            old = self._header.texts[0]
            yield old.start, old.end, quoted("msgstr", text, self._eol, self._width)

    def _encoded(self, text: str) -> bytes:
        try:
            return self._bom + text.encode(self._source.encoding)
        except UnicodeEncodeError:
            text = re.sub(r"(?<=charset=)[\w-]+", "UTF-8", text, count=1)
            return text.encode("utf-8", "replace")


def _plural(plain: Segment, entry: Entry, rule: Forms, form: int) -> Segment:
    """The segment of one plural form: its source is the singular where the form is for the number 1."""
    numbers = rule.numbers(form)
    one, many = plain.text, entry.plural or ""
    only = rule.count > 1 and rule.of(1) == form
    if not only or (max(numbers) > 1 and _PLACEHOLDER.findall(one) != _PLACEHOLDER.findall(many)):
        one = many
    shown = ", ".join(map(str, numbers[:_SHOWN])) + (", …" if len(numbers) > _SHOWN else "")
    note = f"plural form {form + 1} of {rule.count}, for n = {shown}"
    return replace(plain, text=one, note="; ".join(filter(None, (note, plain.note))))


def _set(header: str, key: str, value: str) -> str:
    """The header with a line changed, or with one more line."""
    line = f"{key}: {value}"
    new, count = re.subn(rf"^{key}:.*$", lambda _: line, header, count=1, flags=re.MULTILINE | re.IGNORECASE)
    return new if count else f"{header.rstrip()}\n{line}\n"


def _same(one: str, other: str) -> bool:
    """Whether two tags name one language: `zh_CN` is zh-Hans, and `de` is any German."""
    ways = [tag.lower().replace("_", "-") for tag in (one, other)]
    parts = [_SCRIPTS.get(way, way).split("-") for way in ways]
    return all(a == b for a, b in zip(*parts, strict=False))
