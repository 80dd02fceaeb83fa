"""Events of a run, one JSON object a line, in `output/<job>/events.jsonl`.

An event has a name and fields: never a sentence, never a prompt, never a key. Events are written in groups: a
crash may lose those of the last quarter of a second, but no warning and nothing that was paid for.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import orjson

from pipeline.core.errors import DiskError
from pipeline.system.files import own_file

LATEST = 0.25
"""seconds that an event may wait to be written together with others"""


class Events(Protocol):
    """Where events go: a structlog logger, or anything with its two methods."""

    def info(self, event: str, **fields: Any) -> Any:
        """Something happened."""

    def warning(self, event: str, **fields: Any) -> Any:
        """Something happened that a person may want to look at."""


@contextmanager
def events_to(path: Path) -> Iterator[Events]:
    """A logger that appends to `path`; on a full disk it drops events, and the run goes on."""
    import structlog  # takes a tenth of a second to import, and `--help` does not log

    try:
        descriptor = own_file(path, os.O_WRONLY | os.O_APPEND)
    except OSError as error:
        raise DiskError(f"cannot be written: {error.strerror}", where=str(path)) from None
    lines = _Appended(descriptor)
    levels = structlog.make_filtering_bound_logger("info")
    processors: list[Any] = [structlog.processors.add_log_level, _line]
    try:
        yield structlog.wrap_logger(lines, processors, levels, cache_logger_on_first_use=True).bind()
    finally:
        lines.flush()
        os.close(descriptor)


class _Appended:
    """Lines on their way into a file. Used from one thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    def info(self, line: bytes) -> None:
        """Write it soon; at once where no loop runs that could do it later."""
        self._lines.append(line)
        if self._timer is None:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                self.flush()
            else:
                self._timer = loop.call_later(LATEST, self.flush)

    def warning(self, line: bytes) -> None:
        """Write it at once, after the lines that wait."""
        self._lines.append(line)
        self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        rest, self._lines = b"".join(self._lines), []
        with suppress(OSError):
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]


def _line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> bytes:
    """An event as JSON, whatever a server or a cell put into it."""
    whole = {"at": datetime.now(UTC), "level": event.pop("level"), "event": event.pop("event"), **event}
    try:
        return orjson.dumps(whole, default=str, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # a lone surrogate
        return json.dumps(whole, default=str).encode() + b"\n"
