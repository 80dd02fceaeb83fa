"""Walks over a job of a few steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pipeline.core.domain import Record, Reply, Request
from pipeline.engine.stages import stages_of
from pipeline.engine.walk import Branch, Walk
from pipeline.job.load import load
from tests.support.fakes import said

HEAD = {
    "name": "a",
    "records": {"from": "r.csv"},
    "models": {"m": {"provider": "scripted", "model": "x"}},
}
KINDS = {"prompt", "translate", "join"}


def walk_of(folder: Path, steps: list[dict[str, Any]], call: Any) -> Walk:
    """The walk through these steps, named s0, s1, …, with a prompt where they have none."""
    file = folder / "job.yaml"
    named = [
        {"name": f"s{i}", **({} if KINDS & step.keys() else {"prompt": f"s{i}"}), **step}
        for i, step in enumerate(steps)
    ]
    file.write_text(yaml.safe_dump({**HEAD, "steps": named}, sort_keys=False))
    return Walk(stages_of(load(file)), {"m": call})


def record(key: str = "1", **fields: Any) -> Record:
    """A record with these columns."""
    return Record(key, fields, 1)


def echo(request: Request) -> Reply:
    """The prompt itself as the answer."""
    return said(request.body.decode().split('"content":"')[1].split('"')[0])


async def rows(walk: Walk, one: Record) -> list[Branch]:
    """All rows that come of a record."""
    return [row for leaf in await walk.leaves(one) for row in walk.rows_of(leaf)]
