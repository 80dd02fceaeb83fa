"""The yardstick of rates: what most people write. The SDK, a semaphore, and the SDK's own retries.

    python -m benchmarks.plain BASE_URL RECORDS IN_FLIGHT

Prints one JSON object: rows answered, rows lost, seconds.
"""

from __future__ import annotations

import asyncio
import csv
import json
import sys
import time
from pathlib import Path

from openai import AsyncOpenAI, OpenAIError

RETRIES = 5
"""more than the SDK's two: whoever meets a limit puts it up"""


async def loop(base_url: str, texts: list[str], in_flight: int) -> int:
    """Ask for every text, `in_flight` at once; how many were answered."""
    client = AsyncOpenAI(base_url=base_url, api_key="none", max_retries=RETRIES)
    slots = asyncio.Semaphore(in_flight)

    async def ask(text: str) -> bool:
        async with slots:
            try:
                reply = await client.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": f"Write: {text}"}]
                )
            except OpenAIError:
                return False
        return bool(reply.choices[0].message.content)

    return sum(await asyncio.gather(*(ask(text) for text in texts)))


def main() -> None:
    """Run once."""
    base_url, records, in_flight = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    with records.open(newline="") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)]
    began = time.monotonic()
    answered = asyncio.run(loop(base_url, texts, in_flight))
    numbers = {"answered": answered, "lost": len(texts) - answered, "seconds": time.monotonic() - began}
    print(json.dumps(numbers))


if __name__ == "__main__":
    main()
