"""The yardstick: a bare aiohttp loop that posts the same prompts and keeps nothing.

    python -m benchmarks.bare BASE_URL JOB IN_FLIGHT

Prints one JSON object: requests, wall and CPU seconds of the loop, without imports.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time

import aiohttp
import orjson
import polars as pl

from pipeline import load


def cpu() -> float:
    """User and system seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


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
    base_url, job_file, in_flight = sys.argv[1], sys.argv[2], int(sys.argv[3])
    job = load(job_file)
    texts = pl.read_csv(job.file.parent / job.records.path, infer_schema=False)["text"].to_list()
    before, began = cpu(), time.monotonic()
    asyncio.run(loop(base_url, texts, in_flight))
    print(json.dumps({"requests": len(texts), "wall": time.monotonic() - began, "cpu": cpu() - before}))


if __name__ == "__main__":
    main()
