"""A scripted server that translates: it answers what a segment-wise translation asks for, well or badly.

Its ledger of what it billed is the same as that of every scripted server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from pipeline.testing import Ledger, Script, Server, answers
from pipeline.testing.server import serving
from pipeline.testing.service import Service
from tests.support.sentences import LANGUAGES, translated
from tests.support.server import serve

Texts = dict[str, str]
"""s1, s2, … -> texts"""
Translate = Callable[[Texts, "Asked"], Texts | str]
"""what is asked for -> the translations, or the whole answer as it stands"""
_TAG = re.compile(r'<seg id="(s\d+)">(.*?)</seg>', re.DOTALL)


@dataclass(frozen=True)
class Asked:
    """One request."""

    number: int
    last: str
    texts: Texts
    schema: bool
    digest: str = ""
    """as the journal has it, in hexadecimal digits"""

    @property
    def language(self) -> str:
        """The language that is asked for."""
        return next(code for code in LANGUAGES if f"({code})" in self.last)


@dataclass
class Seen:
    """What was asked, in order."""

    requests: list[Asked] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def systems(self) -> list[str]:
        """The instructions of each request."""
        return [body["messages"][0]["content"] for body in self.bodies]

    @property
    def texts(self) -> list[str]:
        return [text for one in self.requests for text in one.texts.values()]


def identity(texts: Texts, asked: Asked) -> Texts:
    """The same texts."""
    return texts


def well(texts: Texts, asked: Asked) -> Texts:
    """The sentences of `sentences.py` in the language that is asked for."""
    return {name: translated(text, asked.language) for name, text in texts.items()}


def texts_of(last: str) -> Texts:
    """The texts that a message asks for."""
    if tags := _TAG.findall(last):
        return dict(tags)
    if "JSON object" in last:
        found = json.loads(last[last.rindex("\n{") :])
        assert isinstance(found, dict)
        return found
    return {"s1": last.split("\n\n", 1)[1]}


@contextmanager
def translator(
    translate: Translate = well, script: Script | None = None, *, ledger: Path | None = None
) -> Iterator[tuple[Server, Seen]]:
    """A server that translates with this function; gone on exit."""
    seen = Seen()

    def open_service(service: Service) -> AbstractAsyncContextManager[str]:
        return serving(_Translating(service.script, service.ledger, translate, seen))

    with serve(script, ledger=ledger, serving=open_service) as server:
        yield server, seen


class _Translating(Service):
    def __init__(self, script: Script, ledger: Ledger, translate: Translate, seen: Seen) -> None:
        super().__init__(script, ledger)
        self._translate, self._seen = translate, seen

    def _turn(self, api: str, asked: Any, *rest: Any) -> Any:
        self._seen.bodies.append(orjson.loads(asked.body))
        return super()._turn(api, asked, *rest)

    def said(self, question: answers.Question, digest: bytes) -> answers.Said:
        texts = texts_of(question.last)
        schema = question.schema is not None
        asked = Asked(len(self._seen.requests), question.last, texts, schema, digest.hex())
        self._seen.requests.append(asked)
        found = self._translate(texts, asked)
        if isinstance(found, dict):
            plain = question.schema is None and "<seg id=" not in question.last
            tags = "\n".join(f'<seg id="{name}">{text}</seg>' for name, text in found.items())
            found = orjson.dumps(found).decode() if question.schema is not None else tags
            found = next(iter(self._translate(texts, asked).values())) if plain else found  # type: ignore[union-attr]
        said = answers.answer(self.script, replace(question, schema=None), digest)
        usage = replace(said.usage, output=answers.tokens_in(found))
        return replace(said, text=found, usage=usage)
