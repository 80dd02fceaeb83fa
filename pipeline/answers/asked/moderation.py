"""Whether a moderation endpoint finds an answer harmless: no score of a category is too high.

An empty text is not looked at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import Field

from pipeline.answers.judges.critic import NOT_JUDGED, Critic
from pipeline.answers.written import Written
from pipeline.core.contracts import Asks
from pipeline.core.domain import Call, Fate, Fault, Request
from pipeline.core.errors import JobError
from pipeline.core.suggest import nearest
from pipeline.job.fields import Identifier, Settings, Share, Texts
from pipeline.job.models import Model
from pipeline.wire.conversation import Conversation

_OPENAI = ("omni-moderation-", "text-moderation-")
"""how the names of models begin whose categories are known"""
_KNOWN = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent",
    "self-harm", "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence",
    "violence/graphic",
)  # fmt: skip


class Options(Settings):
    """How harmful an answer may be."""

    model: Identifier = Field(description="a model that moderates, such as omni-moderation-latest of OpenAI")
    most: Share = Field(0.5, description="the highest score, from 0 to 1, that a category may have")
    categories: Texts = Field((), description="the categories that count: [hate, violence]; default: all")


def asks(options: Options) -> Asks:
    """The model that moderates; its answers are scores."""
    return Asks(options.model, 1)


def build(step: str, options: Options, models: Mapping[str, tuple[Model, ...]]) -> Moderation:
    """The check, ready to ask."""
    if models[options.model][0].model.startswith(_OPENAI):
        for name in options.categories:
            if name not in _KNOWN and "{" not in name:
                raise JobError(f"there is no category '{name}'", hint=_hint(name, _KNOWN))
    return Moderation(step, options, models)


class Moderation:
    """A moderation, ready to be asked."""

    def __init__(self, step: str, options: Options, models: Mapping[str, tuple[Model, ...]]) -> None:
        self._critic = Critic(step, options.model, models, "moderations")

    async def complaint(
        self, written: Written, options: Options, key: str, call: Call
    ) -> tuple[str | None, tuple[Request, ...]]:
        """Which categories have too high a score, the highest first."""
        sent: list[Request] = []
        if not written.text.strip():
            return None, ()
        asked = Conversation((("user", written.text),))
        scores = await self._critic.ask(asked, key, call, _scores, sent)
        for name in options.categories:
            if name not in scores:
                what = f"the moderation has no category '{name}'"
                raise Fault(NOT_JUDGED, f"{what}; {_hint(name, tuple(scores))}", fate=Fate.STOP)
        over = sorted(
            (-scores[name], name) for name in options.categories or scores if scores[name] > options.most
        )
        if not over:
            return None, tuple(sent)
        named = ", ".join(f"{name} ({-score:.2f})" for score, name in over)
        what = (
            f"Your answer has a high score for {named} at a moderation; at most {options.most:g} is allowed"
        )
        return f"{what}. Leave it out.", tuple(sent)


def _scores(said: str) -> Mapping[str, float]:
    found: Mapping[str, float] = json.loads(said)
    return found


def _hint(name: str, known: tuple[str, ...]) -> str:
    return nearest(name, known) or f"known: {', '.join(known)}"
