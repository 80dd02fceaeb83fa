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
_ANYTHING = select.POLLIN | select.POLLHUP | select.POLLERR


class RampedConnector(aiohttp.TCPConnector):
    """Opens connections a few at a time: a thousand at once block the loop, and servers refuse them."""

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
            protocol = connection.protocol
            if protocol is not None and protocol.should_close:
                self.spoke_unasked = self._force_close = True
            elif protocol is not None and _quiet(protocol):
                return connection
            connection.close()
        return None


def _quiet(protocol: ResponseHandler) -> bool:
    """Whether nothing waits to be read: an answer, or the end of the connection."""
    socket = protocol.transport.get_extra_info("socket") if protocol.transport is not None else None
    if socket is None:
        return False
    waiting = select.poll()
    waiting.register(socket.fileno(), _ANYTHING)
    return not waiting.poll(0)
