"""`pipeline run --frozen`: what is stale in the tree, told without sending or writing anything."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.document_jobs import file, job, ran, write
from tests.support.project import Project


def state(project: Project) -> dict[Path, tuple[int, bytes]]:
    """Every file of the project, with its time and its bytes."""
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(project.folder.rglob("*"))
        if path.is_file() and path.suffix not in (".sqlite-shm", ".sqlite-wal")
    }


def frozen(project: Project, code: int) -> str:
    """What the command says; nothing on the disk has changed by it."""
    before = state(project)
    said = ran(project, "run", "job.yaml", "--frozen", code=code).stdout
    assert state(project) == before
    return said


def test_before_the_first_run_everything_is_stale(project: Project) -> None:
    write(project, a="One small text.\n", b="Words here.\n")
    job(project, "de", "fr")
    said = frozen(project, 3)
    assert "stale: de/a.txt: not translated yet\n" in said
    assert "4 files of 2 documents would change" in said


def test_a_finished_job_is_not_stale_and_each_change_is_named(project: Project) -> None:
    write(project, a="One small text.\n", b="Words here.\n", c="More words.\n", d="Last words.\n")
    job(project)
    ran(project)
    assert frozen(project, 0) == "all documents are as a run would write them\n"
    write(project, a="One small text, changed.\n")
    file(project, "b.txt").unlink()
    (project.folder / "docs/c.txt").unlink()
    file(project, "d.txt").write_text("Von Hand.\n")
    assert frozen(project, 3).splitlines() == [
        "stale: de/a.txt: some of its texts are not translated yet",
        "stale: de/b.txt: not as it would be written now",
        "stale: de/c.txt: belongs to no document any more",
        "3 files of 3 documents would change",
    ]
    ran(project)
    assert frozen(project, 0)
    assert file(project, "d.txt").read_text() == "Von Hand.\n"


def test_programs_are_told_and_other_jobs_are_refused(project: Project) -> None:
    write(project, a="One small text.\n")
    job(project)
    told = json.loads(ran(project, "run", "job.yaml", "--frozen", "--json", code=3).stdout)
    assert told == {"documents": 1, "stale": {"de/a.txt": "not translated yet"}, "exit_code": 3}
    project.job()
    assert (
        "works for jobs that translate documents"
        in ran(project, "run", "job.yaml", "--frozen", code=2).stderr
    )
