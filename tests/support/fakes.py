"""Small stand-ins for what stands around a guard or a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import orjson

from pipeline.core.domain import Billed, Call, Fate, Fault, Reply, Request
from pipeline.journal.journal import Journal
from pipeline.wire.conversation import Conversation, RequestBuilder


def asked(text: str, step: str = "s", key: str = "1", **params: Any) -> Request:
    """A chat request with this text."""
    conversation = Conversation((("user", text),))
    return RequestBuilder("chat", "m", params, step).build(conversation, key)


def chat_body(text: Any, finish_reason: str = "stop", **more: Any) -> bytes:
    """The body of a chat completion that says this text."""
    message = {"role": "assistant", "content": text, **more}
    return orjson.dumps({"model": "m", "choices": [{"message": message, "finish_reason": finish_reason}]})


def said(text: str, finish_reason: str = "stop") -> Reply:
    """A chat reply with this text."""
    return Reply("chat", chat_body(text, finish_reason), 0.5)


def again(kind: str = "server_error", wait: float | None = None, billed: Billed = Billed.MAYBE) -> Fault:
    """A fault that asks for another try."""
    return Fault(kind, "try again", fate=Fate.RETRY, billed=billed, wait=wait)


@dataclass
class Provider:
    """A call that answers from a list in turn (its last item for ever), `seconds` after it was asked."""

    script: Sequence[Reply | Fault | Callable[[Request], Reply]] = field(default_factory=lambda: [said("a")])
    seconds: float = 0.0
    requests: list[Request] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    now: int = 0
    most: int = 0

    async def __call__(self, request: Request) -> Reply:
        item = self.script[min(len(self.requests), len(self.script) - 1)]
        self.requests.append(request)
        self.times.append(anyio.current_time())
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            if self.seconds:
                await anyio.sleep(self.seconds)
        finally:
            self.now -= 1
        if isinstance(item, Fault):
            raise item
        return item if isinstance(item, Reply) else item(request)

    @property
    def bodies(self) -> list[Any]:
        """What it was asked, parsed."""
        return [orjson.loads(request.body) for request in self.requests]


@dataclass
class Events:
    """Events, kept."""

    seen: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def info(self, event: str, **fields: Any) -> None:
        self.seen.append((event, fields))

    warning = info


async def outcomes(call: Call, requests: list[Request]) -> list[Reply | Fault]:
    """What each of the requests, asked at once, came to."""
    results: list[Reply | Fault] = [Fault("none", "")] * len(requests)

    async def ask(i: int) -> None:
        try:
            results[i] = await call(requests[i])
        except Fault as fault:
            results[i] = fault

    async with anyio.create_task_group() as group:
        for i in range(len(requests)):
            group.start_soon(ask, i)
    return results


def kept_reply(journal: Journal, digest: bytes) -> Reply | None:
    """The reply that stands in a journal under a digest."""
    return journal.look_up([digest])[0].get(digest)


def last_fault(journal: Journal, digest: bytes) -> Fault | None:
    """How the last attempt at a request failed that did."""
    return journal.look_up([digest])[1].get(digest)
