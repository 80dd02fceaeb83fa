"""Pseudo-translation: accents, a third longer, in brackets; free, and shows what will be translated.

Nothing is asked of a model. This module does not know documents or the job.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import orjson

from pipeline.core.contracts import Capabilities
from pipeline.core.domain import Call, Reply, Request
from pipeline.core.health import Check, ok
from pipeline.job.fields import Spec
from pipeline.job.models import Model
from pipeline.providers._here import anything, not_told, nowhere
from pipeline.translation.pseudo import pseudo

CAPABILITIES = Capabilities(
    apis=("translation",), concurrency=64, free=True, default_model="pseudo", keeps_signs=True
)
address = nowhere
objection = anything
slots = not_told


class Options(Spec):
    """This provider has no settings of its own."""


def label(model: Model) -> str:
    """What the result says a translation came from."""
    return "pseudo"


@asynccontextmanager
async def connect(model: Model) -> AsyncIterator[Call]:
    """A call that writes accents."""

    async def call(request: Request) -> Reply:
        text = pseudo(orjson.loads(request.body)["text"])
        return Reply("translation", orjson.dumps({"text": text, "model": "pseudo"}))

    yield call


def health(model: Model) -> Iterator[Check]:
    """There is nothing that could be missing."""
    yield ok("model", "pseudo-translation needs nothing")
