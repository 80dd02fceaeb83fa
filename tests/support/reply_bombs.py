"""A program that asks one server for one hostile reply after another, and says what each took of its memory.

    python -m tests.support.reply_bombs URL FOLDER API PROMPT…

A prompt that ends with ` x 64` is asked 64 times at once. One line of JSON for each prompt: the fault's kind
and what it may have cost ('' for an answer), the size of the last body in the journal, the seconds it took,
and by how many bytes the memory grew at the most.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from pathlib import Path

from pipeline.core.domain import Call, Fault
from pipeline.core.secret import Secret
from pipeline.journal.journal import Journal
from pipeline.lanes.guards.record import record
from pipeline.money.estimate import Estimator
from pipeline.money.tariff import Tariff
from pipeline.providers.openai import connect_to
from pipeline.wire.conversation import Conversation, RequestBuilder
from tests.support.fakes import outcomes

TIMEOUT = 100.0


def memory(name: str) -> int:
    """A figure of this process in bytes: VmRSS now, VmHWM the most since it was reset."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


async def ask(call: Call, journal: Journal, api: str, prompt: str, times: int = 1) -> None:
    """Ask so many times at once, with one line for all of them."""
    builder = RequestBuilder(api, "m", {}, "s")
    requests = [builder.build(Conversation((("user", f"{prompt} {n}"),)), prompt) for n in range(times)]
    Path("/proc/self/clear_refs").write_text("5")
    before, began = memory("VmRSS"), time.perf_counter()
    ends = await outcomes(call, requests)
    await journal.settle()
    grown, seconds = memory("VmHWM") - before, time.perf_counter() - began
    ((size,),) = journal.select("SELECT length(body) FROM attempts ORDER BY seq DESC LIMIT 1")
    kinds = {(end.kind, end.billed.value) if isinstance(end, Fault) else ("", "") for end in ends}
    (kind, billed), *others = kinds
    assert not others, kinds
    line = {"prompt": prompt, "times": times, "kind": kind, "billed": billed, "kept": size, "grown": grown}
    print(json.dumps(line | {"seconds": seconds}), flush=True)


async def main(url: str, folder: str, api: str, prompts: list[str]) -> None:
    journal = Journal.open(Path(folder) / "journal.sqlite")
    try:
        async with connect_to(url, Secret("k" * 20), concurrency=64, timeout=TIMEOUT) as send:
            call = record(send, journal, Tariff(None), Estimator().expect)
            for prompt in ["warm", *prompts]:
                name, _, times = prompt.partition(" x ")
                await ask(call, journal, api, name, int(times or 1))
    finally:
        journal.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4], sys.argv[4:]))  # type: ignore[arg-type]
