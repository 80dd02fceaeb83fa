"""Android's strings: `<string>`, `<plurals>` and `<string-array>` in an XML file with the root `<resources>`.

Quotes are read without their backslash and written with it again; a line break and other escapes stay as they
are. `<xliff:g>` and what is marked `translatable="false"` is not translated. Plurals keep the forms of the
source: a form that the target language has beside them is not added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from pipeline.core.document import Document, Policy, Segment
from pipeline.core.errors import InputError
from pipeline.documents._element import Messages, Tree
from pipeline.documents._inline import ESCAPED_TAG, Part, Run, Style, has_words, joined, place
from pipeline.documents._markup import tokens
from pipeline.documents._nested import Place

SUFFIXES = (".xml",)
_HOLDERS = ("plurals", "string-array")
_REFERENCE = re.compile(r"\s*[@?][\w.:+*/-]*[/:][\w.:/-]+\s*")
_LONGEST_NAME = 300
_PRINTF = re.compile(r"%(?:\d{1,3}\$)?[-#+0,(]{0,5}\d{0,4}(?:\.\d{1,4})?[a-zA-Z]")
_SIGNS = re.compile(rf"\\(?:[nt]|u[0-9a-fA-F]{{4}})|{ESCAPED_TAG.pattern}")
_QUOTE = re.compile(r"""\\(['"])""")
_UNSAFE = re.compile(r"""\\.|['"]|\\\Z""", re.DOTALL)


def recognises(name: str, content: bytes) -> bool:
    """Whether the root is `<resources>`: any XML file may have this suffix."""
    return (
        re.search(rb"<(?![?!])\s*([\w:]+)", content[:20_000]) is not None
        and b"<resources" in content[:20_000]
    )


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The strings of the file."""
    return _Android(Tree(name, content))


class _Android(Messages):
    def __init__(self, tree: Tree) -> None:
        root = next((token for token in tree.tokens if token.kind in ("open", "empty")), None)
        if root is None or root.name != "resources":
            hint = "the root of strings of Android is <resources>"
            raise InputError("this is not a file of Android's strings", where=tree.where, hint=hint)
        super().__init__(tree, _places(tree))

    def mended(self, place: int, target: str) -> str:
        """The translation with `\\n` for a line break where the source breaks its lines so."""
        source = self.segments[place].text
        target = super().mended(place, target)
        if "\n" not in source and "\\n" in source:
            return re.sub(r"(?:\\n)?\n", r"\\n", target)
        return target

    def skeleton(self, tree: Tree) -> Iterator[tuple[str, str]]:
        """The resources and their names."""
        for at, token in enumerate(tree.tokens):
            if token.kind in ("open", "empty") and token.name in ("string", "item", *_HOLDERS):
                yield token.name, tree.attribute(at, "name") + tree.attribute(at, "quantity")


def _places(tree: Tree) -> Iterator[Place]:
    at, last = 0, len(tree.tokens)
    note = ""
    while at < last:
        token, end = tree.tokens[at], tree.end(at)
        if token.kind == "comment":
            note = tree.raw(at, at)[4:-3].strip()
        elif token.kind == "open" and token.name in ("string", *_HOLDERS):
            if tree.attribute(at, "translatable") != "false":
                several = token.name != "string"
                yield from _several(tree, at, note) if several else _string(tree, at, None, note)
            at, note = end, ""
        at += 1


def _several(tree: Tree, at: int, note: str) -> Iterator[Place]:
    """The forms of a plural, or the strings of an array."""
    name, last, number = tree.attribute(at, "name"), tree.end(at), 0
    for inner in range(at + 1, last):
        if tree.tokens[inner].name != "item" or tree.tokens[inner].kind != "open":
            continue
        form = tree.attribute(inner, "quantity")
        said = f"the plural form '{form}'" if form else ""
        yield from _string(tree, inner, f"{name}[{form or number}]", "; ".join(filter(None, (note, said))))
        number += 1


def _string(tree: Tree, at: int, path: str | None, note: str) -> Iterator[Place]:
    """The place of one string; its path is its name where none is given."""
    inside = tree.raw(at + 1, tree.end(at) - 1)
    if len(inside) < _LONGEST_NAME and _REFERENCE.fullmatch(inside):
        return
    path = tree.attribute(at, "name") if path is None else path
    parts, style = _parts(tree, at)
    if not parts:
        return
    run = joined(tree.text, parts, style)
    raw = tree.text[run.start : run.end]
    if len(raw) > 1 and raw[0] == raw[-1] == '"' and parts[0].kind == parts[-1].kind == "text":
        run, style = _unquoted(tree.text, run, style)
    if not has_words(_PRINTF.sub(" ", run.text), []) or not has_words(run.text, (*run.opaque, *run.markup)):
        return
    syntax = "printf" if _PRINTF.search(run.text) else ""
    segment = Segment(run.text, "message", path, tuple(run.opaque), tuple(run.markup), note, syntax=syntax)
    yield place(tree.text, run, segment, style)


def _parts(tree: Tree, at: int) -> tuple[list[Part], Style]:
    """The parts of a string; those inside its CDATA section where it is nothing but that."""
    style = Style(xml=True, read=_read, write=_write, signs=_SIGNS)
    solid = [one for one in range(at + 1, tree.end(at)) if tree.raw(one, one).strip()]
    if len(solid) == 1 and tree.tokens[solid[0]].kind == "cdata":
        start, end = tree.tokens[solid[0]].start + 9, tree.tokens[solid[0]].end - 3
        inside = tree.text[start:end]
        inner = tokens(inside)
        kinds = {"text": "text", "open": "open", "close": "close"}
        parts = [
            Part(kinds.get(one.kind, "word"), one.name, start + one.start, start + one.end, opaque=" " in raw)
            for one in inner
            for raw in [inside[one.start : one.end]]
        ]
        return parts, replace(style, verbatim=True)
    return tree.parts(at, lambda name: name == "g"), style


def _unquoted(source: str, run: Run, style: Style) -> tuple[Run, Style]:
    """A string in double quotes: they stay where they are, and an apostrophe in it needs no backslash."""
    parts = list(run.parts)
    first = parts[0]
    parts[0] = replace(first, start=first.start + 1)
    parts[-1] = replace(parts[-1], end=parts[-1].end - 1)
    style = replace(style, write=_write_quoted)
    return joined(source, parts, style), style


def _read(raw: str) -> str:
    return _QUOTE.sub(r"\1", raw)


def _write(text: str) -> str:
    """A text with backslashes before quotes, and before a sign that would make it a reference."""
    return _UNSAFE.sub(_with_backslash, text)


def _write_quoted(text: str) -> str:
    return _UNSAFE.sub(lambda found: "'" if found[0] in ("'", r"\'") else _with_backslash(found), text)


def _with_backslash(found: re.Match[str]) -> str:
    sign = found[0]
    return "\\" + sign if sign in ("'", '"', "\\") else sign
