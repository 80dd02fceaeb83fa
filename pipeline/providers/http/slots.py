"""How many requests a server on this machine works on at once, where it says so: llama.cpp's `/props`.

It is a help to begin with, so whatever is odd about the reply means nothing. This module does not know what
the number is used for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from pipeline.core.secret import cleansed_bytes
from pipeline.job.models import MOST_AUTO
from pipeline.providers.http.models import fetched

SECONDS = 1.0
"""for the whole reply"""


async def told_slots(base_url: str, headers: Mapping[str, str]) -> int:
    """The number of slots that the server has; 0 where it tells none."""
    url = URL(base_url.rstrip("/").removesuffix("/v1") + "/props")
    async with aiohttp.ClientSession(headers=headers, cookie_jar=aiohttp.DummyCookieJar()) as session:
        body = cleansed_bytes(await fetched(session, url, seconds=SECONDS))
    try:
        props: Any = json.loads(body)
    except (ValueError, RecursionError):
        return 0
    slots = props.get("total_slots") if isinstance(props, dict) else 0
    return slots if type(slots) is int and 0 < slots <= MOST_AUTO else 0
