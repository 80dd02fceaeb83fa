"""Waiting until a scripted server has billed all that a killed run had sent."""

from __future__ import annotations

from urllib.request import urlopen

import orjson

from pipeline.testing import Server
from tests.support.waiting import wait_for


def in_flight(server: Server) -> int:
    """Requests that were neither billed nor refused yet."""
    with urlopen(f"{server.base_url.removesuffix('/v1')}/ledger") as response:
        return int(orjson.loads(response.read())["in_flight"])


def settled(server: Server) -> None:
    """Wait until nothing is in flight: three times, as the server may not have read all that was sent."""
    wait_for(lambda: not any(in_flight(server) for _ in range(3)))
