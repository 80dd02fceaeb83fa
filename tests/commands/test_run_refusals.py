"""What a run refuses before it sends anything, and a key that is withdrawn."""

from __future__ import annotations

import unicodedata
from functools import partial

import pytest

from pipeline.testing import Rule, Script
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve


def test_a_key_that_is_withdrawn_loses_nothing_and_the_next_one_goes_on(project: Project) -> None:
    models_of = partial(served, limits={"concurrency": 4})
    with serve(Script(latency=0.02, faults=(Rule(after=20, fault="unauthorized"),))) as server:
        project.job(models=models_of(server.base_url), records=Project.numbered(60))
        done = project.run("run", "job.yaml")
        assert done.returncode == 4 and "refused the key" in done.stderr and "done: 20 rows" in done.stderr
        assert server.ledger().billed == 20 and server.ledger().requests <= 25, "and one from elsewhere"
    with serve() as server:
        project.job(models=models_of(server.base_url))
        assert project.run("run", "job.yaml", TEST_KEY="sk-the-next-one-1234").returncode == 0
        assert server.ledger().billed == 40


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
