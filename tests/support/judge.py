"""A scripted server that judges translations: it finds the errors that a function names, or answers badly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from pipeline.testing import Ledger, Script, Server, answers
from pipeline.testing.server import serving
from pipeline.testing.service import Service
from tests.support.server import serve

Pairs = dict[str, dict[str, Any]]
"""s1, s2, … -> source and translation"""
Verdict = Callable[[Pairs], dict[str, Any] | str]
"""what is asked about -> the judgement, or the whole answer as it stands"""


@dataclass
class Heard:
    """What was asked about, in order."""

    requests: list[Pairs] = field(default_factory=list)

    @property
    def sources(self) -> list[str]:
        return [pair["source"] for pairs in self.requests for pair in pairs.values()]


def content(pairs: Pairs) -> dict[str, Any]:
    """No errors."""
    return {name: [] for name in pairs}


def error(quote: str, category: str = "mistranslation", severity: str = "major") -> dict[str, str]:
    return {"quote": quote, "category": category, "severity": severity, "why": "it is wrong"}


@contextmanager
def judge(verdict: Verdict = content, script: Script | None = None) -> Iterator[tuple[Server, Heard]]:
    """A server that judges with this function; gone on exit."""
    heard = Heard()

    def open_service(service: Service) -> AbstractAsyncContextManager[str]:
        return serving(_Judging(service.script, service.ledger, verdict, heard))

    with serve(script, serving=open_service) as server:
        yield server, heard


class _Judging(Service):
    def __init__(self, script: Script, ledger: Ledger, verdict: Verdict, heard: Heard) -> None:
        super().__init__(script, ledger)
        self._verdict, self._heard = verdict, heard

    def said(self, question: answers.Question, digest: bytes) -> answers.Said:
        pairs = json.JSONDecoder().raw_decode(question.last)[0]
        self._heard.requests.append(pairs)
        found = self._verdict(pairs)
        text = found if isinstance(found, str) else orjson.dumps(found).decode()
        said = answers.answer(self.script, replace(question, schema=None), digest)
        return replace(said, text=text, usage=replace(said.usage, output=answers.tokens_in(text)))
