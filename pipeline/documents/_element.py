"""The content of an XML element as a run of text and inline tags: a message of XLIFF, a string of Android.

This module does not know which elements hold text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pipeline.core.document import Finding
from pipeline.core.errors import InputError
from pipeline.documents._inline import Marked, Part
from pipeline.documents._markup import Token, attribute, decoded, pairs, refuse_broken, tokens
from pipeline.documents._nested import Naming, Place

INDENTS = " \t\r\n"


class Tree:
    """The tokens of an XML file, which is well-formed and has no entities of its own."""

    def __init__(self, where: str, content: bytes) -> None:
        self.where = where
        self.text, self.codec = decoded(where, content)
        refuse_broken(where, self.text)
        self.tokens = tokens(self.text, xml=True)
        self.partner = pairs(self.tokens)

    def end(self, at: int) -> int:
        """The place of the last token of an element."""
        return self.partner.get(at, at)

    def raw(self, first: int, last: int) -> str:
        """What is written from one token to another."""
        return self.text[self.tokens[first].start : self.tokens[last].end] if first <= last else ""

    def attribute(self, at: int, name: str) -> str:
        """The value of an attribute; '' where there is none."""
        return attribute(self.text, self.tokens[at], name) or ""

    def parts(self, at: int, whole: Callable[[str], bool]) -> list[Part]:
        """What is in an element; inline elements that are `whole` are one part with all that is in them."""
        found: list[Part] = []
        last = self.end(at)
        at += 1
        while at < last:
            token, end = self.tokens[at], at
            opaque = any(sign in self.text[token.start : token.end] for sign in INDENTS)
            if token.kind in ("text", "close"):
                found.append(Part(token.kind, token.name, token.start, token.end))
            elif token.kind == "open" and not whole(local(token)):
                found.append(Part("open", token.name, token.start, token.end, opaque=opaque))
            else:
                end = self.end(at)
                shown = token.kind == "empty" and not opaque
                found.append(Part("word", token.name, token.start, self.tokens[end].end, opaque=not shown))
            at = end + 1
        return found


def local(token: Token) -> str:
    """The name of an element without its namespace."""
    return token.name.rpartition(":")[2]


class Messages(Marked):
    """A document of messages, each in an element of its own."""

    def __init__(
        self, tree: Tree, places: Iterable[Place], *, namings: Iterable[Naming] = (), rest: str = "markup"
    ) -> None:
        self.tree = tree
        super().__init__(tree.where, tree.text, tree.codec, places, namings=namings, rest=rest)

    def skeleton(self, tree: Tree) -> Iterator[tuple[str, str]]:
        """What of a file must be as it was, in order: its tags, where a format does not say otherwise."""
        return ((token.kind, token.name) for token in tree.tokens if token.name)

    def broken(self, built: bytes) -> list[Finding]:
        """Whether the file has the same elements in the same order."""
        try:
            before, after = (list(self.skeleton(tree)) for tree in (self.tree, Tree(self.where, built)))
        except InputError as error:
            return [Finding("structure", f"{error.where}: {error.what}")]
        if before == after:
            return []
        what = "The elements of the file are not those of the source"
        return [Finding("structure", f"{what}: {len(before)} tags before, {len(after)} now.")]
