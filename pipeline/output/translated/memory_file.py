"""A translation memory in TMX 1.4: every pair of texts that was accepted, each once.

This module does not write files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from xml.sax.saxutils import escape, quoteattr

from pipeline.output.translated.ledger import Row

ACCEPTED = ("ok", "marked", "given", "edited")
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def tmx(rows: Iterable[Row], source: str, language: str) -> Iterator[str]:
    """The lines of the file, from this language into that one."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield '<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4">\n'
    about = 'creationtool="pipeline" creationtoolversion="1" segtype="block" o-tmf="pipeline" adminlang="en"'
    yield f'<header {about} srclang={quoteattr(source or "*all*")} datatype="plaintext"/>\n<body>\n'
    seen = set[bytes]()
    for row in rows:
        if row.state not in ACCEPTED or row.target is None:
            continue
        pair = blake2b(f"{row.source}\0{row.target}".encode("utf-8", "replace"), digest_size=12).digest()
        if pair in seen:
            continue
        seen.add(pair)
        document = f'<prop type="x-document">{_text(row.document)}</prop>'
        yield f"<tu>{document}{_variant(source or 'und', row.source)}{_variant(language, row.target)}</tu>\n"
    yield "</body>\n</tmx>\n"


def _variant(language: str, text: str) -> str:
    return f"<tuv xml:lang={quoteattr(language)}><seg>{_text(text)}</seg></tuv>"


def _text(text: str) -> str:
    """The text without the characters that XML cannot hold."""
    return escape(_NO_XML.sub("", text), {"\r": "&#13;"})
