"""Articles that are written section by section, and a model that writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio

from pipeline.core.domain import Reply, Request
from tests.support.fakes import said

OUTLINE: dict[str, Any] = {
    "name": "outline",
    "prompt": "Outline an article about {{ title }}.",
    "answer": {"json": {"title": "string", "sections": [{"heading": "string", "words": "integer"}]}},
    "repairs": 0,
}
BODY: dict[str, Any] = {
    "name": "body",
    "each": {"section": "{{ outline.sections }}"},
    "prompt": "Section {{ number }} of {{ count }} of {{ title }}: {{ section.heading }}. "
    "So far: {{ written }}",
    "repairs": 0,
}
ARTICLE: dict[str, Any] = {
    "name": "article",
    "join": "# {{ outline.title }}\n{% for part in body %}\n"
    "\n## {{ outline.sections[loop.index0].heading }}\n\n{{ part }}\n{% endfor %}",
}
_SECTION = re.compile(r"Section (\d+) of (\d+) of (\S+): (\S*)\.")


def outline(headings: Sequence[str] = "abc", title: str = "T") -> str:
    """An outline in JSON."""
    return json.dumps({"title": title, "sections": [{"heading": one, "words": 20} for one in headings]})


def section_of(prompt: str) -> int:
    """Which section a prompt asks for; 0 for the outline."""
    found = _SECTION.search(prompt)
    return int(found[1]) if found else 0


def plain(number: int, turn: int) -> str:
    """A section."""
    return f"Text {number}"


@dataclass
class Writer:
    """A model: the outline, and sections as `write(number, turn)` has them; the first turn is 0."""

    outline: str = field(default_factory=outline)
    write: Callable[[int, int], str | Reply] = plain
    seconds: Callable[[int], float] = lambda number: 0.0
    asked: list[tuple[int, list[str]]] = field(default_factory=list)
    """the number of the section, and all messages"""
    most: int = 0
    _now: int = 0

    async def __call__(self, request: Request) -> Reply:
        messages = [one["content"] for one in json.loads(request.body)["messages"]]
        number = section_of(messages[0])
        self.asked.append((number, messages))
        self._now += 1
        self.most = max(self.most, self._now)
        await anyio.sleep(self.seconds(number))
        self._now -= 1
        answer = self.write(number, len(messages) // 2) if number else self.outline
        return said(answer) if isinstance(answer, str) else answer

    @property
    def numbers(self) -> list[int]:
        """The sections that were asked for, in their order."""
        return [number for number, _ in self.asked]
