"""A key that does not print: it can be sent, and it cannot be shown, written down or copied out by accident.

As text it is `***`, and serialising it is an error. Only `reveal` gives the key; it is called where the
header is made.
A server may send a key back, also the key of another server. While secrets are `guarding`, `cleansed` and
`cleansed_bytes` take all of them out. A reply is cleansed twice: its bytes when they come, and its words when
they have been read, because reading joins what stood apart. Pieces of a key are taken out of errors always
(`cleansed_error`), and out of an answer where it holds all pieces (`cleansed_answer`).
This module does not know where a key comes from, nor where it goes.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hmac import compare_digest
from itertools import groupby
from typing import Any, NoReturn
from urllib.parse import quote

SHOWN = "***"
_MARKS = (b"\\", b"%", b"&#", b"&amp;")
"""the beginnings of escaped characters"""
_PLAIN = re.compile(rb"(?<!\\)\\++(?:u00([2-7][0-9a-f])|(/))", re.IGNORECASE)
"""characters that JSON escapes without need"""
_PIECE = 8  # characters; a shorter piece of a key is not taken out
SHORTEST = 12  # characters; a shorter key is not taken out of answers, where it could stand by chance


class Secret:
    """A text that is never shown. The empty text counts as no secret, and is false."""

    __slots__ = ("_forms", "_pieces", "_text")

    def __init__(self, text: str = "") -> None:
        self._text = text
        self._forms: tuple[list[bytes], re.Pattern[bytes], _Trace] | None = None
        self._pieces: frozenset[str] | None = None

    def reveal(self) -> str:
        """The text itself, for the header that carries it."""
        return self._text

    def without(self, body: bytes) -> bytes:
        """The bytes without the secret, whether it is written plainly or encoded.

        Encodings: JSON's and HTML's escapes, percent signs, base64 at any offset, hexadecimal, backwards, and
        all of them in UTF-16 and UTF-32: then the zero bytes go, too.
        """
        if len(self._text) < SHORTEST:
            return body
        if b"\0" in body and (thin := self.without(plain := body.replace(b"\0", b""))) != plain:
            body = thin
        if b"\\" in body and (plain := _PLAIN.sub(_unescaped, body)) != body:
            # first, because a form could begin with the last digit of an escape
            safe = self._without_forms(plain)
            body = body if safe == plain else safe
        return self._without_a_beginning(self._without_forms(body))

    def _without_forms(self, body: bytes) -> bytes:
        """The bytes without the secret in any of its encodings, where only its own characters are escaped."""
        if self._forms is None:
            self._forms = _forms(self._text), _escaped(self._text), _Trace(self._text)
        forms, escaped, trace = self._forms
        for form in forms:
            if form in body:
                body = body.replace(form, SHOWN.encode())
        if any(mark in body for mark in _MARKS) and trace.is_in(body):
            body = escaped.sub(SHOWN.encode(), body)
        return body

    def is_in_pieces(self, parts: tuple[str, ...]) -> bool:
        """Whether these words hold together the whole secret, in pieces, in any order."""
        text = self._text
        ends = text[:_PIECE], text[-_PIECE:]
        if len(text) < SHORTEST or not all(any(end in part for part in parts) for end in ends):
            return False
        words = "\0".join(parts)  # only now: a long answer is not copied
        starts = [i for i in range(len(text) - _PIECE + 1) if text[i : i + _PIECE] in words]
        return len({i + j for i in starts for j in range(_PIECE)}) == len(text)

    def without_pieces(self, words: str) -> str:
        """The words without pieces of the secret, also where blanks or invisible characters stand in them."""
        if len(self._text) < SHORTEST or len(words) < _PIECE:
            return words
        if self._pieces is None:
            forms = [form.decode().lower() for form in _forms(self._text)]
            self._pieces = frozenset(
                form[i : i + _PIECE] for form in forms for i in range(len(form) - _PIECE + 1)
            )
        places = [i for i, c in enumerate(words) if c.isprintable() and not c.isspace() and c != "\ufffd"]
        seen = "".join(c.lower() if (c := words[i]).isascii() else c for i in places)
        hidden = bytearray(len(words))
        for i in range(len(seen) - _PIECE + 1):
            if seen[i : i + _PIECE] in self._pieces:
                start, end = places[i], places[i + _PIECE - 1] + 1
                hidden[start:end] = b"\1" * (end - start)
        if not any(hidden):
            return words
        runs = groupby(range(len(words)), hidden.__getitem__)
        return "".join(SHOWN if gone else "".join(words[i] for i in run) for gone, run in runs)

    def _without_a_beginning(self, body: bytes) -> bytes:
        """The same for a body that was cut off in the middle of the secret."""
        plain = self._text.encode()
        at = body.rfind(plain[:SHORTEST], max(0, len(body) - len(plain)))
        return body[:at] + SHOWN.encode() if at >= 0 and plain.startswith(body[at:]) else body

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __repr__(self) -> str:
        return SHOWN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return SHOWN

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret is not written down")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not written down")


class _Guarded:
    """The secrets that are taken out now; one that is open twice is closed twice."""

    def __init__(self) -> None:
        self._open: list[Secret] = []
        self.now: tuple[Secret, ...] = ()  # each once; the longest first, as one may begin like another

    def change(self, *, opened: tuple[Secret, ...] = (), closed: tuple[Secret, ...] = ()) -> None:
        """Begin and end to take out secrets."""
        self._open += opened
        for secret in closed:
            self._open.remove(secret)
        self.now = tuple(sorted(filter(None, set(self._open)), key=lambda secret: -len(secret.reveal())))


_guarded = _Guarded()


@contextmanager
def guarding(*secrets: Secret) -> Iterator[None]:
    """While it is open, these secrets are taken out of what servers say."""
    _guarded.change(opened=secrets)
    try:
        yield
    finally:
        _guarded.change(closed=secrets)


def is_guarded() -> bool:
    """Whether there is a secret that could come back."""
    return any(_guarded.now)


def cleansed_bytes(body: bytes) -> bytes:
    """The bytes without any of the secrets that are guarded now."""
    for secret in _guarded.now:
        body = secret.without(body)
    return body


def cleansed(words: str) -> str:
    """The words without any of the secrets that are guarded now."""
    if not _guarded.now or len(words) < SHORTEST:
        return words
    plain = words.encode("utf-8", "surrogatepass")
    safe = cleansed_bytes(plain)
    return words if safe == plain else safe.decode("utf-8", "replace")


def cleansed_error(words: str) -> str:
    """A server's words about an error, without the guarded secrets and without pieces of them."""
    words = cleansed(words)
    for secret in _guarded.now:
        words = secret.without_pieces(words)
    return words


