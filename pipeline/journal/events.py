"""Events of a run, one JSON object a line, in `output/<job>/events.jsonl`.

An event has a name and fields: never a sentence, never a prompt, never a key.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import orjson

from pipeline.core.errors import DiskError
from pipeline.system.files import own_file


class Events(Protocol):
    """Where events go: a structlog logger, or anything with its two methods."""

    def info(self, event: str, **fields: Any) -> Any:
        """Something happened."""

    def warning(self, event: str, **fields: Any) -> Any:
        """Something happened that a person may want to look at."""


@contextmanager
def events_to(path: Path) -> Iterator[Events]:
    """A logger that appends to `path`; a full disk silences it rather than end the run."""
    import structlog  # takes a tenth of a second to import, and `--help` does not log

    try:
        descriptor = own_file(path, os.O_WRONLY | os.O_APPEND)
    except OSError as error:
        raise DiskError(f"cannot be written: {error.strerror}", where=str(path)) from None

    def write(_logger: object, _method: str, event: Any) -> str:
        with suppress(OSError):
            os.write(descriptor, _line(event))
        raise structlog.DropEvent

    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="at")
    processors: list[Any] = [structlog.processors.add_log_level, stamp, write]
    logger: Events = structlog.wrap_logger(object(), processors=processors)
    try:
        yield logger
    finally:
        os.close(descriptor)


def _line(event: Any) -> bytes:
    """An event as JSON, whatever a server or a cell put into it."""
    try:
        return orjson.dumps(event, default=str) + b"\n"
    except TypeError:  # a lone surrogate
        return json.dumps(event, default=str).encode() + b"\n"
