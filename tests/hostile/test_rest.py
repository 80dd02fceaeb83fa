"""Calls that are no questions: whatever comes back is an object or a fault, and no key is shown."""

from __future__ import annotations

import json
from functools import partial

import pytest
from anyio import to_thread

from pipeline.core.domain import Billed, Fault
from pipeline.core.secret import Secret
from pipeline.providers.http.extras import NOTHING
from pipeline.providers.http.rest import MOST, rest_at
from tests.support.rawserver import raw_server, response

KEY = Secret("sk-" + "k" * 30)
HUGE = b'{"a": "' + b"x" * MOST + b'"}'


def got(url: str, timeout: float = 5) -> dict[str, object]:
    with rest_at(url, KEY, NOTHING, timeout) as rest:
        return rest.get("/jobs", limit=1)


@pytest.mark.parametrize(
    ("answer", "kind", "billed"),
    [
        (response(b"<html>"), "unreadable", Billed.MAYBE),
        (response(b"[1]"), "unreadable", Billed.MAYBE),
        (response(b"[" * 100_000), "unreadable", Billed.MAYBE),
        (response(b'{"a": \xff}'), "unreadable", Billed.MAYBE),
        (response(HUGE), "too_large", Billed.MAYBE),
        (b"", "disconnected", Billed.MAYBE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "disconnected", Billed.MAYBE),
        (b"\0\0\0\r\n\r\n", "disconnected", Billed.MAYBE),
        (response(b"{}", status=b"500 no"), "server_error", Billed.MAYBE),
        (response(b"{}", status=b"401 no"), "unauthorized", Billed.NO),
        (response(b"{}", b"Location: http://127.0.0.1:1/", status=b"302 no"), "redirected", Billed.NO),
    ],
)
async def test_whatever_goes_wrong_is_a_fault(answer: bytes, kind: str, billed: Billed) -> None:
    async with raw_server(answer) as seen:
        with pytest.raises(Fault) as caught:
            await to_thread.run_sync(partial(got, seen.url))
    assert (caught.value.kind, caught.value.billed) == (kind, billed)
    assert seen.connections == 1, "nothing is sent twice, and no redirect is followed"


async def test_a_server_that_says_nothing_is_not_waited_for_without_end() -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\n") as seen:
        with pytest.raises(Fault, match="gave no answer"):
            await to_thread.run_sync(partial(got, seen.url, 0.2))


async def test_nobody_at_the_address_means_that_nothing_was_sent() -> None:
    async with raw_server(b"") as seen:
        url = seen.url
    with pytest.raises(Fault) as caught:
        await to_thread.run_sync(partial(got, url))
    assert (caught.value.kind, caught.value.billed) == ("unreachable", Billed.NO)


async def test_the_key_is_sent_and_not_shown() -> None:
    said = json.dumps({"error": {"message": f"bad key {KEY.reveal()}"}, "id": KEY.reveal()}).encode()
    async with raw_server(response(said, status=b"401 no")) as seen:
        with pytest.raises(Fault) as caught:
            await to_thread.run_sync(partial(got, seen.url))
    assert KEY.reveal().encode() in seen.requests[0] and KEY.reveal() not in str(caught.value)
    assert b"x-stainless" not in seen.requests[0].lower()
    async with raw_server(response(said)) as seen:
        found = await to_thread.run_sync(partial(got, seen.url))
    assert KEY.reveal() not in str(found)
