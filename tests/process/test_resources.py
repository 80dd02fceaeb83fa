"""What may befall a run from outside: rows 12, 57, 65, 69, 80 to 82, 85, 86 and 88 of docs/faults.md."""

from __future__ import annotations

import signal
import time
import unicodedata
import zipfile
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest

from pipeline.core.errors import InputError
from pipeline.lanes.limits.rate import CREDIT
from pipeline.testing import Rule, Script
from tests.support.project import Project, run_limited
from tests.support.served import served
from tests.support.server import serve
from tests.support.tables import opened, written
from tests.support.waiting import wait_for


def test_a_machine_that_sleeps_neither_loses_nor_bursts(project: Project) -> None:
    with serve(Script(latency=0.2)) as server:
        limits = {"rpm": 600, "concurrency": 64, "timeout": 1}
        project.job(models=served(server.base_url, limits=limits), records=Project.numbered(90))
        process = project.start("run", "job.yaml")
        wait_for(lambda: server.ledger_path.exists() and server.ledger().billed >= 10)
        process.send_signal(signal.SIGSTOP)
        time.sleep(4.5)
        process.send_signal(signal.SIGCONT)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 0, said
        ledger = server.ledger()
    assert ledger.overpaid <= 4, "what was under way may have been given up, and that is all"
    assert ledger.busiest(1.0) <= 600 / 60 * (1 + CREDIT) + 2, "of the time asleep two seconds are caught up"


def test_a_key_that_is_withdrawn_loses_nothing_and_the_next_one_goes_on(project: Project) -> None:
    models_of = partial(served, limits={"concurrency": 4})
    with serve(Script(latency=0.02, faults=(Rule(after=20, fault="unauthorized"),))) as server:
        project.job(models=models_of(server.base_url), records=Project.numbered(60))
        done = project.run("run", "job.yaml")
        assert done.returncode == 4 and "refused the key" in done.stderr and "done: 20 rows" in done.stderr
        assert server.ledger().billed == 20 and server.ledger().requests <= 24
    with serve() as server:
        project.job(models=models_of(server.base_url))
        assert project.run("run", "job.yaml", TEST_KEY="sk-the-next-one-1234").returncode == 0
        assert server.ledger().billed == 40


def test_few_open_files_are_no_reason_to_crash(project: Project) -> None:
    with serve(Script(latency=0.05)) as server:
        models = served(server.base_url, limits={"concurrency": 64, "outage": 20})
        project.job(models=models, records=Project.numbered(120))
        done = run_limited(project, "-n 40")
        assert done.returncode in (0, 75) and "Traceback" not in done.stderr, done.stderr
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().overpaid == 0
    assert project.result().height == 120


def test_records_that_change_while_a_job_runs_are_not_published(project: Project) -> None:
    with serve(Script(latency=0.2)) as server:
        project.job(models=served(server.base_url, limits={"concurrency": 4}), records=Project.numbered(30))
        process = project.start("run", "job.yaml")
        wait_for(lambda: server.ledger_path.exists() and server.ledger().billed >= 4)
        with (project.folder / "records.csv").open("a") as records:
            records.write("90000,one more\n")
        _, said = process.communicate(timeout=30)
        assert process.returncode == 2 and "the records were changed while they were read" in said, said
        assert not (project.folder / "output/shop/posts.csv").exists()
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 31 and server.ledger().overpaid == 0
    assert project.result().height == 31


def test_a_job_file_that_changes_while_it_runs_changes_the_next_run_only(project: Project) -> None:
    with serve(Script(latency=0.2)) as server:
        models = served(server.base_url, limits={"concurrency": 2})
        project.job(models=models, records=Project.numbered(12))
        process = project.start("run", "job.yaml")
        wait_for(lambda: server.ledger_path.exists() and server.ledger().billed >= 2)
        project.job(models=models, steps=[{"name": "post", "prompt": "Something else on {{ title }}."}])
        assert process.wait(timeout=30) == 0
        process.communicate()
    assert all("Write about thing" in post for post in project.result()["post"])


def _workbook(size: int = 0) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>" + b" " * size)
    return packed.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000),  # how an encrypted workbook begins
        _workbook()[:-20],
        _workbook(),
        b"PK\x03\x04 no archive",
    ],
    ids=["encrypted", "cut off", "without sheets", "no archive"],
)
def test_a_workbook_that_cannot_be_opened_is_refused_before_a_record(content: bytes, tmp_path: Path) -> None:
    written(tmp_path, "a.xlsx", content)
    with pytest.raises(InputError, match=r"a\.xlsx"):
        opened(tmp_path, "a.xlsx")


def test_a_column_whose_accent_is_written_otherwise_is_another_one(project: Project) -> None:
    composed, apart = "café", unicodedata.normalize("NFD", "café")
    project.job(
        records=f"sku,{apart}\n1,tea\n", steps=[{"name": "post", "prompt": f"On {{{{ {composed} }}}}."}]
    )
    done = project.run("run", "job.yaml")
    assert done.returncode == 2 and f"there is no '{composed}'" in done.stderr
    assert "did you mean" in done.stderr
    steps = [{"name": "post", "prompt": f"On {{{{ row['{apart}'] }}}}."}]
    project.job(records=f"sku,{apart},{composed}\n1,tea,lamp\n", steps=steps)
    assert project.run("run", "job.yaml").returncode == 0
    assert project.result()["post"].to_list()[0].endswith("On tea.")


def test_a_result_never_takes_the_place_of_what_the_job_is_made_of(project: Project) -> None:
    project.job()
    (project.folder / "link.csv").symlink_to("records.csv")
    before = (project.folder / "records.csv").read_bytes()
    for target in ("records.csv", "./jobs/../records.csv", "link.csv", "output/shop/failures.csv"):
        done = project.run("run", "job.yaml", "--set", f"output.to={target}")
        assert done.returncode == 2 and "would overwrite" in done.stderr, done.stderr
    done = project.run("run", "job.yaml", "--set", "output.to=output/shop/spill/posts.csv")
    assert done.returncode == 2 and "name another folder" in done.stderr, done.stderr
    done = project.run("run", "job.yaml", "--set", "records.from=link.csv")
    assert done.returncode == 0, "records may be a link"
    assert (project.folder / "records.csv").read_bytes() == before


@pytest.mark.parametrize("key", ["", "  ", "sk-one\nX-Other: two", "sk-ключ", "sk one"])
def test_a_key_that_is_none_is_refused_before_anything_is_sent(key: str, project: Project) -> None:
    with serve() as server:
        project.job(models=served(server.base_url))
        done = project.run("run", "job.yaml", TEST_KEY=key)
        assert done.returncode == 2 and "the environment variable TEST_KEY" in done.stderr, done.stderr
        assert server.ledger().requests == 0
    assert "Other" not in done.stderr and "sk" not in done.stderr.replace("task", "")


@pytest.mark.parametrize("value", ["0", "-1", "1000000000", "1.5", "many"])
def test_a_width_that_cannot_be_is_refused(value: str, project: Project) -> None:
    project.job()
    done = project.run("check", "job.yaml", "--set", f"models.writer.limits.concurrency={value}")
    assert done.returncode == 2 and "limits.concurrency" in done.stderr, done.stderr
