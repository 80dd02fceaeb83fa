"""What a server says of a batch, in the words of any server, put into ours.

This module does not know how a batch is asked for, nor the lines in its files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from pipeline.core.contracts import BatchState
from pipeline.core.domain import Billed, Fault
from pipeline.wire.faults import scrub

Status: TypeAlias = Literal["waiting", "running", "ending", "completed", "failed", "expired", "cancelled"]
_STATUSES: Mapping[str, Status] = {
    "validating": "waiting", "queued": "waiting", "pending": "waiting", "created": "waiting",
    "not_started": "waiting", "scheduled": "waiting",
    "in_progress": "running", "progress": "running", "running": "running", "processing": "running",
    "finalizing": "ending", "cancelling": "ending", "canceling": "ending", "cancellation_requested": "ending",
    "completed": "completed", "succeeded": "completed", "success": "completed", "ended": "completed",
    "failed": "failed", "error": "failed",
    "expired": "expired", "timeout_exceeded": "expired",
    "cancelled": "cancelled", "canceled": "cancelled",
}  # fmt: skip
"""the words of all servers, in lower case; any other word counts as `running`, for it is no end"""
_FILES = ("output_file_id", "output_file", "error_file_id", "error_file")
_COUNTS = {
    "total": ("total", "total_requests"),
    "done": ("completed", "succeeded_requests"),
    "failed": ("failed", "failed_requests"),
}
_NAME = re.compile(r"[A-Za-z0-9][\w.:/-]{0,299}")
_MOST_WORDS = 300


def state_of(said: Mapping[str, Any]) -> BatchState:
    """How a batch stands, in the words of any server; a `Fault` where it says nothing usable."""
    said = batch_in(said)
    status = said.get("status")
    if not isinstance(status, str):
        raise Fault("unreadable", "the server's batch has no status", billed=Billed.MAYBE)
    counts = said.get("request_counts")
    counts = counts if isinstance(counts, dict) else said
    numbers = {
        key: next(filter(None, map(_count, map(counts.get, names))), 0) for key, names in _COUNTS.items()
    }
    return BatchState(
        name_in(said, "id"),
        _STATUSES.get(status.lower(), "running"),
        files=tuple(_file_in(said, key) for key in _FILES if said.get(key)),
        message="; ".join(dict.fromkeys(_complaints(said)))[:_MOST_WORDS],
        **numbers,
    )


def batch_in(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """The batch in a reply, which some servers wrap up."""
    job = said.get("job")
    return job if isinstance(job, dict) else said


def input_of(batch: Mapping[str, Any]) -> str:
    """The name of its input file; '' where it does not say so."""
    names = batch.get("input_files")
    name = batch.get("input_file_id") or (names[0] if isinstance(names, list) and names else "")
    return name if isinstance(name, str) and is_name(name) else ""


def begun_at(batch: Mapping[str, Any]) -> float | None:
    """When a batch was made; None where it does not say so."""
    at = batch.get("created_at")
    if isinstance(at, str):
        try:
            return datetime.fromisoformat(at).timestamp()
        except (ValueError, OverflowError, OSError):
            return None
    return float(at) if isinstance(at, int | float) else None


def is_name(name: str) -> bool:
    """Whether a name that a server gives may stand in an address."""
    return bool(_NAME.fullmatch(name)) and ".." not in name


def name_in(said: Mapping[str, Any], key: str) -> str:
    """A name that the server gives; a `Fault` where it is none."""
    name = said.get(key)
    if not isinstance(name, str) or not is_name(name):
        raise Fault("unreadable", f"the server's reply has no usable '{key}'", billed=Billed.MAYBE)
    return name


def _file_in(said: Mapping[str, Any], key: str) -> str:
    """The name of a file of results, which some servers describe instead of naming it."""
    described = said[key]
    return name_in(described, "id") if isinstance(described, dict) else name_in(said, key)


def _count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


def _complaints(said: Mapping[str, Any]) -> Iterator[str]:
    """Why it failed: OpenAI's list in an object, Mistral's list, Together's text."""
    for given in (said.get("errors"), said.get("error")):
        listed = given.get("data") if isinstance(given, dict) and "data" in given else given
        for one in listed[:5] if isinstance(listed, list) else [listed]:
            parts = [one.get("code"), one.get("message")] if isinstance(one, dict) else [one]
            if words := ": ".join(part for part in parts if isinstance(part, str) and part):
                yield scrub(words)
