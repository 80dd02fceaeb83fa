"""Values that stay out of messages: the columns that `records.private` names.

A message of a server, a model or a template may quote the row it is about. Before it is shown or written
anywhere, what it quotes of the private values is taken out. A value that was changed on its way (turned
round, translated) is not recognised. This module does not know files, nor where messages go.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from pipeline.core.domain import Call, Fault, Record, Reply, Request

SHOWN = "***"
_IN_A_PAGE = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "<>&'"})
_IN_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", '"': "&#34;"})
RUN = 12  # a piece of a longer value is taken out of a message if it has at least so many characters


@dataclass(frozen=True)
class Redactor:
    """The private columns of a job; `keys` says whether one of them is part of the record's key."""

    columns: tuple[str, ...] = ()
    keys: bool = False

    @classmethod
    def before(cls, columns: tuple[str, ...], key: Collection[str]) -> Redactor:
        """The redactor of these private columns, with this key."""
        return cls(columns, not set(columns).isdisjoint(key))

    def key(self, key: str) -> str:
        """The key as it is shown: itself, or its digest."""
        return label(key) if self.keys else key

    def record(self, record: Record) -> Record:
        """The record for the walk: its private values are listed, and its key is the one to show."""
        private = tuple(record.fields[name] for name in self.columns)
        return replace(record, key=self.key(record.key), private=private)

    def reason(self, text: str) -> str:
        """A library's message about a row; a fixed sentence where it might quote a private value."""
        hidden = "a value does not fit; it is not shown, because the job has private columns"
        return hidden if self.columns else text


def label(key: str) -> str:
    """A digest to show for a private key. Whoever knows all possible keys can find out which one it is."""
    return f"private-{blake2b(key.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"


def telling(call: Call, private: tuple[Any, ...]) -> Call:
    """A call that adds the record's private values to each request."""

    async def ask(request: Request) -> Reply:
        return await call(_telling(request, private))

    return ask


def _telling(request: Request, private: tuple[Any, ...]) -> Request:
    instead = _telling(request.instead, private) if request.instead is not None else None
    return replace(request, private=private, instead=instead)


def redacted(fault: Fault, private: tuple[Any, ...]) -> Fault:
    """The same fault, with these values taken out of its message."""
    if private and (message := without(fault.message, private)) != fault.message:
        return fault.but(message=message)
    return fault


def without(message: str, values: Iterable[Any]) -> str:
    """The message without these values, and without longer pieces of them."""
    folded = message.lower()
    if len(folded) != len(message):  # some letters become two in lower case
        folded = message
    hidden = bytearray(len(message))
    for text in {form for value in values for form in _forms(value)}:
        if len(text) <= RUN:
            _hide_whole(folded, text, hidden)
        else:
            _hide_runs(folded, text, hidden)
    return "".join(_shown(message, hidden))


def _forms(value: Any) -> Iterator[str]:
    """The forms that a value may have in a message, in lower case: as it is, in one line, in JSON.

    Also those that filters of templates give it: `tojson` (JSON in a page), `e` (HTML), `urlencode`.
    """
    for text in (either for one in _texts(value) for either in {one, one.lower()}):
        in_json = json.dumps(text)[1:-1]
        forms = [text, " ".join(text.split()), repr(text)[1:-1], text.translate(_IN_HTML)]
        forms += [in_json, json.dumps(text, ensure_ascii=False)[1:-1], in_json.translate(_IN_A_PAGE)]
        forms += [quote(text, errors="replace")]
        yield from (form.lower() for form in forms if form.strip())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
    elif value is not None and not isinstance(value, bytes):  # no message quotes a picture
        yield str(value)


def _hide_whole(message: str, text: str, hidden: bytearray) -> None:
    """Hide a short value where it stands as a word: 34 is hidden, and the 34 of 134 is not."""
    at = message.find(text)
    while at >= 0:
        end = at + len(text)
        if not _joined(message, at) and not _joined(message, end):
            hidden[at:end] = b"\1" * len(text)
        at = message.find(text, at + 1)


def _joined(message: str, at: int) -> bool:
    """Whether a word goes on across this place."""
    return 0 < at < len(message) and message[at - 1].isalnum() and message[at].isalnum()


def _hide_runs(message: str, text: str, hidden: bytearray) -> None:
    """Hide every longer piece of a long value: messages quote its first words, or cut something off."""
    for at in range(len(message) - RUN + 1):
        if message[at : at + RUN] in text:
            hidden[at : at + RUN] = b"\1" * RUN


def _shown(message: str, hidden: bytearray) -> Iterator[str]:
    for at, character in enumerate(message):
        if not hidden[at]:
            yield character
        elif at == 0 or not hidden[at - 1]:
            yield SHOWN
