"""The yardstick: a bare aiohttp loop that posts the same prompts and keeps nothing.

    python -m benchmarks.bare BASE_URL RECORDS IN_FLIGHT

It imports nothing of the pipeline.
"""

from __future__ import annotations

import asyncio
import csv
import sys
from pathlib import Path

import aiohttp
import orjson


async def loop(base_url: str, texts: list[str], in_flight: int) -> None:
    """Post every text, `in_flight` at once, and decode every reply."""
    texts = iter(texts)
    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def hand() -> None:
            for text in texts:
                body = orjson.dumps(
                    {"model": "m", "messages": [{"role": "user", "content": f"Write: {text}"}]}
                )
                headers = {"Content-Type": "application/json"}
                async with session.post(
                    f"{base_url}/chat/completions", data=body, headers=headers
                ) as response:
                    assert orjson.loads(await response.read())["choices"][0]["message"]["content"]

        await asyncio.gather(*(hand() for _ in range(in_flight)))


def main() -> None:
    """Run once."""
    base_url, records, in_flight = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    with records.open(newline="") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)]
    asyncio.run(loop(base_url, texts, in_flight))


if __name__ == "__main__":
    main()
