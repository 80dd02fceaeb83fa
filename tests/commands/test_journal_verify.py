"""A run that finds damage in its journal."""

from __future__ import annotations

from tests.support.journals import change
from tests.support.project import Project


def test_a_run_says_once_that_a_row_is_damaged_and_asks_for_it_again(project: Project) -> None:
    project.job()
    assert project.run("run", "job.yaml").returncode == 0
    before = project.result()
    path = project.folder / "output/shop/journal.sqlite"
    change(path, "UPDATE attempts SET body = CAST(replace(CAST(body AS TEXT), 'tea', 'gin') AS BLOB)")
    verified_ = project.run("journal", "verify", "job.yaml")
    assert verified_.returncode == 74
    assert "row 1 (step post, record 007) does not match its checksum" in verified_.stdout
    assert project.numbers("plan", "job.yaml")["missing"] == 1
    done = project.run("run", "job.yaml", "--json")
    assert done.returncode == 0
    assert '"sent": 1' in done.stdout
    assert done.stderr.count("is damaged") == 1
    assert (project.folder / "output/shop/events.jsonl").read_text().count('"journal.damaged"') == 1
    assert project.result().equals(before)
