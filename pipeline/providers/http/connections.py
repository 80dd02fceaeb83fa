"""Connections to a server: opened a few at a time, and used again only if the server has sent nothing since.

This module does not know what goes over them.
"""

from __future__ import annotations

import asyncio
import select
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiolimiter import AsyncLimiter

RAMP, RAMP_SECONDS = 50, 0.25  # at most so many new connections in so many seconds
_ANYTHING = select.POLLIN | select.POLLHUP | select.POLLERR


class RampedConnector(aiohttp.TCPConnector):
    """Opens connections a few at a time: a thousand at once block the loop, and servers refuse them."""

    def __init__(self, concurrency: int, seconds: float) -> None:
        super().__init__(limit=concurrency, keepalive_timeout=60)
        self._seconds = seconds
        self._ramp = AsyncLimiter(RAMP, RAMP_SECONDS)
        self.spoke_unasked = False
        """whether the server has sent something unasked; then no connection is used twice"""

    async def _create_connection(self, req: ClientRequest, *args: Any, **kwargs: Any) -> ResponseHandler:
        async with self._ramp:
            if req.proxy is None:
                return await super()._create_connection(req, *args, **kwargs)
            return await self._through_proxy(req, *args, **kwargs)

    async def _through_proxy(self, req: ClientRequest, *args: Any, **kwargs: Any) -> ResponseHandler:
        """A connection through a proxy. A fault says that it was the proxy: nothing was sent."""
        try:
            async with asyncio.timeout(self._seconds):
                return await super()._create_connection(req, *args, **kwargs)
        except aiohttp.ClientConnectorDNSError as error:  # the server's name is the proxy's to look up
            raise aiohttp.ClientProxyConnectionError(req.connection_key, error.os_error) from None
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError):
            raise
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = OSError(0, "it broke off" if str(error) else "it does not answer")
            raise aiohttp.ClientProxyConnectionError(req.connection_key, reason) from None

    async def _get(self, *args: Any) -> Connection | None:
        """An idle connection on which the server has sent nothing since its last answer.

        Else that would be taken for the answer to the next request, and each answer for the one after it.
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
