"""Replies with some of their bytes changed, and what the provider makes of them."""

from __future__ import annotations

from hypothesis import strategies as st

from pipeline.core.domain import Fault, Reply
from pipeline.wire.conversation import read
from tests.support.fakes import asked
from tests.support.rawserver import GOOD, raw_server, response
from tests.support.wire import calling, met

MUTATED = response(GOOD, b"Content-Type: application/json", b"x-ratelimit-limit-requests: 60")


CHANGES = st.lists(st.tuples(st.integers(0, len(MUTATED) - 1), st.binary(max_size=4)), max_size=6)


async def meet_mutation(changes: list[tuple[int, bytes]], cut: bool) -> None:
    """A good response with some bytes changed, and maybe its end left out, is a reply or a fault."""
    sent = bytearray(MUTATED)
    for place, new in changes:
        sent[place : place + len(new)] = new
    if cut and changes:
        del sent[changes[0][0] :]

    def answer(n: int) -> bytes:
        return bytes(sent) if n == 0 else b""

    async with raw_server(answer) as seen, calling(seen.url, timeout=0.1) as call:
        came = await met(call, asked("a"))
        if isinstance(came, Reply):
            try:
                assert isinstance(read(came).text, str)
            except Fault as fault:
                assert fault.kind in {"unreadable", "server_error", "rate_limited", "bad_request"}
