"""P20: a row that cannot be asked or answered fails alone."""

from __future__ import annotations

from pipeline.testing import Rule, Script
from tests.support.project import Project
from tests.support.server import serve

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
