"""A server on loopback that answers with whatever bytes it is given, and counts who came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

GOOD = b'{"choices":[{"message":{"content":"hello"},"finish_reason":"stop"}]}'


def response(body: bytes = GOOD, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole response, kept alive."""
    lines = (b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@dataclass
class Seen:
    """Where the server is, and what it has seen."""

    url: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def raw_server(answer: bytes | Callable[[int], bytes]) -> AsyncIterator[Seen]:
    """Answers the n-th request, from 0, with bytes, and closes the connection after b""."""
    seen = Seen()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.lower().split(b"\r\n")
                length = next((int(line.split(b":")[1]) for line in lines if b"content-length" in line), 0)
                await reader.readexactly(length)
                sent = answer if isinstance(answer, bytes) else answer(len(seen.requests))
                seen.requests.append(head)
                if not sent:
                    break
                writer.write(sent)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        seen.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        yield seen
