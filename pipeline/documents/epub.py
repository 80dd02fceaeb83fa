"""EPUB books: the pages in the order of reading, the table of contents, and the title and description.

`build` writes the language into the book's metadata and into each page. Fonts, images and styles are copied
as they are; a book with copy protection is refused. The pages are read as `html.py` reads them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote

from pipeline.core.document import Document, Policy, Segment, any_file
from pipeline.core.errors import InputError
from pipeline.documents import html
from pipeline.documents._element import Messages, Tree, local
from pipeline.documents._inline import Style, has_words, joined, place
from pipeline.documents._nested import Naming, Place
from pipeline.documents._zipped import Archive, Zipped

SUFFIXES = (".epub",)
recognises = any_file
_CONTAINER = "META-INF/container.xml"
_PAGES = ("application/xhtml+xml", "text/html")
_CONTENTS = "application/x-dtbncx+xml"
_TITLES = {"title": "title", "description": "description"}
"""the metadata that is translated, and the kind of its segment"""
_STYLE = Style(xml=True)


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The pages of a book, and what its package says about it."""
    archive = Archive(name, content)
    package = _package(archive)
    tree = _tree(archive, package)
    members = {one.filename for one in archive.members}
    pages, contents = _items(tree, posixpath.dirname(package))
    wanted = [member for member in dict.fromkeys(pages) if member in members]
    _refuse_protected(archive, wanted)
    parts: list[tuple[str, Document]] = [(package, _Words(tree, _TITLES, "language"))]
    for member in wanted:
        inside = archive.read(member) or b""
        parts.append((member, html.page(f"{name}, {member}", inside, policy, xml=True)))
    tables = [member for member in contents if member in members]
    parts += [(member, _Words(_tree(archive, member), {"text": "title"}, "")) for member in tables]
    found = next((one.text for one in parts[0][1].segments if one.kind == "title"), "")
    return Zipped(archive, parts, rest="styles, fonts and media", title=found)


def _package(archive: Archive) -> str:
    """The member that lists all others."""
    tree = _tree(archive, _CONTAINER)
    for at, token in enumerate(tree.tokens):
        if local(token) == "rootfile" and (path := tree.attribute(at, "full-path")):
            return path
    raise archive.damaged(_CONTAINER)


def _tree(archive: Archive, member: str) -> Tree:
    inside = archive.read(member)
    if inside is None:
        raise archive.damaged(member)
    return Tree(f"{archive.where}, {member}", inside)


def _items(tree: Tree, folder: str) -> tuple[list[str], list[str]]:
    """The pages in the order of reading, then those beside it; and the tables of contents."""
    items, read = dict[str, tuple[str, str]](), list[str]()
    for at, token in enumerate(tree.tokens):
        if token.kind == "close":
            continue
        if local(token) == "item":
            path = posixpath.normpath(posixpath.join(folder, unquote(tree.attribute(at, "href"))))
            items[tree.attribute(at, "id")] = (path, tree.attribute(at, "media-type"))
        elif local(token) == "itemref":
            read.append(tree.attribute(at, "idref"))
    order = [*(one for one in read if one in items), *items]
    pages = [items[one][0] for one in order if items[one][1] in _PAGES]
    return pages, [path for path, kind in items.values() if kind == _CONTENTS]


def _refuse_protected(archive: Archive, pages: list[str]) -> None:
    """Raise for a book whose pages are encrypted; hidden fonts do no harm."""
    listed = (archive.read("META-INF/encryption.xml") or b"").decode("utf-8", "replace")
    locked = {
        unquote(path) for path in re.findall(r"""CipherReference[^<>]*\bURI\s*=\s*["']([^"']+)""", listed)
    }
    if locked & set(pages):
        hint = "only a book without copy protection (DRM) can be translated"
        raise InputError("the pages of the book are encrypted", where=archive.where, hint=hint)


class _Words(Messages):
    """A member of which some elements hold nothing but words: the package, or a table of contents."""

    def __init__(self, tree: Tree, kinds: dict[str, str], language: str) -> None:
        names = [
            at for at, token in enumerate(tree.tokens) if token.kind == "open" and local(token) == language
        ]
        namings = [Naming(tree.tokens[at].end, tree.tokens[tree.end(at)].start) for at in names[:1]]
        super().__init__(tree, _places(tree, kinds), namings=namings)


def _places(tree: Tree, kinds: dict[str, str]) -> Iterator[Place]:
    for at, token in enumerate(tree.tokens):
        kind = kinds.get(local(token), "") if token.kind == "open" else ""
        parts = tree.parts(at, lambda name: False) if kind else []
        if not parts:
            continue
        run = joined(tree.text, parts, _STYLE)
        hidden = (*run.opaque, *run.markup)
        if has_words(run.text, hidden):
            segment = Segment(run.text, kind, opaque=tuple(run.opaque), markup=tuple(run.markup))
            yield place(tree.text, run, segment, _STYLE)
