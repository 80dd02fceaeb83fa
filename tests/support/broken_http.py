"""A server that breaks HTTP: what no proper one sends goes over the wire, byte by byte as it stands here.

    with serve(serving=breaking) as server:
        ...  # a prompt with `<stall>` in it is met by the break 'stall'; any other one is answered

| break | what is sent |
| --- | --- |
| stall | half of the answer, and nothing more, ever |
| trickle | the answer begins, and a byte comes every 0.1 s, for ever |
| no_last_chunk | the answer in chunks, without the last one; then the connection is closed |
| short_length | the answer with a Content-Length of half its size |
| second_answer | the answer, and on its heels another one that nobody asked for |
| late_answer | the answer, and 0.05 s later another one that nobody asked for |
| closed_after | the answer; then the connection, which was to be kept, is closed |
| reset, reset_body | a TCP reset, before a byte of the answer or after half of it |
| gzip_bomb | gzip, though none was asked for, that inflates to 16 GiB |
| gzip_garbage, unknown_encoding | what says it is gzip and is not; what says it is `br` |
| endless_headers, long_header | header lines without end; one of a megabyte and then the answer |
| interim | 103 and 100 before the answer |
"""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from itertools import count

from pipeline.testing.server import BACKLOG, PATHS
from pipeline.testing.service import Service
from pipeline.testing.wire import Manner, Wire

BOMB = 16 << 30
LONG_HEADER = 1 << 20
_BLOCK = 1 << 20
_WAITING = 1 << 20
"""bytes that may wait to be sent before more are made"""
_NO_LINGER = struct.pack("ii", 1, 0)
"""what is closed so is reset"""
_JSON = b"content-type: application/json\r\n"
_OTHER = b'{"choices":[{"message":{"content":"an answer to nobody"},"finish_reason":"stop"}]}'


class End(Enum):
    """What becomes of the connection when all is sent."""

    KEEP = "keep"
    CLOSE = "close"
    RESET = "reset"
    HANG = "hang"


@dataclass(frozen=True)
class Break:
    """Bytes to send, then `again` so many `times` (None: for ever), `seconds` before each; then the end."""

    first: bytes
    again: bytes = b""
    times: int | None = 0
    seconds: float = 0.0
    end: End = End.CLOSE


def head(length: int | None = None, more: bytes = b"", status: int = 200) -> bytes:
    """The head of a response; without a length it comes in chunks."""
    size = b"transfer-encoding: chunked\r\n" if length is None else b"content-length: %d\r\n" % length
    return b"HTTP/1.1 %d \r\n" % status + _JSON + size + more + b"\r\n"


def whole(answer: bytes, more: bytes = b"") -> bytes:
    return head(len(answer), more) + answer


def half(answer: bytes) -> bytes:
    return head(len(answer)) + answer[: len(answer) // 2]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def proper(wire: Wire) -> Break:
    """No break: an answer as it should be, or one of the faults of a script that are no break, either."""
    if wire.manner is Manner.PAD:  # until the connection is closed, so that nobody knows how much it will be
        times, more = divmod(wire.size - len(wire.body), _BLOCK)
        first = b"HTTP/1.1 200 OK\r\n" + _JSON + b"connection: close\r\n\r\n" + wire.body
        return Break(first + b" " * more, b" " * _BLOCK, times)
    return Break(head(len(wire.body), status=wire.status) + wire.body, end=End.KEEP)


def gzip_bomb(answer: bytes) -> Break:
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    first = packer.compress(b" ") + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(b" " * _BLOCK) + packer.flush(zlib.Z_FULL_FLUSH)
    return Break(head(more=b"content-encoding: gzip\r\n") + chunk(first), chunk(again), BOMB // _BLOCK)


def endless_headers(answer: bytes) -> Break:
    return Break(b"HTTP/1.1 200 OK\r\n" + _JSON, b"x-more: %b\r\n" % (b"a" * 100) * 100, None)


def interim(answer: bytes) -> Break:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    return Break(early + whole(answer), end=End.KEEP)


BREAKS: dict[str, Callable[[bytes], Break]] = {
    "stall": lambda answer: Break(half(answer), end=End.HANG),
    "trickle": lambda answer: Break(head() + chunk(answer[:1]), chunk(b" "), None, 0.1),
    "no_last_chunk": lambda answer: Break(head() + chunk(answer)),
    "short_length": lambda answer: Break(head(len(answer) // 2) + answer, end=End.KEEP),
    "second_answer": lambda answer: Break(whole(answer) + whole(_OTHER), end=End.KEEP),
    "late_answer": lambda answer: Break(whole(answer), whole(_OTHER), 1, 0.05, End.KEEP),
    "closed_after": lambda answer: Break(whole(answer)),
    "reset": lambda answer: Break(b"", end=End.RESET),
    "reset_body": lambda answer: Break(half(answer), b"", 1, 0.05, End.RESET),
    "gzip_bomb": gzip_bomb,
    "gzip_garbage": lambda answer: Break(whole(answer, b"content-encoding: gzip\r\n"), end=End.KEEP),
    "unknown_encoding": lambda answer: Break(whole(answer, b"content-encoding: br\r\n"), end=End.KEEP),
    "endless_headers": endless_headers,
    "long_header": lambda answer: Break(
        whole(answer, b"x-more: %b\r\n" % (b"a" * LONG_HEADER)), end=End.KEEP
    ),
    "interim": interim,
}


@asynccontextmanager
async def breaking(service: Service, *, once: bool = False) -> AsyncIterator[str]:
    """The base URL of such a server. With `once`, a request that comes again is answered as it should be."""
    struck: set[bytes] = set()

    async def answer(path: str, body: bytes, transport: asyncio.WriteTransport) -> bool:
        """Send what a request is met by; whether the connection goes on."""
        wire = await service.respond(PATHS[path], body)
        name = next((name for name in BREAKS if b"<%b>" % name.encode() in body), "")
        if not name or body in struck:
            return await perform(proper(wire), transport)
        if once:
            struck.add(body)
        return await perform(BREAKS[name](wire.body), transport)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                asked = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
                length = next(int(line[15:]) for line in asked if line.lower().startswith(b"content-length:"))
                path = asked[0].split()[1].decode()
                if not await answer(path, await reader.readexactly(length), writer.transport):
                    break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=BACKLOG)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


async def perform(what: Break, transport: asyncio.WriteTransport) -> bool:
    """Send it; whether the connection goes on."""
    transport.write(what.first)
    for _ in count() if what.times is None else range(what.times):
        await asyncio.sleep(what.seconds)
        while transport.get_write_buffer_size() > _WAITING:
            await asyncio.sleep(0.001)
        if transport.is_closing():
            return False
        transport.write(what.again)
    if what.end is End.HANG:
        await asyncio.Event().wait()
    if what.end is End.RESET:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
    return what.end is End.KEEP
