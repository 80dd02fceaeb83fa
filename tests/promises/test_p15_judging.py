"""P15: a change of checks, output, limits or prices sends nothing."""

from __future__ import annotations

from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve


def test_p15_judging_and_writing_otherwise_sends_nothing(project: Project) -> None:
    with serve() as server:
        project.job(models=served(server.base_url))
        assert project.run("run", "job.yaml").returncode == 0
    changes = (
        ("output.to=[output/shop/posts.parquet, output/shop/posts.jsonl.gz]", "output.include=[reason, key]"),
        ("steps.post.checks={length: {max: 4000}, contains: about}", "models.writer.limits={rpm: 5}"),
        ("models.writer.price.input=99", "models.writer.price.output=0"),
    )
    for sets in changes:
        words = [word for one in sets for word in ("--set", one)]
        done = project.run("run", "job.yaml", *words)  # there is no server any more
        assert done.returncode == 0 and "0 requests sent, 3 answered by the journal" in done.stdout, (
            done.stderr
        )
