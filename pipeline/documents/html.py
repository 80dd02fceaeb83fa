"""HTML and XHTML: the text of each block with its inline tags, and the attributes that people read or hear.

Entities stay as they are written. Scripts, styles, preformatted text, and what is marked `translate="no"` or
`notranslate` are left out. `build` writes the language into `<html lang>`. The page is not corrected: what a
browser would have to guess stays as it is.
"""

from __future__ import annotations

import re
from itertools import zip_longest

from pipeline.core.document import Document, Finding, Policy, any_file
from pipeline.documents._inline import Marked
from pipeline.documents._markup import decoded
from pipeline.documents._page import Page

SUFFIXES = (".html", ".htm", ".xhtml")
recognises = any_file
_XML = re.compile(r"\s*(?:<\?xml\b|<!DOCTYPE[^>]{0,200}\bXHTML\b)", re.IGNORECASE)


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The blocks and attributes of a page."""
    return page(name, content, policy, xml=name.lower().endswith(".xhtml"))


def page(name: str, content: bytes, policy: Policy, *, xml: bool) -> Document:
    """The same, of a page that is known to be XHTML; one of HTML may say so itself."""
    text, codec = decoded(name, content)
    return _Html(name, text, codec, policy, xml or bool(_XML.match(text.removeprefix("\ufeff"))))


class _Html(Marked):
    def __init__(self, name: str, text: str, codec: str, policy: Policy, xml: bool) -> None:
        self.policy = policy
        self.page = Page(text, policy, xml=xml)
        page = self.page
        super().__init__(name, text, codec, page.places, page.skips, namings=page.namings, title=page.title)

    def broken(self, built: bytes) -> list[Finding]:
        """Where the tags of the page are not as they were."""
        text, _ = decoded(self.where, built)
        after = Page(text, self.policy, xml=self.page.style.xml)
        both = zip_longest(self.page.skeleton(), after.skeleton(), fillvalue="no tag")
        for number, (was, now) in enumerate(both, 1):
            if was != now:
                what = f"Tag {number} of the page was {was[:80]!r} and is {now[:80]!r}."
                return [Finding("structure", what)]
        return []
