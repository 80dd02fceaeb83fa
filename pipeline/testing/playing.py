"""A play on the server's side: its bytes go past the HTTP of the server, straight onto the connection.

This module does not know what is played, nor why.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from itertools import count

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from pipeline.testing.plays import End, Play

WAITING = 1 << 20
"""bytes that may wait to be sent before more are made"""
_RESET = struct.pack("ii", 1, 0)
"""linger for no time: what is closed so is reset"""


class Played(web.StreamResponse):
    """A response that is a play."""

    def __init__(self, play: Play) -> None:
        super().__init__()
        self._play = play
        if play.end is not End.KEEP:
            self.force_close()

    @property
    def keep_alive(self) -> bool | None:
        return self._play.end is End.KEEP

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        if request.transport is not None:
            await _perform(self._play, request.transport)
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        return


async def _perform(play: Play, transport: asyncio.Transport) -> None:
    transport.write(play.first)
    for _ in count() if play.times is None else range(play.times):
        await asyncio.sleep(play.seconds)
        while transport.get_write_buffer_size() > WAITING:  # noqa: ASYNC110 - a transport tells nobody else
            await asyncio.sleep(0.001)
        if transport.is_closing():
            return
        transport.write(play.again)
    match play.end:
        case End.HANG:
            await asyncio.Event().wait()
        case End.RESET:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.abort()
        case End.CLOSE:
            transport.close()
