"""Pseudo-translation: a text that shows what would be translated, without a model and without cost.

Latin letters get accents, the text grows by about 30%, and full-width brackets stand round it. So one sees in
the result what is not translated, what is cut off, and what is put together from parts. Signs stay as they
are, so the structure of a document holds. This module does not know formats.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.core.document import Span
from pipeline.text.prose.spoken import ADDRESS, MAIL, PLACEHOLDER, TAG
from pipeline.translation.kept import code

OPENING, CLOSING = "［", "］"
"""punctuation for every format, and syntax in none: emphasis may begin right behind it and end before it"""
_PADDING = "·"
_GROWTH = 0.3
_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ACCENTED = "ȧƀƈḓḗƒɠħīĵķŀḿƞǿƥɋřşŧŭṽẇẋẏẑȦƁƇḒḖƑƓĦĪĴĶĿḾȠǾƤɊŘŞŦŬṼẆẊẎẐ"
_ACCENTS = dict(zip(_PLAIN, _ACCENTED, strict=True))
_ALL_CODE = re.compile(r"`[^`]+`")
_VOWELS = frozenset("aeiouAEIOU")
_SIGNS = re.compile(  # entities, escapes, {n, number}, other addresses, targets of links
    r"&#?\w{1,32};|\\u[0-9a-fA-F]{4}|\\.|\{\s?\w{1,64}\s?,[^{}]*\}|\bwww\.[!-~]+|\b(?:file|wss?)://[!-~]*"
    r"|\]\(\s{0,8}<?[^)\s>]+"
)
_DEFINITION = re.compile(r"^[ >]{0,8}\[[^\[\]\n]{1,200}\]:\s{0,8}\S+", re.MULTILINE)
"""the address of links that stands below a text of Markdown"""
_BRANCHING = re.compile(r"\{\s{0,8}\w{1,64}\s{0,8},\s{0,8}(?:plural|select|selectordinal)\s{0,8},")
_BRANCH = re.compile(r"\w{1,64}\s{0,8}\{|offset:\d")
"""what a branch of an ICU message is for: `one {`"""


def pseudo(text: str, kept: Sequence[Span] = ()) -> str:
    """A text with accents, longer, in brackets. Spans in `kept`, placeholders, tags, code and addresses stay.

    A text without a letter to translate stays as it is, and so do blanks round it.
    """
    kept = [*kept, *(found.span() for found in code(text))]
    if _ALL_CODE.fullmatch(text) and not kept:  # words beside it would be new ones
        return f"`{pseudo(text[1:-1])}`"
    fixed = _fixed(text, kept)
    letters = sum(1 for sign, stays in zip(text, fixed, strict=True) if not stays and sign.isalpha())
    if not letters:
        return text
    wanted = max(1, round(letters * _GROWTH))
    parts = []
    for sign, stays in zip(text, fixed, strict=True):
        changed = sign if stays else _ACCENTS.get(sign, sign)
        twice = wanted > 0 and not stays and sign in _VOWELS
        parts.append(changed * 2 if twice else changed)
        wanted -= twice
    longer = "".join(parts)
    begin, end = len(text) - len(text.lstrip()), len(text) - len(text.rstrip())
    body = longer[begin : len(longer) - end]
    padding = f" {_PADDING * wanted}" if wanted or _DEFINITION.match(body.rpartition("\n")[2]) else ""
    return f"{longer[:begin]}{OPENING}{body}{padding}{CLOSING}{longer[len(longer) - end :]}"


def _fixed(text: str, kept: Sequence[Span]) -> bytearray:
    """A byte for each character of a text: 1 where it stays as it is."""
    fixed = bytearray(len(text))
    patterns = [_SIGNS, _DEFINITION, PLACEHOLDER, TAG, ADDRESS, MAIL]
    if _BRANCHING.search(text):
        patterns += [_BRANCHING, _BRANCH]
    spans = [found.span() for pattern in patterns for found in pattern.finditer(text)]
    for begin, end in (*kept, *spans):
        fixed[begin:end] = b"\1" * (end - begin)
    return fixed
