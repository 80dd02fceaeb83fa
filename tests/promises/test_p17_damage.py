"""P17: a damaged row of the journal is never used, and you are told which it is."""

from __future__ import annotations

from pipeline.testing import Script
from tests.support.project import Project
from tests.support.server import serve


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
        assert (
            found.returncode == 74 and "(step post, record 00012) does not match its checksum" in found.stdout
        )
        refused = project.run("export", "job.yaml")
        assert (
            refused.returncode == 74
            and "the journal is damaged: row 13 (step post, record 00012)" in refused.stderr
        )
        assert project.result().equals(good), "the table is not replaced by one with a pending row"
        done = project.run("run", "job.yaml")
        assert done.returncode == 0 and "at least 1 request" in done.stderr, done.stderr
        assert "row 13 of the journal (step post, record 00012) is damaged" in done.stderr
        assert server.ledger().billed == 31
    assert project.result().equals(good)
    assert project.run("export", "job.yaml").returncode == 0, "the answer that has come since is used"
