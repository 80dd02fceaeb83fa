"""Two hundred times kill -9 at random instants of larger runs, and what each of them cost by the ledger."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.testing import Account, Latency, Line, Script, Server, serve
from tests.support.journals import answered
from tests.support.project import Project

ROWS, WIDTH = 2000, 64
KILLS = 25
"""of each of eight jobs"""
START, WORK = 0.9, 0.7
"""seconds in which kills fall: after a start, and after the first bill of a run"""
SOONEST = 0.4
"""seconds that a run needs before it sends anything; a busy server may take that long to see what was sent"""


@dataclass(frozen=True)
class Killed:
    """A run that was killed: when it began, and what was in the journal after its end."""

    began: float
    kept: set[str]


RUN = ("run", "job.yaml", "--set", f"models.writer.limits.concurrency={WIDTH}")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The table of one run that nobody kills."""
    project = Project(tmp_path_factory.mktemp("undisturbed"))
    with serve() as server:
        project.job(server.base_url, records=Project.numbered(ROWS))
        assert project.run(*RUN).returncode == 0
        assert server.ledger().billed == ROWS
    return (project.folder / "output/shop/posts.csv").read_bytes()


@pytest.mark.parametrize("seed", range(8))
def test_p01_two_hundred_kills_at_random_instants_of_runs_of_two_thousand_rows(
    project: Project, undisturbed: bytes, seed: int
) -> None:
    dice = random.Random(seed)
    with serve(Script(latency=Latency(mean=0.3, jitter=0.2), seed=seed)) as server:
        project.job(server.base_url, records=Project.numbered(ROWS))
        runs = [killed(project, server, dice) for _ in range(KILLS)]
        ended = time.time()
        time.sleep(SOONEST)  # the last run is in this process, and sends sooner than one that has to start
        done = project.run(*RUN)
        assert done.returncode == 0, f"seed {seed}: {done.stderr}"
        ledger = server.ledger()
    table = (project.folder / "output/shop/posts.csv").read_bytes()
    assert table == undisturbed, f"seed {seed}: the table is another than undisturbed"
    assert len(ledger.paid) == ROWS
    assert paid_though_kept(runs, ledger) == set(), f"seed {seed}: what was committed was paid for again"
    lost = [not_kept(run, lines) for run, lines in by_run(runs, ended, ledger.lines)]
    assert max(lost) <= WIDTH, f"seed {seed}: of one run, so many were lost: {lost}"
    assert ledger.overpaid <= sum(lost), f"seed {seed}"
    assert sum(map(bool, lost)) >= KILLS // 3, f"seed {seed}: too few kills have met work: {lost}"


def killed(project: Project, server: Server, dice: random.Random) -> Killed:
    """Kill a run while it starts, one time in three, or at work."""
    began, bills = time.time(), size(server.ledger_path)
    process = project.start(*RUN)
    try:
        if dice.random() < 1 / 3:
            time.sleep(dice.uniform(0, START))
        else:
            while size(server.ledger_path) == bills and process.poll() is None:
                time.sleep(0.01)
            time.sleep(dice.uniform(0, WORK))
        assert process.poll() is None, "a run ended before it could be killed"
    finally:
        end(process)
    return Killed(began, answered(project.folder / "output/shop/journal.sqlite"))


def size(file: Path) -> int:
    """Bytes of a file, 0 where there is none."""
    return file.stat().st_size if file.exists() else 0


def end(process: subprocess.Popen[str]) -> None:
    """kill -9."""
    process.kill()
    process.communicate()


def paid_though_kept(runs: list[Killed], ledger: Account) -> set[str]:
    """Requests that were sent and billed in a run although the journal had their answer when it began."""
    begins = [run.began for run in runs[1:]]
    return {
        line.digest
        for run, began in zip(runs, begins, strict=False)
        for line in ledger.lines
        if line.arrived > began and line.billed and line.digest in run.kept
    }


def by_run(runs: list[Killed], ended: float, lines: Iterable[Line]) -> Iterable[tuple[Killed, list[Line]]]:
    """The lines of a ledger by the run that sent them: what arrived before the next one can have sent any."""
    lines = list(lines)
    for run, until in zip(runs, [*(run.began for run in runs[1:]), ended], strict=True):
        yield (
            run,
            [line for line in lines if SOONEST < line.arrived - run.began < SOONEST + until - run.began],
        )


def not_kept(run: Killed, lines: list[Line]) -> int:
    """How many of the answers that a run was billed were lost with it."""
    return len({line.digest for line in lines if line.billed} - run.kept)
