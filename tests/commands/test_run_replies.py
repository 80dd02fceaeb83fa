"""Whole runs against servers with words of their own: what reaches the table, and what is paid for."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from pipeline.testing import Rule, Script
from tests.support.fakes import chat_body
from tests.support.project import Project
from tests.support.replies import REPLIES, Shape
from tests.support.server import serve

SEED = 9
ONCE = {"concurrency": 1, "retries": 0, "maybe_billed_retries": 0, "timeout": 20}
FINISHES = {
    "length": "truncated",
    "content_filter": "filtered",
    "refusal": "refused",
    "tool_calls": "unfinished",
}
WITH_REASONS = {"to": "output/shop/posts.csv", "include": ["status", "reason"]}
THOUGHT = "a thought of mine"
STEPS: dict[str, Any] = {"name": "post", "prompt": "Write about {{ title }}."}


def limits(**values: float) -> str:
    return f"models.writer.limits={json.dumps(ONCE | values)}"


def rows(project: Project) -> dict[str, dict[str, Any]]:
    """Title -> its row of the result."""
    return {row["title"]: row for row in project.result().iter_rows(named=True)}


def cell(shape: Shape) -> tuple[str, str]:
    """What a job without repairs makes of a reply: its cell, or the kind of its failure."""
    said = shape.expected
    if "kind" in said:
        return "", said["kind"]
    kind = "refused" if said["refusal"] else FINISHES.get(said["finish"], "")
    if said["finish"] == "malformed":
        kind = "rejected"
    return said["text"].strip(), kind or ("" if said["text"].strip() else "empty")


def test_replies_of_real_servers_make_their_cells_or_their_failures(project: Project) -> None:
    slow = ("rate_limited", "server_error", "out_of_quota")  # these hold back what comes after them
    known = [shape for shape in REPLIES if shape.api == "chat" and shape.expected.get("kind") not in slow]
    chosen = {f"<{n}>": shape for n, shape in enumerate(random.Random(SEED).sample(known, 40))}
    script = Script(
        faults=tuple(
            Rule(match=title, fault="body", body=shape.body.decode()) for title, shape in chosen.items()
        )
    )
    titles = [title for one in chosen for title in (one, f"good after {one[1:-1]}")]
    with serve(script) as server:
        records = "sku,title\n" + "".join(f"{n},{title}\n" for n, title in enumerate(titles))
        project.job(
            server.base_url,
            records=records,
            max_failed=1,
            steps=[STEPS | {"repairs": 0}],
            output=WITH_REASONS,
        )
        done = project.run("run", "job.yaml", "--set", limits())
        assert done.returncode == 3, done.stdout + done.stderr
    found = rows(project)
    for title, shape in chosen.items():
        text, kind = cell(shape)
        row = found[title]
        assert (row["post"] or "", (row["_reason"] or "").partition(":")[0]) == (
            text if not kind else "",
            kind,
        ), shape
        assert shape.words in (row["_reason"] or ""), shape


@pytest.mark.parametrize("status", [200, 400])
def test_json_that_the_server_did_not_take_is_asked_for_again_and_found_again(
    project: Project, status: int
) -> None:
    told = {"message": "Failed to generate JSON.", "type": "invalid_request_error"}
    failed = {"error": {**told, "code": "json_validate_failed", "failed_generation": '{"a": "x'}}
    script = Script(
        faults=(
            Rule(match="not JSON", fault="body", body=chat_body('{"a": "of the repair"}').decode()),
            Rule(every=1, fault="body", status=status, body=json.dumps(failed)),
        )
    )
    with serve(script) as server:
        steps = [{**STEPS, "answer": {"json": {"a": "string"}}, "repairs": 1}]
        project.job(server.base_url, steps=steps)
        done = project.run("run", "job.yaml", "--set", limits())
        assert done.returncode == 0, done.stdout + done.stderr
        assert project.result()["post.a"].to_list() == ["of the repair"] * 3
        sent = server.ledger().requests
        again = project.run("run", "job.yaml", "--set", limits())
        assert (again.returncode, server.ledger().requests) == (0, sent), (
            "the journal has the failed generation too"
        )
    assert sent == 6


def test_json_that_the_server_never_takes_is_a_rejected_row_and_not_a_reason_to_stop(
    project: Project,
) -> None:
    failed = {"error": {"message": "Failed to call a function.", "code": "tool_use_failed"}}
    with serve(Script(faults=(Rule(every=1, fault="body", status=400, body=json.dumps(failed)),))) as server:
        project.job(server.base_url, records=Project.numbered(12), max_failed=1, steps=[STEPS])
        done = project.run("run", "job.yaml")
        assert done.returncode == 3, done.stdout + done.stderr
        assert server.ledger().requests == 24
    reasons = set(project.result("failures.csv")["kind"])
    assert reasons == {"rejected"}


def test_reasoning_is_in_the_journal_and_in_no_file_of_the_result(project: Project) -> None:
    said = [
        chat_body(f"<think>{THOUGHT}</think>\n\nfine"),
        chat_body("fine", reasoning_content=THOUGHT),
        chat_body(f"{THOUGHT}\n</think>\n\nfine"),
    ]
    script = Script(
        faults=tuple(
            Rule(match=f"thing {n}.", fault="body", body=body.decode()) for n, body in enumerate(said)
        )
    )
    with serve(script) as server:
        steps = [{**STEPS, "checks": {"contains": ["nowhere"]}, "repairs": 1}]
        project.job(server.base_url, records=Project.numbered(3), steps=steps, max_failed=1)
        assert project.run("run", "job.yaml", "--set", limits()).returncode == 3
        assert server.ledger().requests == 6
    # where it is in doubt what is reasoning, the text stays whole, and a person sees it whole
    assert journal_has(project, THOUGHT) == (3 * 2, 1)
    assert project.result("review.csv")["answer"].to_list()[:2] == ["fine", "fine"]
    said = project.run("show", "job.yaml", "--explain", "--rows", "1")
    assert said.returncode == 0 and said.stdout.count(f"post, reasoning: {THOUGHT}") == 2
    assert "reasoning" not in project.run("show", "job.yaml").stdout


SHARED: list[tuple[dict[str, Any], int, int]] = [
    ({"prompt": "A fine thing."}, 4, 1),
    ({"prompt": "About {{ kind }}."}, 4, 1),
    ({"prompt": "Say {{ n }}.", "each": {"n": [1, 2]}}, 8, 2),
    ({"prompt": "All.", "checks": {"contains": ["nowhere"]}, "repairs": 1}, 4, 2),
]
"""a step whose requests are the same for all records; its rows; the requests that each record makes"""


@pytest.mark.parametrize("private", [[], ["title"], ["kind"]])
@pytest.mark.parametrize(("step", "rows", "replies"), SHARED)
def test_rows_that_share_an_answer_share_its_reasoning(
    step: dict[str, Any], rows: int, replies: int, private: list[str], project: Project
) -> None:
    records = "sku,title,kind\n" + "".join(f"{n:03},t{n},tea\n" for n in range(4))
    body = chat_body(f"<think>{THOUGHT}</think>\n\nfine").decode()
    with serve(Script(faults=(Rule(every=1, fault="body", body=body),))) as server:
        project.job(server.base_url, records=records, steps=[{"name": "post", **step}], max_failed=1)
        sets = ("--set", limits(), "--set", f"records.private={json.dumps(private)}")
        assert project.run("run", "job.yaml", *sets).returncode == (3 if "checks" in step else 0)
        assert server.ledger().requests == replies, "one request for all records"
    show = ("show", "job.yaml", *sets, "--explain", "--rows", str(rows))
    said = project.run(*show)
    assert said.stdout.count(f"post, reasoning: {THOUGHT}") == rows * replies, said.stdout + said.stderr
    assert "no reasoning came" not in said.stdout
    (project.folder / "records.csv").unlink()
    said = project.run(*show)
    assert said.stdout.count("no reasoning came") == rows * 3 // 4, "only the record that asked is known"


def journal_has(project: Project, words: str) -> tuple[int, int]:
    """In how many replies of the journal these words stand, and in how many files of the result."""
    import sqlite3

    journal = sqlite3.connect(project.folder / "output/shop/journal.sqlite")
    replies = [bytes(body) for (body,) in journal.execute("SELECT body FROM attempts")]
    journal.close()
    files = [file for file in (project.folder / "output/shop").glob("*.csv") if words in file.read_text()]
    return sum(words.encode() in body for body in replies), len(files)


def test_a_stream_that_nobody_asked_for_is_one_answer_with_its_tokens(project: Project) -> None:
    chunks = [
        {"model": "m", "choices": [{"index": 0, "delta": {"content": "a fine "}, "finish_reason": None}]},
        {"model": "m", "choices": [{"index": 0, "delta": {"content": "cup"}, "finish_reason": "stop"}]},
        {
            "model": "m",
            "choices": [],
            "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12},
        },
    ]
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    headers = {"content-type": "text/event-stream; charset=utf-8"}
    with serve(Script(faults=(Rule(every=1, fault="body", body=body, headers=headers),))) as server:
        project.job(server.base_url, records=Project.numbered(8))
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "sends streams that nobody asked for" in done.stdout + done.stderr
        assert "56 + 40 tokens" in done.stdout
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().requests == 8
    assert set(project.result()["post"]) == {"a fine cup"}
    assert "no reasoning came with its answers" in project.run("show", "job.yaml", "--explain").stdout


def test_an_end_that_nobody_knows_is_told_once_for_each_word(project: Project) -> None:
    bodies = [chat_body("fine", "Graceful-7"), chat_body("fine", "Graceful-8")]
    rules = tuple(Rule(match=f"thing {n}", fault="body", body=body.decode()) for n, body in enumerate(bodies))
    with serve(Script(faults=rules)) as server:
        records = "sku,title\n" + "".join(f"{n},thing {n % 2} of {n}\n" for n in range(10))
        project.job(server.base_url, records=records)
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        said = done.stdout + done.stderr
    assert [said.count(f"ends answers with 'Graceful-{n}'") for n in (7, 8)] == [1, 1]


@pytest.mark.parametrize("word", ["model_length", "MAX_TOKENS", "token_limit", "maxPredictedTokensReached"])
def test_what_is_cut_off_passes_where_it_is_allowed_in_any_spelling(project: Project, word: str) -> None:
    with serve(
        Script(faults=(Rule(every=1, fault="body", body=chat_body("half", word).decode()),))
    ) as server:
        project.job(server.base_url, steps=[STEPS])
        assert project.run("run", "job.yaml").returncode == 3
        assert set(project.result("failures.csv")["kind"]) == {"truncated"}
        done = project.run("run", "job.yaml", "--set", "steps.post.allow=[length]")
        assert done.returncode == 0, done.stdout + done.stderr
        assert server.ledger().requests == 3, "what was cut off is in the journal"
    assert set(project.result()["post"]) == {"half"}
