"""A batch of records looked up at once comes to what each of them comes to alone."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import anyio
import pytest
import yaml

from pipeline.core.domain import Billed, Call, Fate, Fault, LookUp, Record, Rejected, Reply, Request
from pipeline.core.progress import Progress
from pipeline.engine.in_order import InOrder
from pipeline.engine.stages import Stage, stages_of
from pipeline.engine.walk import Branch, Walk
from pipeline.job.load import load
from pipeline.journal import recall
from pipeline.journal.journal import Journal
from pipeline.output.columns import Columns
from tests.support.fakes import chat_body

WORDS = ("tea", "Größe", "日本語のお茶", "emoji 🫖", "a\u2028b", "x" * 3000)


@dataclass
class Case:
    """A job, its records, and a journal in which something of every kind stands."""

    stages: list[Stage]
    columns: Columns
    records: list[Record]
    journal: Journal


def steps_of(chance: Random) -> list[dict[str, Any]]:
    """Up to three steps: with a fan-out, a condition, JSON, checks, the answers of earlier steps."""
    steps: list[dict[str, Any]] = []
    for i in range(chance.randint(1, 3)):
        step: dict[str, Any] = {"name": f"s{i}", "prompt": f"{i} {{{{ title }}}}", "model": "m"}
        step["repairs"] = chance.randint(0, 2)
        if chance.random() < 0.4:
            step["each"] = {f"e{i}": ["de", "ja", 3][: chance.randint(1, 3)]}
            step["prompt"] += f" {{{{ e{i} }}}}"
        if i and chance.random() < 0.5:
            step["prompt"] += f" {{{{ s{i - 1} }}}}"
        if chance.random() < 0.3:
            step["when"] = "{{ n > 2 }}"
        if chance.random() < 0.4:
            step["answer"] = {"json": {"title": "string", "size": "integer"}}
        elif chance.random() < 0.3:
            step["checks"] = {"length": {"max": 100}}
        steps.append(step)
    return steps


def answered(request: Request, chance: Random) -> bytes:
    """A reply to a request: good, or refused, cut off, empty, too long, no JSON."""
    word = chance.choice(WORDS)
    text = json.dumps({"title": word, "size": 3}, ensure_ascii=chance.random() < 0.5)
    if b"json_schema" not in request.body or chance.random() < 0.2:
        text = word
    return chat_body(text, **chance.choice([{}, {}, {}, {"finish_reason": "length"}, {"refusal": "no"}]))


async def keep(journal: Journal, request: Request, chance: Random) -> Reply:
    """Put something into the journal under a request; the reply that stands there, or a fault."""
    reply = Reply(request.api, answered(request, chance), 0.5)
    kind = chance.choice(
        ["answer"] * 8 + ["twice", "superseded", "damaged", "page", "failed", "paid", "none"]
    )
    if kind == "failed" or chance.random() < 0.1:
        journal.note(request, Fault("server_error", "oh", fate=chance.choice(list(Fate))), 0.1)
    if kind == "paid":
        journal.note(request, Fault("too_large", "huge", billed=Billed.YES), 0.1)
    if kind in ("failed", "paid", "none"):
        raise Fault("kept", "as it is")
    if kind in ("twice", "superseded"):
        await journal.record(request, Reply(request.api, answered(request, chance), 0.5))
    if kind == "superseded":
        await journal.supersede(request)
        raise Fault("kept", "as it is")
    await journal.record(request, reply if kind != "page" else Reply(request.api, b"<html>"))
    if kind == "page":
        raise Fault("kept", "as it is")
    if kind == "damaged":
        with closing(sqlite3.connect(journal.path)) as plain:
            plain.execute("UPDATE attempts SET seconds = 9 WHERE seq = (SELECT max(seq) FROM attempts)")
            plain.commit()
    return reply


def filling(journal: Journal, chance: Random) -> Call:
    """A call that fills the journal; now and then it is the other model that has answered."""
    met: set[bytes] = set()

    async def ask(request: Request) -> Reply:
        asked = request
        if request.instead is not None and chance.random() < 0.2:
            asked = request.instead
        if asked.digest in met:
            raise Fault("kept", "as it is")
        met.add(asked.digest)
        return await keep(journal, asked, chance)

    return ask


def case_of(seed: int, folder: Path) -> Case:
    chance = Random(seed)
    first: dict[str, Any] = {"provider": "scripted", "model": "first", "api": "chat"}
    if chance.random() < 0.5:
        first["fallback"] = {"model": "n"}
    job = {
        "name": "a",
        "records": {"from": "r.csv"},
        "models": {"m": first, "n": {"provider": "scripted", "model": "second", "api": "chat"}},
        "steps": steps_of(chance),
        "output": {"include": ["status", "reason", "key", "model"]},
    }
    (folder / "job.yaml").write_text(yaml.safe_dump(job, sort_keys=False))
    loaded = load(folder / "job.yaml")
    stages = stages_of(loaded)
    titles = [chance.choice(WORDS) + str(chance.randint(0, 12)) for _ in range(30)]
    private = ("tea",) if chance.random() < 0.3 else ()
    records = [
        Record(str(row), {"title": title, "n": chance.randint(0, 5)}, row, private)
        for row, title in enumerate(titles)
    ]
    journal = Journal.open(folder / "journal.sqlite")
    walk = Walk(stages, dict.fromkeys(loaded.models, filling(journal, chance)))

    async def fill() -> None:
        for record in records:
            await walk.leaves(record)
        await journal.settle()

    anyio.run(fill)
    return Case(stages, Columns(loaded, stages, {}), records, journal)


def seen(leaf: Branch) -> tuple[object, ...]:
    """All that can be seen of a leaf."""
    fault = leaf.fault
    of_fault = (type(fault), fault and (fault.kind, fault.message, fault.fate, fault.billed))
    rejected = (fault.requests, fault.known) if isinstance(fault, Rejected) else ()
    known = (leaf.record, dict(leaf.values), leaf.at, leaf.skipped, leaf.models, leaf.known, leaf.status)
    return (*known, *of_fault, *rejected)


def looking_up(journal: Journal, kind: str, progress: Progress) -> LookUp:
    """What stands behind the walk when a job is run again, exported while it runs, exported afterwards."""
    if kind == "run":
        return recall.recalling(journal, progress)
    return recall.exporting(journal, progress, given_up=kind == "finished")


async def alone(case: Case, kind: str, progress: Progress) -> list[Branch]:
    """The rows of the records, each walked by itself and asking for one thing after the other."""
    look_up = looking_up(case.journal, kind, progress)

    async def call(request: Request) -> Reply:
        (outcome,) = look_up([request])
        if isinstance(outcome, Fault):
            raise outcome
        return outcome

    walk = Walk(case.stages, {stage.spec.model: call for stage in case.stages})
    leaves = [leaf for record in case.records for leaf in await walk.leaves(record)]
    return [row for leaf in leaves for row in walk.rows_of(leaf)]


async def together(case: Case, kind: str, progress: Progress, size: int) -> list[Branch]:
    """The rows of the records, so many of them walked at once."""
    batches = [case.records[at : at + size] for at in range(0, len(case.records), size)]
    walks = InOrder(case.stages, looking_up(case.journal, kind, progress))
    return [row async for rows in walks.rows(iter(batches)) for row in rows]


@pytest.mark.parametrize("seed", range(16))
def test_records_in_a_batch_come_to_what_each_of_them_comes_to_alone(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.journal.writer.GATHER", 0)
    case = case_of(seed, tmp_path)
    for kind in ("run", "export", "finished"):
        one = Progress()
        wanted = anyio.run(alone, case, kind, one)
        for size in (1, 7, len(case.records)):
            many = Progress()
            found = anyio.run(together, case, kind, many, size)
            assert list(map(seen, found)) == list(map(seen, wanted))
            assert (many.recalled, many.missing) == (one.recalled, one.missing)
        cells = zip(*(case.columns.of([leaf]) for leaf in wanted), strict=True)
        assert case.columns.of(wanted) == [[cell for (cell,) in column] for column in cells]
    case.journal.close()


def test_a_look_up_that_breaks_ends_all_walks(tmp_path: Path) -> None:
    case = case_of(1, tmp_path)

    def broken(requests: object) -> list[Reply | Fault]:
        raise OSError("the disk")

    with pytest.raises(OSError, match="the disk"):
        InOrder(case.stages, broken).leaves(case.records)
    case.journal.close()
