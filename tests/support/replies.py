"""The corpus of replies in `tests/corpus/replies`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import yaml

from tests.support import ROOT

_ANSWER = {
    "finish": "stop", "reasoning": "", "refusal": "", "model": "", "tier": "", "usage": [0, 0, 0, 0, 0],
}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """A reply, and what it becomes; `words` stand in the message of a fault."""

    name: str
    server: str
    api: str
    body: bytes
    expected: dict[str, Any]
    words: str


def _body(entry: dict[str, Any]) -> bytes:
    if "raw" in entry:
        return str(entry["raw"]).encode()
    if "events" in entry:
        events = [json.dumps(event, ensure_ascii=False) for event in entry["events"]]
        events += ["[DONE]"] if entry.get("done", True) else []
        return "".join(f"data: {event}\n\n" for event in events).encode()
    return json.dumps(entry["body"], ensure_ascii=False).encode()


def _shape(entry: dict[str, Any]) -> Shape:
    fault = dict(entry.get("fault", {}))
    words = fault.pop("words", "")
    expected = fault or _ANSWER | entry["answer"]
    return Shape(entry["name"], entry["server"], entry.get("api", "chat"), _body(entry), expected, words)


REPLIES = [
    _shape(entry)
    for file in sorted((ROOT / "tests/corpus/replies").glob("*.yaml"))
    for entry in yaml.safe_load(file.read_text("utf-8"))
]
