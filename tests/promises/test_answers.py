"""P1, P3, P4, P5, P7 and P8 of docs/promises.md: what was paid for is kept, and stands in its own row.

P1 before every system call and P8 over ten thousand steps are in the long sweeps (`make soak`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import sqlite3
from contextlib import closing
from functools import partial
from typing import Any

from pipeline.testing import Rule, Script, Server
from pipeline.testing.script import FaultName, Latency
from tests.support.journals import answered
from tests.support.killed_run import CONCURRENCY, finish, job, kill, started
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve
from tests.support.waiting import wait_for

JOURNAL = "output/shop/journal.sqlite"


def select(project: Project, sql: str) -> list[Any]:
    """Rows of the journal, as any SQLite tool reads them."""
    with closing(sqlite3.connect(f"file:{project.folder / JOURNAL}?mode=ro", uri=True)) as journal:
        return journal.execute(sql).fetchall()


def test_p01_after_kill_9_nothing_that_was_kept_is_sent_again(project: Project) -> None:
    with serve(Script(latency=0.05)) as server:
        job(project, server)
        process = started(project, server, 70)
        kill(process)
        kept = answered(project.folder / JOURNAL)
        assert len(kept) >= 70 - CONCURRENCY
        ledger = finish(project, server)
    twice = {digest for digest, times in ledger.paid.items() if times > 1}
    assert not twice & kept and len(twice) <= CONCURRENCY


BODIES = {
    "0": '{"choices": [{"message": {"content": "cut o',
    "1": '{"choices": [{"message": {"content": "\\ud83d half a face"}, "finish_reason": "stop"}]}',
    "2": '{"choices": [], "created": ' + "7" * 5000 + "}",
    "3": "[" * 100_000,
    "4": "\x00\u2028 nothing of the kind",
    "5": '{"choices": [{"message": {"content": "NaN"}, "finish_reason": "stop"}], "usage": NaN}',
    "6": "",
}


def test_p03_every_reply_is_in_the_journal_whatever_it_contains(project: Project) -> None:
    faults = tuple(
        Rule(match=f"thing {name}.", times=1, fault="body", body=body) for name, body in BODIES.items()
    )
    with serve(Script(faults=faults)) as server:
        project.job(server.base_url, records=Project.numbered(9))
        done = project.run("run", "job.yaml")
        assert done.returncode in (0, 3) and "Traceback" not in done.stderr, done.stderr
        ledger = server.ledger()
    bodies = [bytes(body) for (body,) in select(project, "SELECT body FROM attempts")]
    for body in BODIES.values():
        assert body.encode() in bodies, body[:60]
    paid = select(project, "SELECT lower(hex(digest)) FROM attempts WHERE billed <> 'no'")
    assert sorted(digest for (digest,) in paid) == sorted(ledger.paid.elements())


def test_p04_a_row_is_written_from_the_answer_to_its_own_question_or_not_at_all(project: Project) -> None:
    with serve(Script(latency=0.01)) as server:
        project.job(server.base_url, records=Project.numbered(20))
        assert project.run("run", "job.yaml").returncode == 0
        good = project.result()
        with closing(sqlite3.connect(project.folder / JOURNAL)) as journal:
            (one, other) = journal.execute("SELECT digest FROM attempts WHERE record IN ('00003', '00011')")
            journal.execute("UPDATE attempts SET digest = ? WHERE record = '00003'", other)
            journal.execute("UPDATE attempts SET digest = ? WHERE record = '00011'", one)
            journal.commit()
        done = project.run("run", "job.yaml")
        assert done.returncode == 0 and "at least 2 requests" in done.stderr, done.stderr
        assert server.ledger().billed == 22, "what was moved to another question is asked again"
        assert project.result().equals(good)
        rows = [f"{i:05},thing {(i * 7) % 20}" for i in range(20)]
        project.job(server.base_url, records="\n".join(["sku,title", *rows]) + "\n")
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 22, "an answer goes with its question, not with its row"
    pairs = project.result().select("title", "post").iter_rows()
    assert all(post.endswith(f"Write about {title}.") for title, post in pairs)


def test_p05_rows_are_those_of_the_input_and_each_is_ok_failed_or_skipped(project: Project) -> None:
    steps = [
        {"name": "outline", "when": "{{ title != 'thing 4' }}", "prompt": "Outline {{ title }}."},
        {"name": "post", "each": {"lang": ["en", "pt"]}, "prompt": "In {{ lang }}: {{ outline }}"},
    ]
    faults = (
        Rule(match="Outline thing 5.", fault="bad_request"),
        Rule(match="Outline thing 6.", fault="length"),
    )
    with serve(Script(latency=Latency(mean=0.05, jitter=0.05), faults=faults)) as server:
        project.job(server.base_url, steps=steps, records=Project.numbered(12))
        numbers = project.numbers("run", "job.yaml")
    result = project.result()
    assert result["sku"].to_list() == [f"{i // 2:05}" for i in range(24)]
    assert result["lang"].to_list() == ["en", "pt"] * 12
    status = ["skipped" if i == 4 else "failed" if i in (5, 6) else "ok" for i in range(12) for _ in "ab"]
    assert result["_status"].to_list() == status
    counts = {"ok": 18, "failed": 4, "skipped": 2, "pending": 0}
    assert {name: numbers[name] for name in counts} == counts
    assert published(project)["rows"] == counts


def published(project: Project) -> dict[str, Any]:
    """The record of what was published."""
    read: dict[str, Any] = json.loads((project.folder / "output/shop/published.json").read_text())
    return read


def test_p06_the_record_beside_a_result_has_its_size_and_checksum(project: Project) -> None:
    to = ["output/shop/posts.csv", "elsewhere/posts.parquet"]
    with serve(Script(faults=(Rule(match="lamp", fault="length"),))) as server:
        project.job(server.base_url, output={"to": to})
        assert project.run("run", "job.yaml").returncode == 3
    files = published(project)["files"]
    assert [file["path"] for file in files] == [*to, "output/shop/failures.csv"]
    for file in files:
        content = (project.folder / file["path"]).read_bytes()
        assert file["bytes"] == len(content)
        assert file["sha256"] == hashlib.sha256(content).hexdigest()


def test_p07_a_finished_job_sends_nothing_and_writes_the_same_bytes(project: Project) -> None:
    answer = {"json": {"title": "string", "tags": ["string"]}}
    steps = [{"name": "post", "prompt": "Write about {{ title }}.", "answer": answer}]
    to = [f"output/shop/posts.{suffix}" for suffix in ("csv", "jsonl.zst", "parquet")]
    with serve(Script(faults=(Rule(match="lamp", fault="refusal"),))) as server:
        project.job(server.base_url, steps=steps, output={"to": to})
        assert project.run("run", "job.yaml").returncode == 3
    first = [(project.folder / name).read_bytes() for name in (*to, "output/shop/failures.csv")]
    again = project.numbers("run", "job.yaml")  # there is no server any more
    assert again["sent"] == 0 and again["failed"] == 1
    assert [(project.folder / name).read_bytes() for name in (*to, "output/shop/failures.csv")] == first


def test_p08_stops_and_faults_in_any_order_end_in_the_undisturbed_table(project: Project) -> None:
    names: tuple[FaultName, ...] = ("server_error", "garbage", "disconnect")
    faults = tuple(Rule(share=0.08, times=1, fault=name) for name in names)
    limits = {"concurrency": 4, "retries": 9, "maybe_billed_retries": 9}
    with serve(Script(latency=0.03, seed=8, faults=faults)) as server:
        project.job(models=served(server.base_url, limits=limits), records=Project.numbered(50))
        for billed, number in ((10, signal.SIGKILL), (25, signal.SIGINT)):
            process = project.start("run", "job.yaml")
            wait_for(partial(_has_billed, server, billed))
            process.send_signal(number)
            process.communicate(timeout=30)
        assert project.run("run", "job.yaml").returncode == 0
    disturbed = (project.folder / "output/shop/posts.csv").read_bytes()
    shutil.rmtree(project.folder / "output")
    with serve() as server:
        project.job(models=served(server.base_url))
        assert project.run("run", "job.yaml").returncode == 0
    assert (project.folder / "output/shop/posts.csv").read_bytes() == disturbed


def _has_billed(server: Server, answers: int) -> bool:
    return server.ledger_path.exists() and server.ledger().billed >= answers
