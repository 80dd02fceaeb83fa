"""P17, P19, P20 and P21 of docs/promises.md: damage, memory, poisonous rows, secrets.

P19 up to 50,000 rows is a benchmark (`make bench`); P21 after every failure is in test_p21_secrets.py.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks.workload import job as bench_job
from benchmarks.workload import used
from pipeline.testing import Rule, Script
from tests.support.canary import KEY, found
from tests.support.project import Project
from tests.support.server import serve

FEW, MANY = 1_000, 6_000
MOST_GROWTH, MOST_BYTES_A_ROW = 1.10, 150


def test_p17_a_damaged_answer_is_never_used_and_those_behind_it_are(project: Project) -> None:
    journal = project.folder / "output/shop/journal.sqlite"
    with serve(Script(tokens=40)) as server:
        project.job(server.base_url, records=Project.numbered(30))
        assert project.run("run", "job.yaml").returncode == 0
        good = project.result()
        content = journal.read_bytes()
        place = content.index(b"Write about thing 12.") + 6
        journal.write_bytes(content[:place] + b"\x00" + content[place + 1 :])
        found = project.run("journal", "verify", "job.yaml")
        assert found.returncode == 74 and "(step post, record 00012) is not what was written" in found.stdout
        done = project.run("run", "job.yaml")
        assert done.returncode == 0 and "at least 1 request" in done.stderr, done.stderr
        assert "row 13 of the journal (step post, record 00012) is damaged" in done.stderr
        assert server.ledger().billed == 31
    assert project.result().equals(good)


def test_p19_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    peaks = []
    for rows in (FEW, MANY):
        file = bench_job(tmp_path, rows, 200, 32, "scripted")
        ledger = (
            f"options: {{ledger: {tmp_path}/{rows}.jsonl}}"  # else the fake keeps its own account in memory
        )
        file.write_text(file.read_text().replace("api_key_env: BENCH_KEY", ledger))
        peaks.append(used("-m", "pipeline", "run", str(file)).peak)
    few, many = peaks
    assert many <= few * MOST_GROWTH + MANY * MOST_BYTES_A_ROW / (1 << 20), peaks


POISON = {
    "huge": "x" * 3_000_000,
    "nul": "a\x00b\x1b[31mc",
    "zero": "0",
    "jinja": "{{ 7 * 7 }}{% raw %}",
    "bidi": "\u202egnp.exe\u2028",
    "formula": "=HYPERLINK(1)",
    "long": "context",
}


def test_p20_a_poisonous_row_fails_alone(project: Project) -> None:
    prompt = "{{ 8 / stock | int }} {{ title }}"
    rows = [f"good{i},thing {i},2" for i in range(8)]
    rows += [f"{name},{text},{0 if name == 'zero' else 2}" for name, text in POISON.items()]
    records = "\n".join(["sku,title,stock", *rows]) + "\n"
    faults = (Rule(match="context", fault="bad_request", code="context_length_exceeded"),)
    with serve(Script(latency=0.01, faults=faults)) as server:
        project.job(server.base_url, records=records, steps=[{"name": "post", "prompt": prompt}])
        done = project.run("run", "job.yaml")
        assert done.returncode == 3 and "Traceback" not in done.stderr, done.stderr
        assert server.ledger().billed == 13
    result = project.result()
    failed = result.filter(result["_status"] == "failed")["sku"].to_list()
    assert failed == ["zero", "long"]
    answers = dict(result.select("sku", "post").iter_rows())
    assert answers["jinja"].endswith("4.0 {{ 7 * 7 }}{% raw %}"), "a cell is never a template"
    assert result["title"].to_list()[8:] == list(POISON.values())


def test_p21_the_key_stands_in_no_file_and_no_stream(project: Project) -> None:
    key, said = KEY, ""
    echo = f"Your key is {key}, and again: {key[::-1]}."
    for faults in ((Rule(every=1, fault="unauthorized", message=echo),), ()):
        with serve(Script(answer=echo, faults=faults)) as server:
            project.job(server.base_url)
            done = project.run("run", "job.yaml", TEST_KEY=key)
            assert done.returncode == (4 if faults else 0), done.stderr
            said += done.stdout + done.stderr
    assert len([file for file in project.folder.rglob("*") if file.is_file()]) >= 6
    assert found(project.folder, said) == []
    with closing(sqlite3.connect(project.folder / "output/shop/journal.sqlite")) as journal:
        assert journal.execute("SELECT count(*) FROM attempts").fetchone()[0] >= 4
