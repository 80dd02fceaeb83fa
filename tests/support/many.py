"""Jobs at random for one process and for several, and workers that are killed."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from pipeline.api import run
from pipeline.job.load import load
from pipeline.runs.result import Result
from pipeline.runs.state import Wish
from pipeline.testing import Account, Rule, Script
from tests.support.server import serve

WIDTH = 6


def children(pid: int) -> list[int]:
    """The living children of a process, by the system's own list."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(folder.name))
    return found


def workers(pid: int) -> list[int]:
    """The workers of a run: its grandchildren."""
    return [worker for mother in children(pid) for worker in children(mother)]


def job_of(choose: random.Random, url: str) -> tuple[dict[str, Any], str, Script]:
    """A job at random, its records, and what the server does."""
    rows = choose.randrange(20, 60)
    titles = [f"thing {choose.randrange(rows)}" for _ in range(rows)]
    first: dict[str, Any] = {"name": "post", "prompt": "Write about {{ title }}."}
    if choose.random() < 0.5:
        first["each"] = {"tone": ["dry", "warm", "odd"][: choose.randrange(2, 4)]}
        first["prompt"] += " Be {{ tone }}."
    if choose.random() < 0.6:
        first["checks"] = {"length": {"max": choose.randrange(20, 90), "unit": "characters"}}
        first["repairs"] = 1
    if choose.random() < 0.4:
        first["when"] = "{{ id | int % 4 != 1 }}"
    steps = [first]
    if choose.random() < 0.6:
        steps.append({"name": "short", "prompt": "Shorten: {{ post }}"})
        if choose.random() < 0.5:
            steps[-1]["each"] = {"place": ["here", "there"]}
            steps[-1]["prompt"] += " for {{ place }}"
    faults = [
        Rule(fault="disconnect", share=0.06, times=1),
        Rule(fault="html", share=0.06, times=1),
        Rule(fault="refusal", match="thing 7."),
        Rule(fault="bad_request", match="thing 3."),
    ]
    script = Script(
        seed=choose.randrange(99), latency=0.02, faults=tuple(f for f in faults if choose.random() < 0.6)
    )
    model = {"provider": "openai", "model": "m", "base_url": url, "limits": {"concurrency": WIDTH}}
    records: dict[str, Any] = {"from": "rows.csv", "key": "id"}
    if choose.random() < 0.3:
        records["private"] = ["title"]
    job = {
        "name": "many",
        "records": records,
        "models": {"writer": model},
        "steps": steps,
        "output": {"to": "table.csv"},
        "max_failed": 1.0,
    }
    if choose.random() < 0.3:
        job["accept"] = choose.randrange(3, 15)
    return job, "id,title\n" + "".join(f"{i:03},{title}\n" for i, title in enumerate(titles)), script


def ran(folder: Path, seed: int, processes: int, kills: int = 0) -> tuple[bytes, Result, Account]:
    """The table of the seed's job, its result and its bills; so many workers are killed meanwhile."""
    folder.mkdir()
    _, _, script = job_of(random.Random(seed), "")
    with serve(script) as server:
        job, rows, _ = job_of(random.Random(seed), server.base_url)
        (folder / "rows.csv").write_text(rows)
        (folder / "job.yaml").write_text(yaml.safe_dump(job, sort_keys=False))
        with killing(random.Random(seed), kills, lambda: server.ledger().billed):
            result = run(load(folder / "job.yaml"), wish=Wish(processes=processes))
        return (folder / "table.csv").read_bytes(), result, server.ledger()


@contextmanager
def killing(choose: random.Random, kills: int, billed: Any) -> Iterator[None]:
    """Kill -9 so many workers of this process, while it asks."""
    over = threading.Event()

    def kill() -> None:
        for _ in range(kills):
            least = billed() + choose.randrange(1, 8)
            while not over.is_set() and not (billed() >= least and workers(os.getpid())):
                time.sleep(0.01)
            if over.is_set():
                return
            os.kill(choose.choice(workers(os.getpid())), signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
