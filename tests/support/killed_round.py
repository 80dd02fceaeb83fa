"""A run that is killed in the middle of a round in which answers are written again."""

from __future__ import annotations

from zlib import crc32

import orjson

from pipeline.testing import Script
from tests.support.crowd import posts
from tests.support.journals import JOURNAL, answered
from tests.support.killed_run import CONCURRENCY, kill, started
from tests.support.project import Project
from tests.support.writer import Chat, writer

COPIES = 30
POSTS = posts(3, 120, COPIES)
STEP = {"name": "post", "prompt": "Write about {{ title }}.", "checks": {"distinct": True}}


def written(chat: Chat) -> str:
    """A post by the number of its thing; sent back, one that depends on what is asked alone."""
    if not chat.turn:
        return POSTS[int(chat.first.split("thing ")[1].split(".")[0])].text
    return " ".join(f"{word}{crc32(orjson.dumps(chat.body))}" for word in ("one", "two", "three", "four"))


def check_killed(in_round: int, project: Project, whole: Project) -> None:
    """Kill a run when a round has brought so many answers, and compare the next one with a whole run."""
    with writer(written) as (server, _):
        whole.job(server.base_url, records=Project.numbered(len(POSTS)), steps=[STEP])
        assert whole.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == len(POSTS) + COPIES
    with writer(written, Script(latency=0.04)) as (server, _):
        project.job(server.base_url, records=Project.numbered(len(POSTS)), steps=[STEP])
        kill(started(project, server, len(POSTS) + in_round), server)
        kept = answered(project.folder / JOURNAL)
        assert len(POSTS) <= len(kept) < len(POSTS) + COPIES
        partial = project.run("export", "job.yaml")
        assert partial.returncode == 75 and f"{len(POSTS) + COPIES - len(kept)} pending" in partial.stdout
        assert project.run("run", "job.yaml").returncode == 0
        ledger = server.ledger()
        twice = {digest for digest, times in ledger.paid.items() if times > 1}
        assert not twice & kept and len(twice) <= CONCURRENCY
        assert len(ledger.paid) == len(POSTS) + COPIES
    assert project.result().equals(whole.result())
