"""`show --explain KEY` tells what was asked, answered and decided for one record, step by step, in order."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pipeline.testing import Rule, Script
from tests.support.fakes import chat_body
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

WRONG = "A text on and on."
DRAFT: dict[str, Any] = {
    "name": "draft",
    "model": "writer",
    "system": "You write.",
    "prompt": "Draft {{ title }}",
    "checks": {"excludes": "on and on", "soft": {"length": {"min": 900}}},
}
POST = {
    "name": "post",
    "model": "writer",
    "each": {"lang": ["en", "de"]},
    "prompt": "{{ lang }}: {{ draft }}",
}


def body(match: str, text: str, reasoning: str = "") -> Rule:
    """An answer to prompts with these words, whenever they are asked."""
    return Rule(match=match, fault="body", body=chat_body(text, reasoning_content=reasoning).decode())


def told(
    project: Project, server: Any, steps: list[dict[str, Any]], *words: str, **changes: Any
) -> list[str]:
    """Run the job, and tell the story of its second record."""
    models = served(server.base_url)
    models["expert"] = {**models["writer"], "model": "big"}
    project.job(models=models, records=Project.numbered(3), steps=steps, max_failed=1, **changes)
    project.run("run", "job.yaml")
    done = project.run("show", "job.yaml", "--explain", "00001", *words, COLUMNS="200")
    assert done.returncode == 0, done.stderr
    lines: list[str] = done.stdout.splitlines()
    return lines[next(at for at, line in enumerate(lines) if line.startswith("== ")) :]


def kinds(lines: list[str]) -> list[str]:
    """What each line is, without what it says."""
    mine = (line for line in lines if re.match(r"==|  \S", line))
    return [line.strip().split(":")[0] for line in mine]


def test_a_repair_is_told_in_the_order_in_which_it_happened(project: Project) -> None:
    with serve(
        Script(faults=(body("Write it again", "A good one.", "I must be brief."), body("thing 1", WRONG)))
    ) as server:
        lines = told(project, server, [DRAFT, POST])
    at = lines.index("== draft")
    assert kinds(lines[at : lines.index("== post, lang en") - 1]) == [
        "== draft",
        *("request to m", "system", "user", "reply", "said", "decision"),
        *("request to m", "user", "reply", "reasoning", "said", "decision", "answer by openai/m"),
    ]
    text = "\n".join(lines[at:])
    assert 'decision: the answer must not contain "on and on"; sent back' in text
    assert "  user: Your answer must not contain" in text and "  reasoning: I must be brief." in text
    assert "decision: accepted; told only: the answer has 11 characters" in text
    assert "  reply: m, stop: " in text and " tokens, $0." in text
    assert "== post, lang de" in lines and "  user: de: A good one." in lines


def test_fresh_starts_stronger_models_and_the_end_are_told(project: Project) -> None:
    with serve(Script(faults=(body("thing 1", WRONG),))) as server:
        lines = told(project, server, [{**DRAFT, "repairs": 0, "fresh_starts": 1, "escalate": ["expert"]}])
    asked = [line.strip() for line in lines if line.startswith("  request")]
    assert asked == [
        "request to m: asked",
        "request to m: asked anew",
        "request to expert: a stronger model is asked",
        "request to expert: asked anew",
    ]
    assert lines[-1].startswith("  failed: rejected: the answer must not contain")
    assert sum("no repair is left" in line for line in lines) == 4


def test_a_text_by_hand_a_skipped_step_and_an_open_request_are_told(project: Project) -> None:
    skipped = {"name": "extra", "model": "writer", "when": "{{ title == 'x' }}", "prompt": "Extra"}
    with serve(Script(faults=(body("thing 1", WRONG),))) as server:
        told(project, server, [DRAFT, skipped])
        review = project.folder / "output/shop/review.csv"
        review.write_text(review.read_text("utf-8-sig").replace(",,✓", ",yes,✓"), "utf-8-sig")
        lines = told(project, server, [DRAFT, skipped])
        assert lines[lines.index("== draft") + 1] == f"  answer by hand: {WRONG}"
        assert lines[-2:] == ["== skipped", "  why: when: extra"]
    project.job(models=served(server.base_url), steps=[{**DRAFT, "prompt": "New {{ title }}"}])
    project.run("export", "job.yaml")
    shown = project.run("show", "job.yaml", "--explain", "00001").stdout
    assert "  no answer: pending: not answered yet" in shown


def test_long_texts_are_cut_off_with_a_mark_and_control_characters_shown(project: Project) -> None:
    text = "a\x1b[31mb\u202ec " + "word " * 1000 + "the end"
    with serve(Script(faults=(body("thing 1", text),))) as server:
        cut = told(project, server, [DRAFT])
        full = told(project, server, [DRAFT], "--full")
    assert any("more characters (--full shows all)" in line for line in cut)
    assert not any("the end" in line for line in cut)
    assert any("the end" in line for line in full) and not any("(--full" in line for line in full)
    assert "\x1b" not in "".join(full) and "\\x1b[31mb\\u202ec" in "\n".join(full)


@pytest.mark.parametrize("key", ["sku", "title"])
def test_private_values_are_nowhere_in_a_story(key: str, project: Project) -> None:
    records = {"from": "records.csv", "key": key, "private": ["title"]}
    with serve(Script(faults=(body("secret", f"{WRONG} secret person 7"),))) as server:
        models = served(server.base_url)
        project.job(models=models, records="sku,title\n1,secret person 7\n", steps=[DRAFT], max_failed=1)
        file = project.folder / "job.yaml"
        file.write_text(
            file.read_text().replace(
                "from: records.csv\n  key: sku", f"from: records.csv\n  key: {key}\n  private: title"
            )
        )
        project.run("run", "job.yaml")
        value = "1" if key == "sku" else "secret person 7"
        shown = project.run("show", "job.yaml", "--explain", "--key", value).stdout
    assert records and "== draft" in shown and "Draft ***" in shown and "secret" not in shown


def test_a_judge_is_told_as_what_it_is_and_pictures_are_named(project: Project) -> None:
    judge = {"judge": {"model": "expert", "criteria": {"brief": "Is it brief?"}}}
    data = "data:image/png;base64," + "iVBORw0KGgo" * 20
    step = {**DRAFT, "prompt": f"See {data} of {{{{ title }}}}", "checks": judge}
    with serve(Script()) as server:
        lines = told(project, server, [step])
    assert "  request to expert: to judge the answer" in lines
    assert any("data:image/png;base64,…" in line for line in lines)
    assert not re.search("[A-Za-z0-9+/]{64}", "\n".join(lines))


def test_only_the_step_that_is_meant_is_told(project: Project) -> None:
    with serve(Script()) as server:
        lines = told(project, server, [DRAFT, POST], "--step", "post")
    assert [line for line in lines if line.startswith("==")] == ["== post, lang en", "== post, lang de"]
