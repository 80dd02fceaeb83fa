"""Transformers behind OpenAI's API, as a child process: `python -m` and the name of this module.

Reads its settings as one line of JSON, loads the weights, listens on a free port of 127.0.0.1, and prints
the address as one line of JSON. It ends with its parent (`child_process.py`), and its memory with it. What
waits is written together, as one batch (`written.py`); the next one begins when the whole batch is done.
This module does not know how tokens are drawn.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from pipeline.providers.machine.written import Loaded, NoRoom, Row
from pipeline.system.child_process import end_with_parent

LARGEST_BODY = 64 << 20
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def main() -> None:
    """Serve until the parent ends, or ends us."""
    settings = end_with_parent()
    announce = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if not settings["download"]:
        os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        loaded = Loaded(settings)
    except Exception as error:  # whatever a library says of weights that it cannot load
        words = " ".join(str(error).split())
        sys.exit(f"{type(error).__name__}: {words[:1000]}")

    async def serve() -> None:
        address = await _Server(loaded, settings).start()
        announce.write(json.dumps({"address": address}) + "\n")
        announce.flush()
        await asyncio.Event().wait()

    asyncio.run(serve())


class _Refused(Exception):
    """A request that cannot be served; the code says why."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class _Server:
    def __init__(self, loaded: Loaded, settings: dict[str, Any]) -> None:
        self._loaded = loaded
        self._name, self._key, self._slots = settings["name"], settings["key"], settings["slots"]
        self._waiting: asyncio.Queue[tuple[list[Row], asyncio.Future[None]]] = asyncio.Queue()

    async def start(self) -> str:
        app = web.Application(middlewares=[self._guard], client_max_size=LARGEST_BODY)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/completions", self._completion)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._worker = asyncio.create_task(self._work())
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in who has the key, and say what is wrong as OpenAI's API does."""
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            return _error(401, "wrong key", "invalid_api_key")
        try:
            return await handler(request)
        except _Refused as refused:
            return _error(400, str(refused), refused.code)

    async def _chat(self, request: web.Request) -> web.Response:
        body = await request.json()
        try:
            prompt = self._loaded.prompt(body["messages"])
        except Exception as error:  # a template is a program, and says what it likes
            said = f"the model's chat template refuses these messages: {error}"
            raise _Refused(said, "bad_request") from None
        rows = await self._answered(body, prompt)
        messages = [{"message": {"role": "assistant", "content": row.text}} for row in rows]
        return self._reply("chat.completion", rows, messages)

    async def _completion(self, request: web.Request) -> web.Response:
        body = await request.json()
        rows = await self._answered(body, self._loaded.tokens(body["prompt"], special=True))
        return self._reply("text_completion", rows, [{"text": row.text} for row in rows])

    async def _answered(self, body: dict[str, Any], prompt: list[int]) -> list[Row]:
        try:
            rows = [self._loaded.row(prompt, body, number) for number in range(body.get("n") or 1)]
        except NoRoom as full:
            raise _Refused(str(full), "context_length_exceeded") from None
        done = asyncio.get_running_loop().create_future()
        await self._waiting.put((rows, done))
        await done
        return rows

    async def _work(self) -> None:
        """Write what waits, a batch at a time."""
        held: list[tuple[list[Row], asyncio.Future[None]]] = []
        while True:
            held = held or [await self._waiting.get()]
            batch, held = held, []
            while not self._waiting.empty() and not held:
                more = self._waiting.get_nowait()
                fits = sum(len(rows) for rows, _ in (*batch, more)) <= self._slots
                (batch if fits else held).append(more)
            await self._write(batch)

    async def _write(self, batch: list[tuple[list[Row], asyncio.Future[None]]]) -> None:
        try:
            await asyncio.to_thread(self._loaded.write, [row for rows, _ in batch for row in rows])
        except MemoryError:
            if len(batch) > 1:
                await self._write(batch[: len(batch) // 2])
                await self._write(batch[len(batch) // 2 :])
                return
            said = "there is too little memory for this prompt and its answer: lower options.context"
            _settle(batch, _Refused(said, "context_length_exceeded"))
        except Exception as error:  # a library's own fault must not end the server
            _settle(batch, _Refused(f"the model failed: {type(error).__name__}: {error}", "bad_request"))
        else:
            _settle(batch, None)

    def _reply(self, kind: str, rows: list[Row], said: list[dict[str, Any]]) -> web.Response:
        choices = [
            {"index": i, **one, "finish_reason": row.finish}
            for i, (one, row) in enumerate(zip(said, rows, strict=True))
        ]
        prompt, answer = len(rows[0].prompt), sum(row.taken for row in rows)
        usage = {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
        head = {"id": f"local-{time.time_ns()}", "object": kind, "created": int(time.time())}
        return web.json_response({**head, "model": self._name, "choices": choices, "usage": usage})


def _settle(batch: list[tuple[list[Row], asyncio.Future[None]]], refused: _Refused | None) -> None:
    for _, done in batch:
        if done.done():  # nobody waits for it any more
            continue
        if refused:
            done.set_exception(refused)
        else:
            done.set_result(None)


def _error(status: int, message: str, code: str) -> web.Response:
    return web.json_response({"error": {"message": message, "type": code, "code": code}}, status=status)


if __name__ == "__main__":
    main()
