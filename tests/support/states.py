"""A job that is run, killed, edited and met by faults of the API and of its disk, step by step, by a seed.

A kill is played in process: the job's folder is copied while the run goes on, which is what a kill -9 leaves
behind, and the run goes on for nobody. Its disk is a small one of its own, where one can be mounted, and
really gets full; or the folder is moved away while the run goes on. The ledger of the scripted model, kept
elsewhere, tells what was really billed.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskGroup

from pipeline.core.errors import PipelineError
from pipeline.core.progress import Progress
from pipeline.job.load import load
from pipeline.job.spec import Job
from pipeline.journal.spill import Spill
from pipeline.runs.run import run_async
from pipeline.runs.state import Wish
from pipeline.testing.ledger import Ledger

FAULTS: list[dict[str, Any]] = [
    {"fault": "server_error", "share": 0.3, "times": 1, "status": 503},
    {"fault": "rate_limit", "share": 0.3, "times": 1, "retry_after_ms": 1},
    {"fault": "disconnect", "share": 0.2, "times": 1},
    {"fault": "truncate_body", "share": 0.2, "times": 1},
    {"fault": "garbage", "share": 0.2, "times": 1},
    {"fault": "html", "share": 0.2, "times": 1},
    {"fault": "insufficient_quota", "after": 5},
    {"fault": "unauthorized", "after": 3},
    {"fault": "refusal", "share": 0.2},
    {"fault": "length", "share": 0.2},
    {"fault": "bad_request", "share": 0.2},
]
"""what may befall the requests of one run"""
WIDTH = 4


STEPS = (
    "run",
    "run",
    "kill",
    "kill",
    "kill",
    "fault",
    "fault",
    "edit",
    "edit",
    "rows",
    "format",
    "full",
    "gone",
)
ROOM = "20m"
"""of a world's disk: the reserve of a job, and some more"""


@contextmanager
def disk(at: Path) -> Iterator[bool]:
    """A small disk at a folder; only a folder, which is never full, where none can be mounted: False."""
    at.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(at)]
    small = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    try:
        yield small
    finally:
        if small:
            subprocess.run(["umount", "--lazy", str(at)], check=True, capture_output=True)


@dataclass
class World:
    """A job as it is now, the random choices, and what has been billed."""

    root: Path
    """where the job stands: on a disk of its own"""
    ledger: Path
    choose: random.Random
    small: bool = False
    """whether that disk can get full"""
    rows: list[tuple[str, str]] = field(default_factory=lambda: [(f"k{i}", f"thing {i}") for i in range(8)])
    prompt: str = "Write about {{ title }}."
    second: bool = True
    suffix: str = "csv"
    kills: int = 0
    history: list[str] = field(default_factory=list)

    @property
    def output(self) -> Path:
        """The folder of the job's results and of its journal."""
        return self.root / "output/w"

    @property
    def result(self) -> Path:
        return self.output / f"out.{self.suffix}"

    @property
    def journal(self) -> Path:
        return self.output / "journal.sqlite"

    def write(self, faults: list[dict[str, Any]] | None = None) -> Job:
        """The job and its records as they are now, as files and read from them."""
        lines = ["sku,title", *(f"{key},{title}" for key, title in self.rows)]
        (self.root / "records.csv").write_text("\n".join(lines) + "\n")
        options = {"ledger": str(self.ledger), "faults": faults or [], "latency": 0.001}
        steps = [{"name": "post", "prompt": self.prompt, "repairs": 0}]
        if self.second:
            steps.append({"name": "tag", "prompt": "Tag: {{ post }}", "repairs": 0})
        limits = {"concurrency": WIDTH, "outage": 0.2, "retries": 1, "maybe_billed_retries": 1}
        job = {
            "name": "w",
            "records": {"from": "records.csv", "key": "sku"},
            "models": {"m": {"provider": "scripted", "model": "m", "options": options, "limits": limits}},
            "steps": steps,
            "output": {"to": f"output/w/out.{self.suffix}", "include": ["status"]},
            "max_failed": 1,
        }
        (self.root / "job.yaml").write_text(json.dumps(job))
        return read(self.root / "job.yaml", json.dumps(job))

    async def step(self) -> None:
        """One thing that happens, drawn by the seed."""
        name = self.choose.choice(STEPS)
        self.history.append(name)
        if name == "edit":
            self.prompt = f"Write {self.choose.randint(0, 3)} lines about {{{{ title }}}}."
        elif name == "rows":
            self._change_rows()
        elif name == "format":
            self.suffix = self.choose.choice(["csv", "jsonl"])
            self.second = self.choose.random() < 0.8
        else:
            faulty = name == "fault" or (name != "run" and self.choose.random() < 1 / 3)
            faults = [self.choose.choice(FAULTS)] if faulty else []
            after = self.choose.randint(0, 12)
            self.history[-1] += f" {after} {[fault['fault'] for fault in faults]}"
            await getattr(self, f"_{name}")(self.write(faults), after)

    async def _run(self, job: Job, _: int) -> None:
        await run(job)

    _fault = _run

    def _change_rows(self) -> None:
        """Another order, one row fewer, one more, or one changed."""
        what = self.choose.choice(["shuffle", "drop", "add", "change"])
        if what == "shuffle":
            self.choose.shuffle(self.rows)
        elif what == "drop" and len(self.rows) > 3:
            self.rows.pop(self.choose.randrange(len(self.rows)))
        elif what == "add" and len(self.rows) < 12:
            number = self.choose.randint(0, 40)
            if f"k{number}" not in dict(self.rows):
                self.rows.append((f"k{number}", f"thing {self.choose.randint(0, 9)}"))
        elif what == "change":
            place = self.choose.randrange(len(self.rows))
            self.rows[place] = (self.rows[place][0], f"thing {self.choose.randint(0, 9)}")

    async def _kill(self, job: Job, after: int) -> None:
        """Take the folder as it is in the middle of a run, and leave the run behind."""
        self.kills += 1
        left = self.root / "left"
        async with begun(job, after) as group:
            if self.output.exists():
                shutil.copytree(self.output, left, ignore=_SOCKETS, copy_function=_copy)
            group.cancel_scope.cancel()
        if self.output.exists():
            shutil.rmtree(self.output)
        if left.exists():
            left.rename(self.output)

    async def _full(self, job: Job, after: int) -> None:
        """Let the disk get full in the middle of a run, with the room that was set aside or without it."""
        with_room = self.choose.random() < 0.7
        if not self.small:
            await self._gone(job, after)
            return
        async with begun(job, after):
            if not with_room:
                (self.output / "ballast").unlink(missing_ok=True)
            fill(self.root / "hog")
        (self.root / "hog").unlink()

    async def _gone(self, job: Job, after: int) -> None:
        """Move the folder away in the middle of a run, and put it back when the run has ended."""
        away = self.root / "away"
        async with begun(job, max(after, 1)):  # a run that begins without its folder knows nothing of it
            if self.output.exists():
                self.output.rename(away)
        if away.exists():
            shutil.rmtree(self.output, ignore_errors=True)
            away.rename(self.output)


