"""P24: every stop says why, what is done, and the command to go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipeline.lanes.guards.fuse import _HINTS
from pipeline.testing import Rule, Script
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

STOPS: list[tuple[int, str, dict[str, Any], tuple[str, ...], tuple[str, ...]]] = [
    (2, "", {}, ("--set", "max_faild=1"), ("unknown key 'max_faild'", "did you mean 'max_failed'?")),
    (3, "bad_request", {}, (), ("1 failed", "failures.csv")),
    (4, "unauthorized", {}, (), ("refused the key", "api_key_env names", "to go on: ")),
    (
        4,
        "",
        {"budget": {"requests": 1}},
        (),
        ("1 of 1 are used", "raise the budget", "done: 1 row", "to go on: "),
    ),
    (74, "", {}, ("--set", "output.to=/proc/posts.csv"), ("/proc/posts.csv: ",)),
    (75, "redirect", {}, (), ("never followed", "set base_url", "done: 2 rows", "to go on: ")),
]


@pytest.mark.parametrize(("code", "fault", "changes", "words", "said"), STOPS)
def test_p24_every_stop_says_why_what_is_safe_and_how_to_go_on(
    code: int,
    fault: str,
    changes: dict[str, Any],
    words: tuple[str, ...],
    said: tuple[str, ...],
    tmp_path: Path,
) -> None:
    project = Project(tmp_path)
    rule: Any = Rule(match="mug", fault=fault) if fault else Rule(match="nobody", fault="hang")
    if fault == "unauthorized":  # one row alone, after others were answered, would be its own fault
        rule = Rule(every=1, fault=fault)
    with serve(Script(faults=(rule,))) as server:
        models = served(server.base_url, limits={"concurrency": 1})
        project.job(models=models, **changes)
        done = project.run("run", "job.yaml", *words)
    assert done.returncode == code, done.stderr
    for sentence in said:
        assert sentence in done.stdout + done.stderr, done.stderr
    if "to go on: " in said:
        command = done.stderr.partition("to go on: ")[2].splitlines()[0]
        assert command == "python -m pipeline run job.yaml"


ROWS, DONE = 60, 2
"""rows of the job, and how many of them are answered before it stops"""


@dataclass(frozen=True)
class Stop:
    """What brings a run to stop, its exit code, and the words that say why."""

    code: int
    why: str
    fault: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    changes: dict[str, Any] = field(default_factory=dict)
    done: int = DONE
    again: bool = False
    """whether rows have failed that were paid for"""


KINDS = {
    "unauthorized": Stop(4, "the server refused the key (401", {"fault": "unauthorized"}),
    "forbidden": Stop(4, "the server refused the key (403", {"fault": "forbidden"}),
    "not_found": Stop(75, "not_found: 404", {"fault": "not_found"}),
    "redirected": Stop(75, "a redirect (307), which is never followed", {"fault": "redirect"}),
    "not_an_api": Stop(75, "not an API: got HTML", {"fault": "html"}, {"concurrency": 8}),
    "out_of_quota": Stop(4, "out_of_quota: 429", {"fault": "insufficient_quota"}),
    "outage": Stop(75, "nothing was answered for", {"fault": "server_error"}, {"outage": 1}),
    "refusing": Stop(75, "refusing: ", {"fault": "rate_limit"}, {"outage": 1}),
    "all_refused": Stop(75, "the first 5 requests were all refused", {"fault": "bad_request"}, done=0),
    "out_of_budget": Stop(4, "2 of 2 are used", changes={"budget": {"requests": DONE}}),
    "maybe_billed": Stop(
        4,
        "may have been billed without an answer",
        {"fault": "garbage"},
        {"maybe_billed_retries": 5},
        changes={"budget": {"maybe_billed": 1e-9}},
    ),
    "mostly_failing": Stop(
        75, "48 of the last 50 rows failed", {"fault": "length"}, changes={"max_failed": 0.9}, again=True
    ),
    "deadline": Stop(75, "deadline: ", {"fault": "hang"}, {"timeout": 2}, words=("--for", "2s"), done=0),
}


ELSEWHERE = {"untrusted", "not_https", "proxy_refused", "no_memory"}
"""stops that take certificates (`hostile/test_tls.py`), a proxy (`hostile/test_proxy.py`) or little memory
(`soak/test_p01_memory.py`)"""


def test_every_kind_of_stop_is_brought_about() -> None:
    assert set(KINDS) | ELSEWHERE == set(_HINTS)


@pytest.mark.parametrize("kind", KINDS)
def test_p24_a_run_that_stops_says_why_and_what_is_done_and_goes_on_by_the_same_command(
    kind: str, project: Project
) -> None:
    stop = KINDS[kind]
    rules = (Rule(**{"after": stop.done, **stop.fault}),) if stop.fault else ()
    with serve(Script(faults=rules)) as server:
        models = served(server.base_url, limits={"concurrency": 1, **stop.limits})
        project.job(models=models, records=Project.numbered(ROWS), **stop.changes)
        stopped = project.run("run", "job.yaml", *stop.words)
    said = stopped.stderr
    assert stopped.returncode == stop.code, said
    assert stop.why in said and _HINTS[kind] in said, said
    assert ("done: 2 rows; `pipeline export` writes what there is" in said) is (stop.done == 2)
    command = said.partition("to go on: ")[2].splitlines()[0]
    assert command == "python -m pipeline run job.yaml", said
    assert not (project.folder / "output/shop/posts.csv").exists()
    with serve() as server:  # what it stopped for is mended
        project.job(models=served(server.base_url), records=Project.numbered(ROWS))
        mended = project.run("run", "job.yaml", *(("--retry-failed",) if stop.again else ()))
        assert mended.returncode == 0, mended.stderr
        assert server.ledger().billed == ROWS - stop.done, "what was answered is not asked again"
    assert project.result().height == ROWS
