"""P3: every reply that reached us whole is committed, whatever it contains."""

from __future__ import annotations

from pipeline.testing import Rule, Script
from tests.support.journals import select
from tests.support.project import Project
from tests.support.server import serve

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
