"""A model that writes and one that judges, both scripted, behind one call."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from pipeline.core.domain import Fault, Reply, Request
from tests.support.fakes import said

_PART = re.compile(r"\[(\w{12}) ([^\]\n]+)\]\n(.*?)\n\[\1 end of \2\]", re.DOTALL)
Parts = dict[str, str]
"""the fenced parts of a question, by their names"""
Says = Callable[[Parts, int], Any]
"""the parts, and how many questions came before -> JSON, a text as it stands, a reply, or a fault to raise"""
MODELS: dict[str, Any] = {name: {"provider": "scripted", "model": name} for name in ("writer", "critic")}


def parts_of(body: dict[str, Any]) -> Parts:
    """What a judge is shown."""
    turns = body.get("messages") or body["input"]
    text = turns if isinstance(turns, str) else turns[-1]["content"]
    return {name: part for _, name, part in _PART.findall(text)}


def verdict(score: int, evidence: str = "tea", reason: str = "It is so.") -> dict[str, Any]:
    return {"evidence": evidence, "reason": reason, "score": score}


def name_of(parts: Parts) -> str:
    """The criterion that is asked about."""
    return parts["criterion"].partition(":")[0]


def _said(text: str) -> Reply:
    """A reply with any text, half characters too."""
    return Reply("chat", json.dumps({"choices": [{"message": {"content": text}}]}).encode())


@dataclass
class Both:
    """The call. `asked` is what the judge was asked, in order."""

    says: Says
    texts: list[str] = field(default_factory=lambda: ["I like tea."])
    """what the writer writes, in turn; the last one for ever"""
    written: list[Request] = field(default_factory=list)
    judged: list[Request] = field(default_factory=list)
    asked: list[Parts] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)

    async def __call__(self, request: Request) -> Reply:
        if not request.via:
            self.written.append(request)
            return _said(self.texts[min(len(self.written), len(self.texts)) - 1])
        self.judged.append(request)
        self.bodies.append(orjson.loads(request.body))
        self.asked.append(parts_of(self.bodies[-1]))
        answer = self.says(self.asked[-1], len(self.asked) - 1)
        if isinstance(answer, Fault):
            raise answer
        if isinstance(answer, Reply):
            return answer
        return said(answer if isinstance(answer, str) else orjson.dumps(answer).decode())