_SOCKETS = shutil.ignore_patterns("*.sock", "control*")


def _copy(source: str, target: str) -> None:
    """Copy a file; of the room that is set aside, a second name will do."""
    (os.link if source.endswith("ballast") else shutil.copyfile)(source, target)


def fill(file: Path) -> None:
    """Take all the room that a small disk has left, while others take some, too."""
    with file.open("wb") as taken:
        while room := os.statvfs(file.parent).f_bavail * os.statvfs(file.parent).f_frsize:
            with suppress(OSError):
                os.posix_fallocate(taken.fileno(), file.stat().st_size, room)


@asynccontextmanager
async def begun(job: Job, after: int) -> AsyncIterator[TaskGroup]:
    """A run that goes on, and has had so many answers, or has ended."""
    progress, over = Progress(), anyio.Event()

    async def running() -> None:
        await run(job, progress)
        over.set()

    async with anyio.create_task_group() as group:
        group.start_soon(running)
        while progress.answered < after and not over.is_set():
            await anyio.sleep(0.001)
        yield group


@lru_cache(maxsize=256)
def read(file: Path, _: str) -> Job:
    """The job in a file that has this text."""
    return load(file)


async def run(job: Job, progress: Progress | None = None, *, again: bool = False) -> int:
    """Run the job; its exit code. With `again`, what was paid for and refused is asked for again."""
    try:
        return (await run_async(job, progress=progress, wish=Wish(retry_failed=again))).exit_code
    except PipelineError as error:
        return error.exit_code


def kept(world: World) -> set[str]:
    """The requests whose answers are in the journal, or wait beside it, and can be read."""
    rows = [(row[0], row[1], row[11]) for _, found, _ in Spill(world.journal).spilled() for row in found]
    if world.journal.exists():
        with closing(sqlite3.connect(world.journal)) as connection, suppress(sqlite3.OperationalError):
            rows += connection.execute("SELECT digest, outcome, body FROM attempts")
    return {digest.hex() for digest, outcome, body in rows if outcome == "answered" and _is_json(body)}


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def bills(world: World) -> Counter[str]:
    """How often each request was billed."""
    return Ledger.read(world.ledger).paid if world.ledger.exists() else Counter()


def good_bills(world: World) -> Counter[str]:
    """How often each request was billed for an answer that is one."""
    lines = Ledger.read(world.ledger).lines if world.ledger.exists() else ()
    return Counter(line.digest for line in lines if line.billed and not line.fault)
