"""A job that is run, killed, edited and met by faults, step by step, by a seed; and what must hold after all.

A kill is played in process: the job's folder is copied while the run goes on, which is what a kill -9 leaves
behind, and the run goes on elsewhere for nobody. The ledger of the scripted model, kept outside, tells what
was really billed.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import yaml

from pipeline.conductor import run_async
from pipeline.errors import PipelineError
from pipeline.loading import load
from pipeline.scripted.ledger import Ledger
from pipeline.tally import Tally

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


@dataclass
class World:
    """A folder with the job as it is now, the random choices, and what has been billed."""

    folder: Path
    choose: random.Random
    rows: list[tuple[str, str]] = field(default_factory=lambda: [(f"k{i}", f"thing {i}") for i in range(8)])
    prompt: str = "Write about {{ title }}."
    second: bool = True
    suffix: str = "csv"
    place: int = 0
    """how often the folder has moved: once a kill"""
    kills: int = 0
    history: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """Where the job stands after the latest kill."""
        return self.folder / f"place{self.place}"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.jsonl"

    def write(self, faults: list[dict[str, Any]] | None = None, root: Path | None = None) -> Path:
        """The job file and its records, as they are now."""
        root = root or self.root
        root.mkdir(exist_ok=True)
        lines = ["sku,title", *(f"{key},{title}" for key, title in self.rows)]
        (root / "records.csv").write_text("\n".join(lines) + "\n")
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
        file = root / "job.yaml"
        file.write_text(yaml.safe_dump(job))
        return file

    async def step(self) -> None:
        """One thing that happens, drawn by the seed."""
        name = self.choose.choice(
            ["run", "run", "kill", "kill", "kill", "fault", "fault", "edit", "edit", "rows", "format"]
        )
        self.history.append(name)
        if name == "edit":
            self.prompt = f"Write {self.choose.randint(0, 3)} lines about {{{{ title }}}}."
        elif name == "rows":
            self._change_rows()
        elif name == "format":
            self.suffix = self.choose.choice(["csv", "jsonl"])
            self.second = self.choose.random() < 0.8
        elif name == "kill":
            await self._killed(self.choose.randint(0, 12))
        else:
            faults = [self.choose.choice(FAULTS)] if name == "fault" else []
            self.history[-1] += f" {[fault['fault'] for fault in faults]}"
            await run(self.write(faults))

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

    async def _killed(self, after: int) -> None:
        """Run until so many answers have come, take the folder as it is, and leave the run behind."""
        file, tally = self.write(), Tally()
        following = self.folder / f"place{self.place + 1}"
        async with anyio.create_task_group() as group:
            group.start_soon(run, file, tally)
            with anyio.move_on_after(0.3):
                while tally.answered < after:
                    await anyio.sleep(0.0005)
            shutil.copytree(
                self.root, following, ignore=shutil.ignore_patterns("*.sock", "control*", "out.*")
            )
            group.cancel_scope.cancel()
        shutil.rmtree(self.root)
        self.place += 1
        self.kills += 1


async def run(file: Path, tally: Tally | None = None) -> int:
    """Run the job; its exit code."""
    try:
        return (await run_async(load(file), tally=tally)).exit_code
    except PipelineError as error:
        return error.exit_code


def bills(world: World) -> Counter[str]:
    """How often each request was billed."""
    return Ledger.read(world.ledger).paid if world.ledger.exists() else Counter()


def good_bills(world: World) -> Counter[str]:
    """How often each request was billed for an answer that can be read."""
    lines = Ledger.read(world.ledger).lines if world.ledger.exists() else ()
    return Counter(
        line.digest for line in lines if line.billed and line.fault not in ("garbage", "truncate_body")
    )
