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

from pipeline.core.domain import Call, Fault, Record, Reply, Request

SHOWN = "***"
RUN = 12
"""characters in a row that a message has in common with a longer value before they are taken out"""


@dataclass(frozen=True)
class Redactor:
    """What is private of the records of a job: these columns, and `keys` where one of them is in the key."""

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
        """The record as it is walked: it knows what is private of it."""
        private = tuple(record.fields[name] for name in self.columns)
        return replace(record, key=self.key(record.key), private=private)

    def reason(self, text: str) -> str:
        """What a library said about a row, unless there is something private that it might quote."""
        return (
            "a value does not fit; it is not shown, because the job has private columns"
            if self.columns
            else text
        )


def label(key: str) -> str:
    """What is shown for a private key, always the same: who knows all possible keys can tell which it is."""
    return f"private-{blake2b(key.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"


def telling(call: Call, private: tuple[Any, ...]) -> Call:
    """A call whose requests know which values are private."""

    async def ask(request: Request) -> Reply:
        return await call(_telling(request, private))

    return ask


def _telling(request: Request, private: tuple[Any, ...]) -> Request:
    instead = _telling(request.instead, private) if request.instead is not None else None
    asked = (request.api, request.model, request.body, request.step, request.key)
    return Request(*asked, request.attempt, request.endpoint, private, instead)


def redacted(fault: Fault, private: tuple[Any, ...]) -> Fault:
    """The same fault, whose message quotes none of the values any more."""
    if private and (message := without(fault.message, private)) != fault.message:
        return fault.but(message=message)
    return fault


def without(message: str, values: Iterable[Any]) -> str:
    """A message in which none of the values stands, nor a longer piece of one."""
    folded = message.lower()
    if len(folded) != len(message):  # some letters grow when they are made small
        folded = message
    hidden = bytearray(len(message))
    for text in {form for value in values for form in _forms(value)}:
        if len(text) <= RUN:
            _hide_whole(folded, text, hidden)
        else:
            _hide_runs(folded, text, hidden)
    return "".join(_shown(message, hidden))


def _forms(value: Any) -> Iterator[str]:
    """The texts that a value comes to in a message, in small letters: as it is, in one line, in JSON."""
    for text in _texts(value):
        folded = text.lower()
        for form in (folded, " ".join(folded.split()), json.dumps(folded)[1:-1], repr(folded)[1:-1]):
            if form.strip():
                yield form


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
    elif value is not None:
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
    """Hide whatever stands in a long value, too: messages quote the first words, or cut something off."""
    for at in range(len(message) - RUN + 1):
        if message[at : at + RUN] in text:
            hidden[at : at + RUN] = b"\1" * RUN


def _shown(message: str, hidden: bytearray) -> Iterator[str]:
    for at, character in enumerate(message):
        if not hidden[at]:
            yield character
        elif at == 0 or not hidden[at - 1]:
            yield SHOWN
