"""What is asked of each dialect, and how its replies are read."""

from __future__ import annotations

from typing import Any

from pipeline.core import adapters
from pipeline.core.domain import Answer
from pipeline.wire.conversation import Conversation

APIS = adapters.names("apis")
ASKED = Conversation(
    turns=(("user", "one"), ("assistant", "two"), ("user", "three")),
    system="be brief",
    schema={"type": "object", "properties": {"b": {}, "a": {}}},
    name="post",
    translation=("one", "en", "pt"),
)
PARAMS = {"temperature": 0.5, "max_tokens": 9}


def body(api: str, asked: Conversation = ASKED, **params: Any) -> dict[str, Any]:
    """What is sent in this dialect."""
    built: dict[str, Any] = adapters.load("apis", api).body("gpt", asked, params)
    return built


def read(api: str, raw: bytes) -> Answer:
    """What is read of a reply."""
    answer: Answer = adapters.load("apis", api).read(raw)
    return answer
