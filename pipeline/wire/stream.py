"""A stream that nobody asked for, joined into the one reply that it would have been.

Server-sent events, or one JSON object a line. A stream without an end is no whole answer. `[DONE]` alone is
an end only where the server never names a `finish_reason`. A `delta` is a part; a `message` that says all of
what was said before is the whole, and takes its place. This module does not know what the parts of a reply
mean, only where they are put.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from pipeline.wire.faults import unreadable
from pipeline.wire.words import REASONING

_BEGINS = (b"data:", b"event:", b"id:", b"retry:", b":")
_BLANK = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_ENDS = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")
_ONCE = ("model", "service_tier", "id")


def is_stream(body: bytes) -> bool:
    """Whether a body is made of server-sent events."""
    return body[:200].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_BEGINS)


def whole(body: bytes) -> dict[str, Any]:
    """One reply with all that the events say; a `Fault` where the stream has no end."""
    return _joined(_events(body), body)


def lines(body: bytes) -> dict[str, Any] | None:
    """The same of a body with one JSON object a line, as Ollama sends it; None where it is no such body."""
    parts = body.split(b"\n")
    if len(parts) < 2 or not all(part.lstrip()[:1] in (b"{", b"") for part in parts):
        return None
    try:
        return _joined(map(orjson.loads, filter(bytes.strip, parts)), body)
    except ValueError:
        return None


def _events(body: bytes) -> Iterator[Any]:
    """What the events carry, parsed."""
    for event in _BLANK.split(body.removeprefix(b"\xef\xbb\xbf")):
        parts = event.splitlines()
        data = [
            line[5:].strip().removeprefix(b"data:").strip() for line in parts if line.startswith(b"data:")
        ]
        failed = any(line.startswith(b"event:") and line[6:].strip() == b"error" for line in parts)
        for part in _parsed([piece for piece in data if piece and piece != b"[DONE]"], body):
            yield {"error": part} if failed and not (isinstance(part, dict) and part.get("error")) else part


def _parsed(data: list[bytes], body: bytes) -> list[Any]:
    """The parts of one event: each of its lines, or one value over all of them."""
    try:
        return [orjson.loads(piece) for piece in data]
    except ValueError:
        pass
    try:
        return [orjson.loads(b"\n".join(data))]
    except ValueError:
        raise unreadable("the reply is a stream that broke off, or is not made of JSON", body) from None


class _Said:
    """What a stream has said so far."""

    def __init__(self) -> None:
        self.once: dict[str, Any] = {}
        self.texts: dict[str, list[str]] = {}
        self.parts: list[Any] = []
        self.choice: dict[str, Any] = {}
        self.items: list[Any] = []
        self.response: dict[str, Any] | None = None
        self.messages: list[str] = []  # the texts of messages; deltas are not among them
        self.begun = self.twice = self.named = False

    def take(self, part: Mapping[str, Any]) -> None:
        """One event of a chat, a completion, or a response."""
        kind = part.get("type")
        self.begun = self.begun or isinstance(kind, str) or "choices" in part or "done" in part
        if isinstance(kind, str) and kind.startswith("response."):
            response = part.get("response")
            if kind in _ENDS and isinstance(response, dict):
                self.response = response
            elif kind == "response.output_item.done":
                self.items.append(part.get("item"))
            return
        self.once |= {name: part[name] for name in _ONCE if part.get(name)}
        groq = part.get("x_groq")
        usage = part.get("usage") or (groq.get("usage") if isinstance(groq, dict) else None)
        if isinstance(usage, dict):
            self.once["usage"] = usage
        choices = part.get("choices")
        if isinstance(choices, list) and choices:
            self._choice(choices[0])
        elif "done" in part:  # Ollama's own form
            ended = part.get("done_reason") or ("stop" if part["done"] else None)
            self._choice({**part, "delta": part.get("message"), "finish_reason": ended})
            if part["done"]:
                counts = {"prompt_tokens": part.get("prompt_eval_count")}
                self.once["usage"] = counts | {"completion_tokens": part.get("eval_count")}

    def _choice(self, choice: Any) -> None:
        if not isinstance(choice, dict) or choice.get("index"):
            return
        ended = self.choice.get("finish_reason")
        self.named = self.named or "finish_reason" in choice
        told = {name: choice.get(name) for name in ("finish_reason", "error")}
        self.choice |= {name: said for name, said in told.items() if said and said != "null"}
        delta = choice.get("delta") or choice.get("message") or {}
        if not isinstance(delta, dict):
            return
        content = delta.get("content")
        added = content if isinstance(content, list) else []
        if isinstance(content, str):
            added = [{"type": "text", "text": content}]
        if not choice.get("delta") and (text := _text(added)):
            if "finish_reason" in self.choice and _says_all(text, _text(self.parts)):
                self.parts, self.messages, ended = [], [], None
                self.texts = {name: said for name, said in self.texts.items() if not delta.get(name)}
            self.messages.append(text)
        self.parts += added
        texts = {name: delta.get(name) for name in ("refusal", *REASONING)}
        texts["text"] = choice.get("text") or choice.get("response")
        for name, said in texts.items():
            if isinstance(said, str):
                self.texts.setdefault(name, []).append(said)
        self.twice = self.twice or bool(ended and (content or texts["text"]))

    def reply(self, *, done: bool) -> dict[str, Any] | None:
        """The reply; None where the end is missing."""
        if self.response is not None:
            return self.response if self.response.get("output") else {**self.response, "output": self.items}
        ended = not self.choice.keys().isdisjoint(("finish_reason", "error"))
        if not ended and (self.named or not done or not (self.parts or self.texts)):
            return None
        only = len(self.messages) > 1 and "".join(self.messages) == _text(self.parts)
        if only and all(map(str.startswith, self.messages[1:], self.messages)):  # each repeats the one before
            self.parts = [{"type": "text", "text": self.messages[-1]}]
        texts = {name: "".join(said) for name, said in self.texts.items()}
        message = {**texts, "content": self.parts}
        return {**self.once, "choices": [{**self.choice, "message": message, "text": texts.get("text")}]}


def _text(parts: list[Any]) -> str:
    """The text of all parts of a content."""
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def _says_all(message: str, before: str) -> bool:
    """Whether a message says all that was said before; what was said may have its reasoning before it."""
    return message.strip().startswith(before.strip()) or before.strip().endswith(message.strip())


def _joined(parts: Iterator[Any], body: bytes) -> dict[str, Any]:
    said = _Said()
    part: Any = None
    for part in parts:
        if not isinstance(part, dict):
            continue
        if part.get("error") or part.get("type") == "error":
            return {"error": part.get("error") or part}
        said.take(part)
    if said.twice:
        raise unreadable("the reply is a stream that goes on behind its end: it is two answers", body)
    reply = said.reply(done=body.rstrip().endswith(b"[DONE]"))
    if reply is None and (said.begun or not isinstance(part, dict)):
        raise unreadable("the reply is a stream without an end: it was cut off", body)
    return reply or part  # a stream of one event that may say what is wrong
