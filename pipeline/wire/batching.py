"""Batches on the wire: what each server takes, the lines that go out, and the lines that come back.

A line is JSON: `{"custom_id": …, "method": "POST", "url": …, "body": …}` out, and back
`{"custom_id": …, "response": {"status_code": …, "body": …}, "error": …}`. What is known of servers is in
`batching.toml`. This module does not know HTTP or files.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson

from pipeline.core.domain import Request


@dataclass(frozen=True, slots=True)
class Vendor:
    """What one server's batches are like."""

    name: str
    hosts: tuple[str, ...]
    source: str
    """where it says so"""
    apis: tuple[str, ...]
    """dialects that a batch can be in"""
    most_requests: int
    most_bytes: int
    window: str
    """in which time it answers, as the server wants it said"""
    most_tokens: int | None = None
    """tokens that may wait there at once"""
    join: Literal["id", "index"] = "id"
    """how a line that comes back names the one that went out"""
    metadata: bool = True
    """whether a batch can carry a mark"""
    cancel: bool = True
    retention: int = 30
    """days that results are kept"""
    factor: float = 0.5
    """its price, relative to the usual one"""
    flex: bool = False
    """whether it has the service tier flex"""


@cache
def vendors() -> dict[str, Vendor]:
    """All that is known, by name."""
    text = files("pipeline.wire").joinpath("batching.toml").read_text("utf-8")
    found: dict[str, Vendor] = {}
    for name, knobs in tomllib.loads(text).items():
        listed: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in knobs.items()
        }
        found[name] = Vendor(name, **listed)
    return found


def vendor_of(address: str) -> Vendor:
    """The one at an address; `compatible` where it is not known."""
    host = urlsplit(address).hostname or ""
    return next((one for one in vendors().values() if host in one.hosts), vendors()["compatible"])


def line_of(request: Request, path: str) -> bytes:
    """The line of a request, with its newline, for a dialect at this path; its id is the digest."""
    head = b'{"custom_id":"%s","method":"POST","url":"%s","body":'
    return head % (request.digest.hex().encode(), path.encode()) + request.sent + b"}\n"


@dataclass(frozen=True, slots=True)
class LineBack:
    """A line of results: whose it is, and the reply in it. `status` is 0 where the request was never sent."""

    id: str
    status: int
    body: bytes


def read_line(raw: bytes) -> LineBack | None:
    """What a line of results says; None where it is blank, cut off, or nothing that can be understood."""
    try:
        line: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(line, dict) or not isinstance(line.get("custom_id"), str):
        return None
    response, error = line.get("response"), line.get("error")
    if isinstance(response, dict) and response.get("body") is not None:
        status = response.get("status_code")
        return LineBack(
            line["custom_id"], status if isinstance(status, int) else 0, orjson.dumps(response["body"])
        )
    return LineBack(line["custom_id"], 0, orjson.dumps({"error": error}))
