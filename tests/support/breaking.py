"""A server on loopback whose first answer breaks off, and that answers well from then on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.support.fakes import chat_body
from tests.support.rawserver import response


@dataclass
class Broken:
    """What the server has seen; `left` is set when the client has closed the broken connection."""

    url: str = ""
    asked: list[bytes] = field(default_factory=list)
    connections: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def breaking_off(first: bytes, *, hangs: bool = False) -> AsyncIterator[Broken]:
    """Sends `first` to the first request, and then closes the connection, or hangs until the client does.

    All other answers repeat their question.
    """
    seen = Broken()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                seen.asked.append(body)
                if len(seen.asked) == 1:
                    writer.write(first)
                    await writer.drain()
                    if hangs:
                        await reader.read()
                        seen.left.set()
                    break
                question = body.partition(b'"content":"')[2].partition(b'"')[0].decode()
                writer.write(response(chat_body(f"answer to {question}")))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        seen.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        yield seen
