"""A proxy before a scripted server that kills the client when it has reached a point of its batches' way."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from typing import Literal

import aiohttp
from aiohttp import web

When = Literal["before", "after", "replied"]
WAYS = (
    ("upload", re.compile(r"POST /v1/files")),
    ("create", re.compile(r"POST /v1/batches")),
    ("list", re.compile(r"GET /v1/batches(\?.*)?")),
    ("look", re.compile(r"GET /v1/batches/[^/?]+")),
    ("fetch", re.compile(r"GET /v1/files/[^/]+/content")),
)


@dataclass(frozen=True)
class Point:
    """The `number`th call of a kind: before it is carried out, after that, or after its reply was sent."""

    way: str
    number: int
    when: When


class Killing:
    """Passes everything on. `target` is the process to kill at `point`, which happens once."""

    def __init__(self, base_url: str) -> None:
        self._upstream = base_url.removesuffix("/v1")
        self.target = 0
        self.point: Point | None = None
        self.seen: dict[str, int] = {}
        self.killed: list[Point] = []
        self.base_url = ""

    def aim(self, pid: int, point: Point | None) -> None:
        """Kill this process at this point."""
        self.seen, self.target, self.point = {}, pid, point

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Pass one call on."""
        line = f"{request.method} {request.path_qs}"
        way = next((name for name, form in WAYS if form.fullmatch(line)), "")
        self.seen[way] = self.seen.get(way, 0) + 1
        number, body = self.seen[way], await request.read()
        await self._strike(way, number, "before")
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method, self._upstream + request.path_qs, data=body, headers=_passed(request)
            ) as reply,
        ):
            answer = web.Response(status=reply.status, body=await reply.read(), headers=_kept(reply))
        await self._strike(way, number, "after")
        if self._is_at(way, number, "replied"):
            asyncio.get_running_loop().call_later(0.005, self._kill)
        return answer

    def _is_at(self, way: str, number: int, when: When) -> bool:
        return self.point == Point(way, number, when)

    async def _strike(self, way: str, number: int, when: When) -> None:
        if self._is_at(way, number, when):
            self._kill()
            await asyncio.sleep(0.05)

    def _kill(self) -> None:
        if self.point is not None and self.target:
            self.killed.append(self.point)
            self.point = None
            with suppress(ProcessLookupError):
                os.kill(self.target, signal.SIGKILL)


def _passed(request: web.BaseRequest) -> dict[str, str]:
    dropped = {"host", "content-length", "transfer-encoding", "connection"}
    return {name: value for name, value in request.headers.items() if name.lower() not in dropped}


def _kept(reply: aiohttp.ClientResponse) -> dict[str, str]:
    dropped = {"content-length", "transfer-encoding", "connection", "date", "server"}
    return {name: value for name, value in reply.headers.items() if name.lower() not in dropped}


@contextmanager
def killing(base_url: str) -> Iterator[Killing]:
    """The proxy before the server at this address; gone on exit."""
    proxy, loop = Killing(base_url), asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        runner = web.ServerRunner(web.Server(proxy.handle, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        proxy.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        ready.set_result(None)
        await over.wait()
        await runner.cleanup()

    ready: Future[None] = Future()
    thread = Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    ready.result(10)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
