"""Tokens, counted offline: exactly where the model's encoding is known, else as UTF-8 bytes / 4.

Encodings are those of `toktok`; models are matched by the beginning of their names, after OpenAI's
published table. Its tables take a second and 64 to 90 MB, so they are loaded only where exact counts are
needed: for a plan, and for a run with a budget. This module does not know prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Any

import orjson

from pipeline.core.domain import Media, Request

BYTES_PER_TOKEN = 4
PER_TURN = 4  # tokens that a chat message costs besides its text
DEFAULT_OUTPUT = 500
SMALL_PICTURE, LARGEST_PICTURE = 1_100, 20_000
"""tokens of a picture: beside what its size comes to, and at the most"""
PER_SECOND = 50
"""the most tokens of a second of sound"""
_PICTURES = (("gpt-4o-mini", 48_169),)
"""models that count a picture as many times more, with the most that it can be"""
_ENCODINGS = (
    ("gpt-3.5", "cl100k_base"),
    ("gpt-4o", "o200k_base"),
    ("gpt-4.", "o200k_base"),
    ("gpt-4", "cl100k_base"),
    ("gpt-", "o200k_base"),
    ("chatgpt-", "o200k_base"),
    ("o1", "o200k_base"),
    ("o3", "o200k_base"),
    ("o4", "o200k_base"),
)
_MAXIMA = ("max_completion_tokens", "max_output_tokens", "max_tokens", "n_predict")


@lru_cache(maxsize=64)
def encoding(model: str) -> str | None:
    """The encoding of a model, None where it is not known."""
    name = model.rsplit("/", 1)[-1].lower()
    return next((encoding for prefix, encoding in _ENCODINGS if name.startswith(prefix)), None)


def count(text: str, model: str) -> int:
    """Tokens of a text for a model."""
    known = encoding(model)
    if known is None:
        return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)
    import toktok  # 8 MB; not needed by most commands

    return int(toktok.batch_count([text], known)[0])


@dataclass(frozen=True, slots=True)
class Size:
    """Tokens of all text in a body, and the most output tokens it allows; None where it sets no limit."""

    input: int
    limit: int | None
    exact: bool = False  # whether it was counted by the model's own encoding
    media: int = 0  # the part of the input that are pictures and recordings: the most that they can be


def size(request: Request, *, exact: bool = True) -> Size:
    """Input and output limit of a request, its body parsed once; `exact` asks for an exact input count."""
    body = orjson.loads(request.body)
    model = request.model if exact else ""
    taken = sum(count(text, model) + PER_TURN for text in _texts(body))
    media = sum(_most(one, request.model) for one in request.media)
    return Size(taken + media, limit_of(body), encoding(model) is not None, media)


def _most(one: Media, model: str) -> int:
    """The most tokens that a picture or a recording can be.

    Providers count pictures in tiles of 512 or 768 pixels, or in patches of 28 or 32, which some models count
    2.5 times; a small one costs up to four tiles, and a large one is made smaller first.
    """
    if one.seconds:
        return PER_TURN + ceil(one.seconds * PER_SECOND)
    name = model.rsplit("/", 1)[-1].lower()
    most = next((most for prefix, most in _PICTURES if name.startswith(prefix)), 0)
    width, height = one.pixels
    if most or not (width and height):
        return most or LARGEST_PICTURE
    return min(LARGEST_PICTURE, ceil(SMALL_PICTURE + 2.5 * ceil(width / 28) * ceil(height / 28)))


def limit_of(body: Mapping[str, Any]) -> int | None:
    """The most output tokens that a body, or the parameters in it, allow; None where they set no limit."""
    limits = (body[name] for name in _MAXIMA if isinstance(body.get(name), int))
    return next((limit for limit in limits if limit > 0), None)  # some servers take -1 for no limit


def _texts(body: dict[str, Any]) -> list[str]:
    texts = [body[name] for name in ("prompt", "instructions", "text") if isinstance(body.get(name), str)]
    turns = body.get("messages") or body.get("input") or []
    texts += [turns] if isinstance(turns, str) else map(_content, turns)
    text = body.get("text")
    form = body.get("response_format") or (text.get("format") if isinstance(text, dict) else None)
    form = form or body.get("questions")
    return [*texts, orjson.dumps(form).decode()] if form else texts


def _content(turn: dict[str, Any]) -> str:
    content = turn.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(part["text"] for part in parts if isinstance(part.get("text"), str))
