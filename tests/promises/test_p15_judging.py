"""P15: a change of checks, output, limits or prices sends nothing."""

from __future__ import annotations

from tests.support.project import Project
from tests.support.served import bill, nano, served
from tests.support.server import serve

CHANGES = {
    "formats": ("output.to=[output/shop/posts.parquet, output/shop/posts.jsonl.gz]",),
    "columns": ("output.include=[reason, key]",),
    "checks": ("steps.post.checks={length: {max: 4000}, contains: about}", "max_failed=0.5"),
    "limits": (
        "models.writer.limits={rpm: 5, concurrency: 1, timeout: 3}",
        "budget={cost: 0.5, requests: 9}",
    ),
    "a higher price": ("models.writer.price={input: 99, output: 99}",),
    "a lower price": ("models.writer.price={input: 0, output: 0}",),
}


def test_p15_judging_writing_and_pricing_otherwise_sends_nothing(project: Project) -> None:
    with serve() as server:
        project.job(models=served(server.base_url))
        assert project.run("run", "job.yaml").returncode == 0
        paid = bill(server.ledger())
        assert server.ledger().requests == 3 and paid > 0
    for name, sets in CHANGES.items():
        words = [word for one in sets for word in ("--set", one)]
        done = project.run("run", "job.yaml", *words)  # there is no server any more
        assert done.returncode == 0, (name, done.stderr)
        assert "3 ok" in done.stdout and "0 requests sent, 3 answered by the journal" in done.stdout, name
        assert nano(project.numbers("status", "job.yaml")["cost"]) == paid, "what was paid stays what it was"
        plan = project.numbers("plan", "job.yaml", *words)
        assert (plan["missing"], plan["cost"]) == (0, 0), name
