"""The parts of a message that we send are those that OpenAI's SDK has types for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openai.types.chat import ChatCompletionMessageParam
from openai.types.responses import EasyInputMessageParam
from pydantic import TypeAdapter, ValidationError

from tests.support.pictures import MP3, png, wav
from tests.support.stages import stage

IMAGES = [png(), "https://example.com/a.png"]
CHAT: TypeAdapter[Any] = TypeAdapter(ChatCompletionMessageParam)
RESPONSES: TypeAdapter[Any] = TypeAdapter(EasyInputMessageParam)


def sent(folder: Path, api: str, **step: Any) -> dict[str, Any]:
    values = {"photos": IMAGES, "sounds": [wav(), MP3]}
    made = stage(folder, {"api": api}, prompt="Describe it.", **step)
    body: dict[str, Any] = json.loads(made.runner.first_request(values, "1").sent)
    return body


def checked(adapter: TypeAdapter[Any], message: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts, as the SDK's type reads them: it drops what it does not know."""
    read = adapter.validate_python(message)
    content = [dict(part) for part in read["content"]]
    assert content == message["content"]
    assert read["role"] == "user"
    return content


@pytest.mark.parametrize("detail", ["", "low", "high", "auto", "original"])
def test_pictures_and_recordings_in_a_chat(tmp_path: Path, detail: str) -> None:
    more = {"detail": detail} if detail else {}
    body = sent(tmp_path, "chat", images="{{ photos }}", audio="{{ sounds }}", **more)
    kinds = [part["type"] for part in checked(CHAT, body["messages"][-1])]
    assert kinds == ["text", "image_url", "image_url", "input_audio", "input_audio"]


@pytest.mark.parametrize("detail", ["", "low", "high", "auto", "original"])
def test_pictures_in_a_response(tmp_path: Path, detail: str) -> None:
    more = {"detail": detail} if detail else {}
    body = sent(tmp_path, "responses", images="{{ photos }}", **more)
    parts = checked(RESPONSES, body["input"][-1])
    assert [part["type"] for part in parts] == ["input_text", "input_image", "input_image"]
    assert {part["detail"] for part in parts[1:]} == {detail or "auto"}


def test_the_types_refuse_what_is_no_part(tmp_path: Path) -> None:
    body = sent(tmp_path, "chat", images="{{ photos }}")
    body["messages"][-1]["content"][1]["image_url"] = "a"
    with pytest.raises(ValidationError):
        checked(CHAT, body["messages"][-1])
