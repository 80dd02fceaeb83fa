"""A scripted server that writes what a function says, whatever it is asked.

Its ledger of what it billed is the same as that of every scripted server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from pipeline.testing import Ledger, Script, Server, answers
from pipeline.testing.server import serving
from pipeline.testing.service import Service
from tests.support.server import serve


@dataclass(frozen=True)
class Chat:
    """One request: its body, and its number from 0."""

    body: dict[str, Any]
    number: int

    @property
    def texts(self) -> list[str]:
        """The texts of its messages."""
        return [str(message["content"]) for message in self.body["messages"]]

    @property
    def last(self) -> str:
        """The last message."""
        return self.texts[-1]

    @property
    def first(self) -> str:
        """The first message of the user."""
        return next(str(one["content"]) for one in self.body["messages"] if one["role"] == "user")

    @property
    def turn(self) -> int:
        """How many answers of the model it already holds."""
        return sum(one["role"] == "assistant" for one in self.body["messages"])


Write = Callable[[Chat], str]


@dataclass
class Seen:
    """What was asked, in the order of arrival."""

    chats: list[Chat] = field(default_factory=list)


@contextmanager
def writer(
    write: Write, script: Script | None = None, *, ledger: Path | None = None
) -> Iterator[tuple[Server, Seen]]:
    """A server that answers with this function; gone on exit."""
    seen = Seen()

    def open_service(service: Service) -> AbstractAsyncContextManager[str]:
        return serving(_Writing(service.script, service.ledger, write, seen))

    with serve(script, ledger=ledger, serving=open_service) as server:
        yield server, seen


class _Writing(Service):
    def __init__(self, script: Script, ledger: Ledger, write: Write, seen: Seen) -> None:
        super().__init__(script, ledger)
        self._write, self._seen = write, seen
        self._body: dict[str, Any] = {}

    def _turn(self, api: str, asked: Any, *rest: Any) -> Any:
        self._body = orjson.loads(asked.body)
        return super()._turn(api, asked, *rest)

    def said(self, question: answers.Question, digest: bytes) -> answers.Said:
        chat = Chat(self._body, len(self._seen.chats))
        self._seen.chats.append(chat)
        text = self._write(chat)
        said = answers.answer(self.script, replace(question, schema=None), digest)
        return replace(said, text=text, usage=replace(said.usage, output=answers.tokens_in(text)))