def cleansed_answer(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The words of one answer, without the secrets that are guarded now, whole or in pieces.

    Pieces are taken out only where they are together a whole secret, so that no good answer is changed.
    """
    said, parts = parts, tuple(map(cleansed, parts))
    for secret in _guarded.now:
        if secret.is_in_pieces(said):
            parts = tuple(map(secret.without_pieces, parts))
    return parts


class _Trace:
    """A quick test whether a body can hold a text with some of its characters escaped.

    It makes the search twenty times as fast: answers are full of escapes that have nothing to do with it.
    """

    def __init__(self, text: str) -> None:
        codes = sorted({ord(c) for c in text})
        hexes, decimals = ("|".join(f"{code:{form}}" for code in codes) for form in ("02x", "d"))
        forms = rf"\\(?:u00|x)(?:{hexes})|%(?:25)*(?:{hexes})|#0*(?:{decimals})|#x0*(?:{hexes})"
        self._number = re.compile(forms.encode(), re.IGNORECASE)
        self._plain = text.replace("\\", "").lower().encode()

    def is_in(self, body: bytes) -> bool:
        """Whether the body has an escape of one of the text's characters, or the text among backslashes."""
        return self._plain in body.replace(b"\\", b"").lower() or bool(self._number.search(body))


def _unescaped(found: re.Match[bytes]) -> bytes:
    """The character of an escape; a quote and a backslash stay escaped, or the JSON would be broken."""
    plain = found[2] or bytes.fromhex(found[1].decode())
    return found[0] if plain in b'"\\' else plain


def _forms(text: str) -> list[bytes]:
    """The text as it is, and in encodings that are fixed bytes; each once, the longest first."""
    plain = text.encode()
    forms = {plain, plain[::-1], plain.hex().encode(), plain.hex().upper().encode()}
    forms |= {quote(text, safe="").encode(), html.escape(text).encode()}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        forms |= {_inside(encode, plain, offset) for offset in range(3)}
    return sorted(forms, key=len, reverse=True)


def _inside(encode: Any, plain: bytes, offset: int) -> bytes:
    """What base64 makes of the text alone, wherever it stands in what is encoded."""
    first = (offset * 8 + 5) // 6
    last = (offset + len(plain)) * 8 // 6
    encoded: bytes = encode(bytes(offset) + plain)
    return encoded[first:last]


def _escaped(text: str) -> re.Pattern[bytes]:
    """The text with any of its characters as JSON, HTML or an address may write them, once or again."""
    return re.compile("".join(map(_character, text)).encode(), re.IGNORECASE)


def _character(c: str) -> str:
    number = ord(c)
    slashes = r"(?:(?<!\\)\\++)?+"  # a long run of them is looked at once
    return (
        rf"(?:{slashes}(?:{re.escape(c)}|(?<=\\)(?:u00|x){number:02x})|%(?:25){{0,2}}{number:02x}"
        rf"|&(?:amp;){{0,2}}#(?:0{{0,5}}{number}|x0{{0,5}}{number:x});?)"
    )
