"""2,000 rows by batch, three steps with repairs, killed at random and at each point: nothing lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from hashlib import sha256
from itertools import product

import polars as pl
import pytest

from pipeline.testing import Account, Script
from pipeline.testing.script import BatchRule, BatchScript
from tests.support.killing import Killing, Point, When, killing
from tests.support.project import KEY, Project
from tests.support.served import bill, nano, served
from tests.support.writer import Chat, writer

ROWS, KILLS, WIDTH, PARTS = 2_000, 60, 6, 2
STEPS = [
    {"name": "idea", "prompt": "An idea for {{ title }}, number {{ sku }}."},
    {"name": "post", "prompt": "Write about: {{ idea }}", "checks": {"contains": "done"}, "repairs": 2},
    {"name": "head", "prompt": "A title for: {{ post }}"},
]
FAULTS = (
    BatchRule(fault="create_drop", share=0.2),
    BatchRule(fault="shuffled", share=0.5),
    BatchRule(fault="doubled", share=0.3, part=0.2),
    BatchRule(fault="line_500", share=0.2, part=0.05),
    BatchRule(fault="expired", share=0.1, part=0.6),
)


def answer(chat: Chat) -> str:
    """An answer that no other request has; of each third row only a later one passes the check."""
    draw = sha256(chat.first.encode()).hexdigest()[:16]
    return f"{draw} {chat.turn}" + (" done" if chat.turn or int(draw, 16) % 3 else "")


def right(row: int) -> tuple[str, str, str]:
    """The three answers that a row must have."""

    def said(prompt: str, turns: bool) -> str:
        draw = sha256(prompt.encode()).hexdigest()[:16]
        turn = int(turns and int(draw, 16) % 3 == 0)
        return f"{draw} {turn}" + (" done" if turn or int(draw, 16) % 3 else "")

    idea = said(f"An idea for thing {row}, number {row:05}.", False)
    post = said(f"Write about: {idea}", True)
    return idea, post, said(f"A title for: {post}", False)


def points(seed: int) -> list[Point | float]:
    """Where the run is killed, one after the other: points of a batch's way, and seconds after the start."""
    draw = random.Random(seed)
    whens: tuple[When, ...] = ("before", "after", "replied")
    pairs: list[list[Point | float]] = [
        [Point(way, number, when)]
        for way, number, when in product(("upload", "look", "fetch"), (1, 2), whens)
    ]
    # the server's list is read only where it is not known whether a batch was made
    pairs += [
        [Point("create", 1, when), Point("list", 1, other), 26.0] for when, other in product(whens, whens)
    ]
    pairs += [[draw.uniform(0.4, 2.5)] for _ in range(25)]
    draw.shuffle(pairs)
    return [point for pair in pairs for point in pair]


def killed_run(project: Project, proxy: Killing, point: Point | float) -> int | None:
    """Start a run, and kill it there, or after 3 seconds; its exit code where it ended before."""
    env = {**os.environ, "TEST_KEY": KEY}
    out = (project.folder / "out.txt").open("ab")
    with subprocess.Popen(
        project.command("run", "job.yaml"), cwd=project.folder, env=env, stdout=out, stderr=out
    ) as run:
        proxy.aim(run.pid, point if isinstance(point, Point) else None)
        try:
            code = run.wait(timeout=point if isinstance(point, float) else 3)
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            code = run.wait()
    return None if code == -signal.SIGKILL else code


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_doubled_or_misplaced_whenever_it_is_killed(project: Project, part: int) -> None:
    kills, seed = 0, part
    while kills < KILLS / PARTS:
        kills, seed = kills + killed_until_done(project, seed), seed + PARTS
    assert seed < 9 + PARTS


def killed_until_done(project: Project, seed: int) -> int:
    """Run a job to its end, killed again and again; how often it was."""
    script = Script(batches=BatchScript(latency={"mean": 1.0, "jitter": 0.9}, faults=FAULTS), seed=seed)
    kills, ended, name = 0, None, f"shop{seed}"
    with writer(answer, script) as (server, _), killing(server.base_url) as proxy:
        models = served(
            proxy.base_url,
            lane="batch",
            limits={"timeout": 20, "concurrency": WIDTH},
            options={"batch": {"most_requests": 400}},
        )
        to = {"to": f"output/{name}/posts.csv"}
        project.job(records=Project.numbered(ROWS), models=models, steps=STEPS, name=name, output=to)
        for point in points(seed):
            if (ended := killed_run(project, proxy, point)) is not None:
                break
            kills += 1
        while ended is None:
            ended = killed_run(project, proxy, 1e4)
        assert ended == 0, (project.folder / "out.txt").read_text()[-3000:]
        table = pl.read_csv(project.folder / f"output/{name}/posts.csv")
        rows = list(zip(table["idea"], table["post"], table["head"], strict=True))
        assert rows == [right(row) for row in range(ROWS)]
        account = server.ledger()
        # what two batches failed is sent by itself, and a kill then loses what is under way
        by_batch = {line.digest for line in account.lines if line.billed and line.batch}
        again = {digest for digest, times in account.paid.items() if times > 1}
        assert account.twice == 0 and not again & by_batch, proxy.killed
        assert account.overpaid <= kills * WIDTH, proxy.killed
        kept = Account({line.digest: line for line in account.lines if line.billed}.values())
        assert nano(project.numbers("status", "job.yaml")["cost"]) == bill(kept), proxy.killed
    return kills
