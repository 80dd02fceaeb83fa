"""Two hundred times kill -9 at random instants of larger runs, and what each of them cost by the ledger."""

from __future__ import annotations

import random
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.testing import Account, Latency, Line, Script, Server, serve
from tests.support.journals import answered
from tests.support.project import Project
from tests.support.settled import settled

ROWS, WIDTH = 2000, 64
KILLS = 25
"""of each of eight jobs"""
START, WORK = 0.9, 0.7
"""seconds in which kills fall: after a start, and after the first bill of a run"""


@dataclass(frozen=True)
class Killed:
    """A run that was killed: what was in the journal after its end, and how long the ledger was."""

    kept: set[str]
    lines: int


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
        done = project.run(*RUN)
        assert done.returncode == 0, f"seed {seed}: {done.stderr}"
        ledger = server.ledger()
    table = (project.folder / "output/shop/posts.csv").read_bytes()
    assert table == undisturbed, f"seed {seed}: the table is another than undisturbed"
    assert len(ledger.paid) == ROWS
    assert paid_though_kept(runs, ledger) == set(), f"seed {seed}: what was committed was paid for again"
    begins = [0, *(run.lines for run in runs)]
    lost = [not_kept(run, ledger.lines[at : run.lines]) for at, run in zip(begins, runs, strict=False)]
    assert max(lost) <= WIDTH, f"seed {seed}: of one run, so many were lost: {lost}"
    assert ledger.overpaid <= sum(lost), f"seed {seed}"
    assert sum(map(bool, lost)) >= KILLS // 3, f"seed {seed}: too few kills have met work: {lost}"


def killed(project: Project, server: Server, dice: random.Random) -> Killed:
    """Kill a run while it starts, one time in three, or at work."""
    bills = size(server.ledger_path)
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
    settled(server)
    lines = len(server.ledger().lines) if server.ledger_path.exists() else 0
    return Killed(answered(project.folder / "output/shop/journal.sqlite"), lines)


def size(file: Path) -> int:
    """Bytes of a file, 0 where there is none."""
    return file.stat().st_size if file.exists() else 0


def end(process: subprocess.Popen[str]) -> None:
    """kill -9."""
    process.kill()
    process.communicate()


def paid_though_kept(runs: list[Killed], ledger: Account) -> set[str]:
    """Requests that were sent and billed after a run although the journal had their answer at its end."""
    return {
        line.digest
        for run in runs
        for line in ledger.lines[run.lines :]
        if line.billed and line.digest in run.kept
    }


def not_kept(run: Killed, lines: list[Line]) -> int:
    """How many of the answers that a run was billed were lost with it."""
    return len({line.digest for line in lines if line.billed} - run.kept)
