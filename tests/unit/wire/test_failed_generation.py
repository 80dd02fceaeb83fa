"""What a model wrote is found in an error wherever gateways put the error, but never in a message."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.wire.inside import failed_generation

WRITTEN = '{"a": 1'
GROQ = {"message": "Failed to generate JSON. See more.", "code": "json_validate_failed"}
FULL = {**GROQ, "failed_generation": WRITTEN}


def around(error: Any) -> dict[str, Any]:
    """The bodies in which an error may come."""
    return {
        "alone": error,
        "error": {"error": error},
        "list": [{"error": error}],
        "detail": {"detail": error},
        "raw": {
            "error": {"message": "Provider returned error", "metadata": {"raw": json.dumps({"error": error})}}
        },
        "raw object": {"error": {"message": "no", "metadata": {"raw": {"error": error}}}},
    }


@pytest.mark.parametrize("place", around(FULL))
def test_it_is_found_in_each_place(place: str) -> None:
    assert failed_generation(json.dumps(around(FULL)[place]).encode()) == WRITTEN
    assert failed_generation(json.dumps(around(GROQ)[place]).encode()) == "", (
        "a model may have written nothing"
    )
    said = {"code": "tool_use_failed", "failed_generation": {"b": 2}}
    assert failed_generation(json.dumps(around(said)[place]).encode()) == '{"b":2}'


@pytest.mark.parametrize("name", ["message", "msg", "error"])
def test_a_prompt_that_an_error_quotes_decides_nothing(name: str) -> None:
    quoted = f"Invalid input: {json.dumps({'error': FULL})}"
    assert failed_generation(json.dumps({"error": {name: quoted, "code": "invalid"}}).encode()) is None


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"7", b'{"error": "x"}', b'{"error": {"code": [1]}}', b"[" * 5000]
)
def test_other_bodies_hold_none(body: bytes) -> None:
    assert failed_generation(body) is None
