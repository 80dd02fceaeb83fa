"""A program that asks each of some servers twice, and says in JSON what it met: kind, fate, cost and message.

    python -m tests.support.asking URL…

It stands alone because what a process trusts is settled when it starts.
"""

from __future__ import annotations

import asyncio
import json
import sys

from pipeline.core.domain import Fault
from pipeline.core.secret import Secret
from pipeline.providers.openai import connect_to
from tests.support.fakes import asked


async def main(urls: list[str]) -> None:
    met = []
    for url in urls:
        async with connect_to(url, Secret("k" * 20), concurrency=1, timeout=10) as call:
            for n in range(2):
                try:
                    await call(asked(str(n)))
                    met.append(["", "", "", ""])
                except Fault as fault:
                    met.append([fault.kind, fault.fate.value, fault.billed.value, fault.message])
    print(json.dumps(met))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
