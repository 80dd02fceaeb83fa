"""A program that asks one server for one hostile reply after another, and says what each took of its memory.

    python -m tests.bombs URL FOLDER API PROMPT…

One line of JSON for each prompt: the fault's kind and what it may have cost ('' for an answer), the size of
the body in the journal, the seconds it took, and by how many bytes the memory grew at the most.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from pathlib import Path

from pipeline.conversation import Conversation, request
from pipeline.domain import Call, Fault
from pipeline.estimate import Estimator
from pipeline.guards.recorded import recorded
from pipeline.journal import Journal
from pipeline.providers.openai import connect_to
from pipeline.secret import Secret
from pipeline.toll import Toll

TIMEOUT = 20.0


def memory(name: str) -> int:
    """A figure of this process in bytes: VmRSS now, VmHWM the most since it was reset."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


async def ask(call: Call, journal: Journal, api: str, prompt: str) -> None:
    asked = request(Conversation((("user", prompt),)), api=api, model="m", params={}, step="s", key=prompt)
    Path("/proc/self/clear_refs").write_text("5")
    before, began = memory("VmRSS"), time.perf_counter()
    kind = billed = ""
    try:
        reply = await call(asked)
        assert reply.answer is not None
    except Fault as fault:
        kind, billed = fault.kind, fault.billed.value
    await journal.settle()
    grown, seconds = memory("VmHWM") - before, time.perf_counter() - began
    ((size,),) = journal.select("SELECT length(body) FROM attempts ORDER BY seq DESC LIMIT 1")
    line = {
        "prompt": prompt,
        "kind": kind,
        "billed": billed,
        "kept": size,
        "seconds": seconds,
        "grown": grown,
    }
    print(json.dumps(line), flush=True)


async def main(url: str, folder: str, api: str, prompts: list[str]) -> None:
    journal = Journal.open(Path(folder) / "journal.sqlite")
    try:
        async with connect_to(url, Secret("k" * 20), api=api, concurrency=4, timeout=TIMEOUT) as send:
            call = recorded(send, journal, Toll(None), Estimator().expect)
            for prompt in ["warm", *prompts]:
                await ask(call, journal, api, prompt)
    finally:
        journal.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4], sys.argv[4:]))  # type: ignore[arg-type]
