"""What the scenarios of rates share: a job as data, the command in a process of its own, and its ledger.

This module does not know what is measured, nor what is wanted.
"""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from benchmarks.workload import CLIENT_CORE, CORES, LOREM, ROOT, SERVER_CORE, environment, figure, note, pin
from pipeline.testing import Account, Script, Server, serve

KEY = "a-key-of-no-worth"
MINUTE = 60.0
LONGEST = 600.0
"""seconds after which a run that does not end is killed, and the scenario with it"""


@contextmanager
def serving(script: Script) -> Iterator[Server]:
    """The scripted server in a process and on a core of its own."""
    pin(SERVER_CORE)  # the server inherits it
    try:
        with serve(script) as server:
            pin(*CORES)
            yield server
    finally:
        pin(*CORES)


def model(server: Server, **keys: Any) -> dict[str, Any]:
    """A model of a job file at that server."""
    return {"model": "m", "base_url": server.base_url, "api_key_env": "BENCH_KEY", **keys}


def texts(rows: int, characters: int = 400) -> list[str]:
    """Texts that differ, of so many characters."""
    return [f"row {i:06} {LOREM}"[:characters] for i in range(rows)]


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended: its exit code, seconds, what it said, and when it began (Unix time)."""

    code: int
    seconds: float
    out: str
    err: str
    began: float


@dataclass(frozen=True, slots=True)
class Bench:
    """A folder with records and a job over them."""

    folder: Path

    @property
    def file(self) -> Path:
        """The job file."""
        return self.folder / "job.yaml"

    @property
    def records(self) -> Path:
        """The table of texts."""
        return self.folder / "records.csv"

    def write(self, texts: Iterable[str]) -> None:
        """Write the records: `id` and `text`."""
        with self.records.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["id", "text"])
            writer.writerows((f"{i:07}", text) for i, text in enumerate(texts))

    def job(self, models: dict[str, Any], **keys: Any) -> None:
        """Write the job, of one step where `keys` has no others; JSON is YAML too."""
        job = {
            "name": "bench",
            "records": {"from": self.records.name, "key": "id"},
            "models": models,
            "steps": [{"name": "post", "prompt": "Write: {{ text }}"}],
            **keys,
        }
        self.file.write_text(json.dumps(job, indent=1))

    def begin_anew(self) -> None:
        """Forget all answers."""
        shutil.rmtree(self.folder / "output", ignore_errors=True)

    def run(self, *options: str, key: str = KEY) -> Ran:
        """`pipeline run`, to its end."""
        return ran(self.command("run", *options), key=key)

    def status(self) -> dict[str, Any]:
        """`pipeline status --json`; exits where there is none."""
        done = ran(self.command("status", "--json"))
        if done.code:
            raise SystemExit(f"pipeline status ended with {done.code}\n{done.err}")
        numbers: dict[str, Any] = json.loads(done.out)
        return numbers

    def command(self, name: str, *options: str) -> list[str]:
        """A command over the job."""
        return [sys.executable, "-m", "pipeline", name, str(self.file), *options]


def plain(server: Server, bench: Bench, in_flight: int) -> list[str]:
    """The command of the baseline."""
    return [sys.executable, "-m", "benchmarks.plain", server.base_url, str(bench.records), str(in_flight)]


def ran(command: Sequence[str], *, key: str = KEY, ledger: Path | None = None, seconds: float = 0) -> Ran:
    """Run a command on the client's core; with `seconds`, interrupt it so long after its first request."""
    began, since = time.time(), time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**environment(), "BENCH_KEY": key},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: pin(CLIENT_CORE),
    )
    try:
        if ledger is not None and seconds:
            _interrupt(process, ledger, seconds)
        out, err = process.communicate(timeout=LONGEST)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    return Ran(process.returncode, time.monotonic() - since, out, err, began)


def _interrupt(process: subprocess.Popen[str], ledger: Path, seconds: float) -> None:
    """Send SIGINT so many seconds after the ledger has got its first line."""
    before = ledger.stat().st_size
    while process.poll() is None and ledger.stat().st_size == before:
        time.sleep(0.02)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)


class Traffic:
    """A ledger's requests in time: seconds count from the first arrival."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.lines = sorted(account.lines, key=lambda line: line.arrived)
        self.began = self.lines[0].arrived if self.lines else 0.0
        paid = [line for line in self.lines if line.billed]
        self._arrived = [line.arrived - self.began for line in paid]
        self._tokens = [0, *accumulate(line.input + line.output for line in paid)]
        self._answered = sorted(line.at - self.began for line in paid)

    @property
    def refused(self) -> int:
        """Requests that were above a limit."""
        return sum(line.status == 429 for line in self.lines)

    @property
    def span(self) -> float:
        """Seconds from the first request to the last answer."""
        return self._answered[-1] if self._answered else 0.0

    @property
    def last_arrival(self) -> float:
        """When the last request came that was let in."""
        return self._arrived[-1] if self._arrived else 0.0

    def answers(self, start: float, end: float) -> int:
        """Answers in [start, end)."""
        return bisect_left(self._answered, end) - bisect_left(self._answered, start)

    def rate(self, start: float, end: float) -> float:
        """Answers a second in [start, end)."""
        return self.answers(start, end) / (end - start)

    def at_once(self, start: float, end: float) -> float:
        """The mean number of requests that the server had, in [start, end)."""
        ends = ((line.arrived - self.began, line.at - self.began) for line in self.lines)
        return sum(max(0.0, min(at, end) - max(arrived, start)) for arrived, at in ends) / (end - start)

    def requests(self, start: float, end: float) -> int:
        """Requests let in in [start, end)."""
        return bisect_left(self._arrived, end) - bisect_left(self._arrived, start)

    def tokens(self, start: float, end: float) -> int:
        """Tokens of the requests let in in [start, end)."""
        return self._tokens[bisect_left(self._arrived, end)] - self._tokens[bisect_left(self._arrived, start)]

    def first_arrivals(self) -> dict[str, float]:
        """When each digest came first, refused or not."""
        first: dict[str, float] = {}
        for line in self.lines:
            first.setdefault(line.digest, line.arrived - self.began)
        return first

    def busiest_tokens(self) -> int:
        """The most tokens that were let in in any minute."""
        return max((self.tokens(at, at + MINUTE) for at in self._arrived), default=0)

    def summary(self) -> str:
        """What the oracle saw, in a line."""
        account = self.account
        counts = (
            f"{account.requests:,} requests, {account.billed:,} billed, {self.refused:,} refused for rate"
        )
        paid_again = f"{account.overpaid:,} overpaid; {self.span:.1f} s; at most {account.peak:,} at once"
        busiest = f"{account.busiest(MINUTE):,} requests, {self.busiest_tokens():,} tokens"
        return f"{counts}, {paid_again}; busiest minute {busiest}"


def held(what: str, value: object, wanted: str, met: bool) -> None:
    """Print a figure of these scenarios."""
    figure("rates", what, str(value), wanted, met)


def saw(name: str, text: str) -> None:
    """Print a line that goes with a scenario's figures."""
    note("rates", f"{name}: {text}")


def explain(name: str, done: Ran) -> None:
    """Print how a command ended that should have ended otherwise."""
    said = (done.err.strip() or done.out.strip()).splitlines()
    part = said[-1:] if said and said[0].startswith("Traceback") else said[:3]
    saw(name, f"exit {done.code} after {done.seconds:.1f} s: {' / '.join(part)}")
