"""Connections to a server: opened a few at a time, and used again only while the server keeps quiet.

This module does not know what goes over them.
"""

from __future__ import annotations

import select
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiolimiter import AsyncLimiter

RAMP, RAMP_SECONDS = 50, 0.25
"""new connections in any such time"""
_GONE = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


class RampedConnector(aiohttp.TCPConnector):
    """Opens new connections a few at a time: a thousand handshakes at once keep the loop from all else,

    and servers refuse who comes like that.
    """

    def __init__(self, concurrency: int) -> None:
        super().__init__(limit=concurrency, keepalive_timeout=60)
        self._ramp = AsyncLimiter(RAMP, RAMP_SECONDS)
        self.spoke_unasked = False
        """whether the server has said something that was no answer; then no connection is used twice"""

    async def _create_connection(self, *args: Any, **kwargs: Any) -> ResponseHandler:
        async with self._ramp:
            return await super()._create_connection(*args, **kwargs)

    async def _get(self, *args: Any) -> Connection | None:
        """An idle connection, but none on which the server has said something since.

        That would be taken for the answer to the next request, and each later answer for the one after it.
        """
        while (connection := await super()._get(*args)) is not None:
            said, gone = _since(connection.protocol)
            if not (said or gone):
                return connection
            connection.close()
            self.spoke_unasked = self._force_close = self.spoke_unasked or not gone
        return None


def _since(protocol: ResponseHandler | None) -> tuple[bool, bool]:
    """Whether a server has said something since its last answer, and whether it has hung up."""
    transport = protocol.transport if protocol is not None else None
    socket = transport.get_extra_info("socket") if transport is not None else None
    if protocol is None or socket is None:
        return False, True
    if protocol.should_close:
        return True, False
    waiting = select.poll()
    waiting.register(socket.fileno(), select.POLLIN | _GONE)
    found = waiting.poll(0)
    return bool(found), any(event & _GONE for _, event in found)
