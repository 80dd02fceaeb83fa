"""What no proper HTTP server sends: bytes as they go over the wire, again and again, and an end.

| fault | what is sent |
| --- | --- |
| stall | half of the answer, and nothing more, ever |
| trickle | the answer begins, and a byte comes every `seconds` (1), for ever |
| no_last_chunk | the answer in chunks, without the last one; then the connection is closed |
| short_length | the answer with a Content-Length of half its size |
| second_answer | the answer, and on its heels another one that nobody asked for |
| late_answer | the answer, and `seconds` (0.05) later another one that nobody asked for |
| closed_after | the answer; then the connection, which was to be kept, is closed |
| reset, reset_body | a TCP reset, before a byte of the answer or after half of it |
| gzip_bomb | gzip, though none was asked for, that inflates to `bytes` (1 GiB) |
| gzip_garbage, unknown_encoding | what says it is gzip and is not; what says it is `br` |
| endless_headers, long_header | header lines without end; one of `bytes` (1 MiB) and then the answer |
| interim | 103 and 100 before the answer |

This module does not know requests or sockets; `answer` is the whole body that goes well.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from pipeline.testing.script import Rule

BOMB = 1 << 30
LONG_HEADER = 1 << 20
_BLOCK = 1 << 20
_JSON = b"content-type: application/json\r\n"
_OTHER = b'{"choices":[{"message":{"content":"an answer to nobody"},"finish_reason":"stop"}]}'


class End(Enum):
    """What becomes of the connection when all is sent."""

    KEEP = "keep"
    CLOSE = "close"
    RESET = "reset"
    HANG = "hang"


class Sees(Enum):
    """What a careful client makes of it."""

    ANSWER = "answer"
    CUT = "cut"
    """the connection was lost; what came of the answer is `Play.body`"""
    NOTHING = "nothing"
    """the time was up"""
    NONSENSE = "nonsense"
    """no reply; what came is `Play.body`"""
    TOO_MUCH = "too much"


@dataclass(frozen=True, slots=True)
class Play:
    """Bytes to send, then `again` so many `times` (None: for ever), `seconds` before each; then the end."""

    first: bytes
    again: bytes = b""
    times: int | None = 0
    seconds: float = 0.0
    end: End = End.CLOSE
    sees: Sees = Sees.CUT
    body: bytes = b""


def play(rule: Rule, answer: bytes) -> Play:
    """The play of a rule whose fault is one of `PLAYS`."""
    return PLAYS[rule.fault](rule, answer)


def _head(length: int | None = None, more: bytes = b"") -> bytes:
    """The head of a response with success; without a length it comes in chunks."""
    size = b"transfer-encoding: chunked\r\n" if length is None else b"content-length: %d\r\n" % length
    return b"HTTP/1.1 200 OK\r\n" + _JSON + size + more + b"\r\n"


def _whole(answer: bytes, more: bytes = b"") -> bytes:
    return _head(len(answer), more) + answer


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _stall(rule: Rule, answer: bytes) -> Play:
    half = answer[: len(answer) // 2]
    return Play(_head(len(answer)) + half, end=End.HANG, sees=Sees.NOTHING)


def _trickle(rule: Rule, answer: bytes) -> Play:
    every = 1.0 if rule.seconds is None else rule.seconds
    return Play(_head() + _chunk(answer[:1]), _chunk(b" "), None, every, sees=Sees.NOTHING)


def _no_last_chunk(rule: Rule, answer: bytes) -> Play:
    return Play(_head() + _chunk(answer), body=answer)


def _short_length(rule: Rule, answer: bytes) -> Play:
    return Play(_head(len(answer) // 2) + answer, end=End.KEEP, sees=Sees.NONSENSE)


def _second_answer(rule: Rule, answer: bytes) -> Play:
    return Play(_whole(answer) + _whole(_OTHER), end=End.KEEP, sees=Sees.ANSWER, body=answer)


def _late_answer(rule: Rule, answer: bytes) -> Play:
    later = 0.05 if rule.seconds is None else rule.seconds
    return Play(_whole(answer), _whole(_OTHER), 1, later, End.KEEP, Sees.ANSWER, answer)


def _closed_after(rule: Rule, answer: bytes) -> Play:
    return Play(_whole(answer), sees=Sees.ANSWER, body=answer)


def _reset(rule: Rule, answer: bytes) -> Play:
    return Play(b"", end=End.RESET)


def _reset_body(rule: Rule, answer: bytes) -> Play:
    half = answer[: len(answer) // 2]
    return Play(_head(len(answer)) + half, b"", 1, 0.05, End.RESET, body=half)


def _gzip_bomb(rule: Rule, answer: bytes) -> Play:
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    first = packer.compress(b" ") + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(b" " * _BLOCK) + packer.flush(zlib.Z_FULL_FLUSH)
    head = _head(more=b"content-encoding: gzip\r\n")
    times = -(-(rule.bytes or BOMB) // _BLOCK)
    return Play(head + _chunk(first), _chunk(again), times, sees=Sees.TOO_MUCH)


def _gzip_garbage(rule: Rule, answer: bytes) -> Play:
    sent = _whole(answer, b"content-encoding: gzip\r\n")
    return Play(sent, end=End.KEEP, sees=Sees.NONSENSE, body=answer)


def _unknown_encoding(rule: Rule, answer: bytes) -> Play:
    sent = _whole(answer, b"content-encoding: br\r\n")
    return Play(sent, end=End.KEEP, sees=Sees.NONSENSE, body=answer)


def _endless_headers(rule: Rule, answer: bytes) -> Play:
    line = b"x-more: " + b"a" * 100 + b"\r\n"
    return Play(b"HTTP/1.1 200 OK\r\n" + _JSON, line * 100, None, sees=Sees.NONSENSE)


def _long_header(rule: Rule, answer: bytes) -> Play:
    line = b"x-more: " + b"a" * (rule.bytes or LONG_HEADER) + b"\r\n"
    return Play(_whole(answer, line), end=End.KEEP, sees=Sees.NONSENSE)


def _interim(rule: Rule, answer: bytes) -> Play:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    return Play(early + _whole(answer), end=End.KEEP, sees=Sees.ANSWER, body=answer)


PLAYS: dict[str, Callable[[Rule, bytes], Play]] = {
    "stall": _stall,
    "trickle": _trickle,
    "no_last_chunk": _no_last_chunk,
    "short_length": _short_length,
    "second_answer": _second_answer,
    "late_answer": _late_answer,
    "closed_after": _closed_after,
    "reset": _reset,
    "reset_body": _reset_body,
    "gzip_bomb": _gzip_bomb,
    "gzip_garbage": _gzip_garbage,
    "unknown_encoding": _unknown_encoding,
    "endless_headers": _endless_headers,
    "long_header": _long_header,
    "interim": _interim,
}
