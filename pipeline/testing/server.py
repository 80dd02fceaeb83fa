"""The fake model behind HTTP on 127.0.0.1, with the faults of a connection.

Paths are those of OpenAI's API under /v1, `/v1/translation` for the translation dialect, and `GET /ledger`
for the counts. This module does not decide anything: `service.py` does, and `desk.py` for files and batches.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from pipeline.testing.answers import CREATED, PATHS
from pipeline.testing.batches.desk import Desk
from pipeline.testing.service import Service
from pipeline.testing.wire import Manner, Wire, error

LARGEST_BODY = 64 << 20
BACKLOG = 2048  # connections that may wait to be accepted: a client that opens 512 at once is not a fault
BILLING_SECONDS = 0.05
_PIECE = b" " * 65536


@asynccontextmanager
async def serving(service: Service, port: int = 0, state: Path | None = None) -> AsyncIterator[str]:
    """The base URL of a server on 127.0.0.1 that lives as long as the block; port 0 takes a free one.

    Files and batches are kept in the folder `state`, or else in memory.
    """
    desk = Desk(service, state)
    handler = _Handler(service, desk)
    server = web.Server(
        handler.handle,
        request_factory=_request,
        handler_cancellation=True,  # a request that hangs must end when its client goes
        access_log=None,
        keepalive_timeout=3600,
    )
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    bills = asyncio.create_task(_keep_billing(desk))
    try:
        site = web.TCPSite(runner, "127.0.0.1", port, backlog=BACKLOG)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        bills.cancel()
        await runner.cleanup()


async def _keep_billing(desk: Desk) -> None:
    """Bill the lines of batches in time, also where no client asks any more."""
    while True:
        desk.advance()
        await asyncio.sleep(BILLING_SECONDS)


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=LARGEST_BODY)


class _Handler:
    def __init__(self, service: Service, desk: Desk) -> None:
        self._service = service
        self._desk = desk

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        api = PATHS.get(request.path)
        if api is None:
            return await self._other(request)
        if request.method != "POST":
            return _whole(error(405, "method_not_allowed", "invalid_request_error", "Only POST is allowed"))
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        wire = await self._service.respond(api, await request.read(), key)
        try:
            return await _send(request, wire)
        except ConnectionError:  # the client has closed the connection
            return web.Response()

    async def _other(self, request: web.BaseRequest) -> web.StreamResponse:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if request.path.startswith(("/v1/files", "/v1/batches")):
            fields = await _fields(request)
            path = request.path.removeprefix("/v1")
            return await _send(request, self._desk.handle(request.method, path, fields, key))
        if request.method == "GET" and request.path == "/v1/models":
            return _whole(self._service.refused(key) or Wire(200, self._models()))
        if request.method == "GET" and request.path == "/ledger":
            account = await asyncio.to_thread(self._service.ledger.account)
            counts = account.summary() | {"in_flight": self._service.in_flight}
            return _whole(Wire(200, orjson.dumps(counts)))
        message = f"Unknown request: {request.method} {request.path}"
        return _whole(error(404, "unknown_url", "invalid_request_error", message))

    def _models(self) -> bytes:
        names = self._service.script.models or ()  # a server for all names has no list
        data = [{"id": name, "object": "model", "created": CREATED, "owned_by": "scripted"} for name in names]
        return orjson.dumps({"object": "list", "data": data})


async def _fields(request: web.BaseRequest) -> dict[str, Any]:
    """The fields of a form or of JSON; those of the query where there is no body."""
    if request.content_type == "multipart/form-data":
        try:
            form: dict[str, Any] = dict(await request.post())
        except ValueError:  # it is no form, whatever it calls itself
            return {}
        file = form.get("file")
        if isinstance(file, web.FileField):
            form |= {"file": file.file.read(), "filename": file.filename}
        return form
    try:
        body = orjson.loads(await request.read() or b"{}")
    except orjson.JSONDecodeError:
        body = {}
    return {**request.query, **(body if isinstance(body, dict) else {})}


def _whole(wire: Wire) -> web.Response:
    return web.Response(status=wire.status, body=wire.body, headers=wire.headers)


async def _send(request: web.BaseRequest, wire: Wire) -> web.StreamResponse:
    if wire.manner is Manner.WHOLE:
        return _whole(wire)
    if wire.manner in (Manner.DROP, Manner.HANG):
        _hang_up(request)
        return web.Response()
    response = web.StreamResponse(status=wire.status, headers=wire.headers)
    if wire.manner is Manner.PAD:
        response.enable_chunked_encoding()
    else:
        response.content_length = len(wire.body)
    await response.prepare(request)
    if wire.manner is Manner.TRUNCATE:
        await response.write(wire.body[: len(wire.body) // 2])
        _hang_up(request)
    elif wire.manner is Manner.DRIP:
        await _drip(response, wire)
    else:
        await _pad(response, wire)
    return response


def _hang_up(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.close()


async def _drip(response: web.StreamResponse, wire: Wire) -> None:
    for place in range(len(wire.body)):
        await asyncio.sleep(wire.seconds / len(wire.body))
        await response.write(wire.body[place : place + 1])


async def _pad(response: web.StreamResponse, wire: Wire) -> None:
    await response.write(wire.body)
    left = wire.size - len(wire.body)
    while left > 0:
        await response.write(_PIECE[:left])
        left -= len(_PIECE)
