"""Tokens, counted offline: exactly where the model's encoding is known, else as UTF-8 bytes / 4.

Encodings are those of `toktok`; models are matched by the beginning of their names, after OpenAI's
published table. This module does not know prices.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import orjson

from pipeline.domain import Request

BYTES_PER_TOKEN = 4
PER_TURN = 4
"""tokens that a chat message costs besides its text"""
DEFAULT_OUTPUT = 500
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


@cache
def _toktok() -> Any:
    import toktok  # 8 MB; not needed by most commands

    return toktok


def count(text: str, model: str) -> int:
    """Tokens of a text for a model."""
    known = encoding(model)
    if known is None:
        return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)
    return int(_toktok().batch_count([text], known)[0])


def input_tokens(request: Request) -> int:
    """Tokens of everything a request's body says."""
    return sum(count(text, request.model) + PER_TURN for text in _texts(orjson.loads(request.body)))


def output_limit(request: Request) -> int | None:
    """The most tokens the answer may have, None where the request sets no limit."""
    body = orjson.loads(request.body)
    limits = (body[name] for name in _MAXIMA if isinstance(body.get(name), int))
    return next((limit for limit in limits if limit > 0), None)  # some servers take -1 for no limit


def reserved(request: Request, usual: float = DEFAULT_OUTPUT) -> float:
    """Tokens to set aside before sending: the input and the most, or the usual, output."""
    return input_tokens(request) + (output_limit(request) or usual)


def _texts(body: dict[str, Any]) -> list[str]:
    texts = [body[name] for name in ("prompt", "instructions", "text") if isinstance(body.get(name), str)]
    turns = body.get("messages") or body.get("input") or []
    texts += [turn["content"] for turn in turns if isinstance(turn.get("content"), str)]
    form = body.get("response_format")
    return [*texts, orjson.dumps(form).decode()] if form else texts
