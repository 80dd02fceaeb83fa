"""Articles, section by section, by the commands: what is sent, what is written, what is counted."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from pipeline.testing import Script
from tests.support.articles import ARTICLE, BODY, OUTLINE, outline
from tests.support.project import Project
from tests.support.server import serve

TWO_ROWS = "sku,title\n007,tea\n008,lamp\n"
TO = {"to": ["output/shop/posts.csv", "output/shop/posts.parquet"], "include": ["status", "reason"]}
ANSWERS = {
    "3 of 3 of": "The end.",
    "Section 2 of 3 of lamp": "no",
    "Section 2 of 3": "The middle.",
    "Section 1 of 3": "The beginning.",
    "Outline": outline(),
    "Your answer": "no",
}
CHECKED = BODY | {"checks": {"length": {"min": 4}}, "repairs": 1}
WHOLE = "# T\n\n## a\n\nThe beginning.\n\n## b\n\nThe middle.\n\n## c\n\nThe end."


def script(**more: Any) -> Script:
    """A model that writes articles; the second section about lamps is always too short."""
    return Script.model_validate({"answer": ANSWERS, **more})


def write(project: Project, url: str, body: dict[str, Any] = BODY, **changes: Any) -> None:
    """The job of the articles."""
    job = {"records": TWO_ROWS, "steps": [OUTLINE, body, ARTICLE], "output": TO}
    project.job(url, **{**job, **changes})


@pytest.mark.parametrize("order", ["serial", "parallel"])
def test_articles_are_written_once_and_come_out_the_same(order: str, project: Project) -> None:
    with serve(script()) as server:
        write(project, server.base_url, BODY | {"order": order}, records="sku,title\n007,tea\n")
        assert project.run("run", "job.yaml").returncode == 0
        (row,) = project.result().to_dicts()
        assert row["article"] == WHOLE and row["_status"] == "ok"
        assert json.loads(row["body"]) == ["The beginning.", "The middle.", "The end."]
        assert list(row) == [
            "sku",
            "title",
            "outline.title",
            "outline.sections",
            "body",
            "article",
            "_status",
            "_reason",
        ]
        files = [project.folder / name for name in TO["to"]]
        assert pl.read_parquet(files[1]).schema["body"] == pl.List(pl.String())
        before = [file.read_bytes() for file in files]
        for file in files:
            file.unlink()
        assert project.run("run", "job.yaml").returncode == 0
        assert [file.read_bytes() for file in files] == before and server.ledger().billed == 4


def test_a_section_that_fails_fails_its_row_alone(project: Project) -> None:
    with serve(script()) as server:
        write(project, server.base_url, CHECKED)
        assert project.run("run", "job.yaml").returncode == 3
        tea, lamp = project.result().to_dicts()
        assert tea["article"] == WHOLE and lamp["article"] is None and lamp["_status"] == "failed"
        assert "section 2 of 3: the answer" in lamp["_reason"]
        assert server.ledger().billed == 9
        assert project.run("run", "job.yaml").returncode == 3
        assert server.ledger().billed == 9
        assert project.run("run", "job.yaml", "--retry-failed").returncode == 3
        assert server.ledger().billed == 11, "the section and its repair, and nothing else"
        shown = project.run("show", "job.yaml", "--key", "008", "--explain").stdout
        assert "section 2 of 3" in shown and "no repair is left" in shown


@pytest.mark.parametrize(("order", "first"), [("serial", 6), ("parallel", 7)])
def test_a_run_that_was_cut_short_sends_only_what_is_missing(
    order: str, first: int, project: Project
) -> None:
    with serve(script(faults=[{"fault": "server_error", "match": "Section 2 of 3 of tea"}])) as server:
        write(project, server.base_url, BODY | {"order": order})
        model = {"provider": "openai", "model": "m", "base_url": server.base_url, "api_key_env": "TEST_KEY"}
        quick = {"retries": 0, "maybe_billed_retries": 0, "concurrency": 4}
        changes = {"models": {"writer": {**model, "limits": quick}}}
        write(project, server.base_url, BODY | {"order": order}, **changes)
        assert project.run("run", "job.yaml").returncode == 3
        assert project.run("export", "job.yaml").returncode in (3, 75)
        assert server.ledger().billed == first
        plan = {step["step"]: step for step in project.numbers("plan", "job.yaml")["steps"]}
        later = 1 if order == "serial" else 0
        assert (plan["body"]["missing"], plan["body"]["later"], plan["body"]["items"]) == (1, later, False)
        assert "article" not in plan
    with serve(script()) as server:
        changes["models"]["writer"]["base_url"] = server.base_url
        write(project, server.base_url, BODY | {"order": order}, **changes)
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 8 - first
        assert project.result()["article"][0] == WHOLE


def test_a_plan_says_that_it_does_not_know_the_items_yet(project: Project) -> None:
    with serve(script()) as server:
        price = {"price": {"input": 1, "output": 2}}
        model = {
            "model": "m",
            "base_url": server.base_url,
            "api_key_env": "TEST_KEY",
            "params": {"max_tokens": 99},
        }
        rows = TWO_ROWS + "009,mug\n"
        write(project, server.base_url, records=rows, models={"writer": {**model, **price}})
        plan = project.run("plan", "job.yaml").stdout
        assert "3 or more" in plan and "article" not in plan
        assert "The cost of at least 3 later requests is not known" in plan
        assert "how many items there are depends on missing answers" in plan
        numbers = project.numbers("plan", "job.yaml")
        assert (numbers["missing"], numbers["later"], numbers["most"]) == (3, 3, None)
        pilot = project.run("run", "job.yaml", "--pilot", "2")
        assert "8 requests sent" in pilot.stdout + pilot.stderr
        body = next(step for step in project.numbers("plan", "job.yaml")["steps"] if step["step"] == "body")
        assert (body["answered"], body["later"], body["items"]) == (6, 1, True)
        assert project.run("run", "job.yaml").returncode == 0
        assert project.numbers("plan", "job.yaml")["missing"] == 0


ANY = {"type": "object", "properties": {"title": {"type": "string"}}, "additionalProperties": True}
HOSTILE = {
    "10,000 sections": outline("a" * 10_000),
    "no section": outline(""),
    "a null": '{"title": "T", "sections": [{"heading": "a"}, null]}',
    "null": '{"title": "T", "sections": null}',
    "a text": '{"title": "T", "sections": "a"}',
    "deep": '{"title": "T", "sections": ' + "[" * 150 + "]" * 150 + "}",
    "a template": '{"title": "{{ 7 * 7 }}", "sections": [{"heading": "{{ 7 * 7 }}"}]}',
}


@pytest.mark.parametrize(
    "untrusted", [(), ("--untrusted", "--allow-host", "HOST", "--allow-key", "TEST_KEY@HOST")]
)
def test_a_hostile_outline_fails_its_row_or_comes_out_as_it_is(
    untrusted: tuple[str, ...], project: Project
) -> None:
    rows = "".join(f"{i},{name}\n" for i, name in enumerate(HOSTILE))
    anything = {"answer": {"json": ANY}, "prompt": "Outline {{ title }}."}
    answers = {f"Outline {name}.": text for name, text in HOSTILE.items()}
    with serve(
        Script.model_validate({"answer": {"49": "evaluated", "Section": "Text", **answers}})
    ) as server:
        records = "sku,title\n" + rows.replace("10,000", '"10,000').replace("sections\n", 'sections"\n')
        write(project, server.base_url, records=records, steps=[OUTLINE | anything, BODY, ARTICLE])
        host = server.base_url.partition("//")[2].partition("/")[0]
        options = [one.replace("HOST", host) for one in untrusted]
        done = project.run("run", "job.yaml", *options)
        assert done.returncode == 3, done.stderr
        found = {row["title"]: row for row in project.result().to_dicts()}
        why = {name: row["_reason"] or row["article"] for name, row in found.items()}
        assert "gives 10,000 items, and at most 200 are allowed" in why["10,000 sections"]
        assert why["no section"] == "# T"
        assert "section 2 of 2: " in why["a null"] and "an empty value has no 'heading'" in why["a null"]
        assert "gives nothing" in why["null"] and 'gives "a"' in why["a text"]
        assert why["deep"].startswith("template: ") and "{{ 7 * 7 }}" in why["a template"]
        assert server.ledger().billed == len(HOSTILE) + 1
        assert "49" not in done.stdout + str(why)


def refused(project: Project, *steps: dict[str, Any], records: str = TWO_ROWS) -> str:
    """What is said of these steps before anything is sent."""
    project.job(records=records, steps=list(steps))
    done = project.run("plan", "job.yaml")
    return done.stderr if done.returncode else done.stdout + done.stderr


@pytest.mark.parametrize(
    ("body", "after", "what"),
    [
        ({"prompt": "{{ sektion }}"}, {}, "there is no 'sektion'"),
        ({"each": {"section": "{{ outlin.sections }}"}}, {}, "there is no 'outlin'"),
        ({"each": {"section": "{{ outline.parts }}"}}, {}, "'outline' has no 'parts'"),
        ({"prompt": "{{ section.heading }} {{ section.headin }}"}, {}, "'section' has no 'headin'"),
        ({"each": {"section": "{{ outline.title }}"}, "prompt": "{{ section.any }}"}, {}, ""),
        ({"prompt": "{{ title }}"}, {}, "no template of the step reads 'section'"),
        ({"each": {"section": "{{ section }}"}}, {}, "there is no 'section'"),
        ({"each": {"section": "{{ body }}"}}, {}, "there is no 'body'"),
        ({"when": "{{ number > 1 }}"}, {}, "there is no 'number'"),
        ({"each": {"outline": "{{ outline.sections }}"}}, {}, "the name 'outline' is taken"),
        ({"each": {"count": "{{ outline.sections }}"}}, {}, ""),
        ({}, {"join": "{{ section }}"}, "there is no 'section'"),
        ({}, {"join": "{{ written }}"}, "there is no 'written'"),
        ({}, {"join": "{{ number }}", "name": "number"}, "there is no 'number'"),
        ({}, {"join": "{{ body }}", "name": "number"}, ""),
        ({}, {"join": "{{ title }}", "name": "title"}, "the name 'title' is taken"),
    ],
)
def test_an_item_is_known_in_its_step_alone(
    body: dict[str, Any], after: dict[str, Any], what: str, project: Project
) -> None:
    said = refused(project, OUTLINE, {**BODY, "prompt": "Section {{ number }}", **body}, {**ARTICLE, **after})
    assert what in said and ("error: " in said or "warning: " in said) if what else "error" not in said


@pytest.mark.parametrize("name", ["number", "count", "written", "section"])
def test_a_column_of_that_name_is_read_as_a_field_of_the_row(name: str, project: Project) -> None:
    steps = [
        BODY
        | {
            "each": {"section": "{{ row.tags | split }}"},
            "prompt": f"<{{{{ {name} }}}}> {{{{ row.{name} }}}}",
        }
    ]
    with serve(Script(answer={"> cell": "both"})) as server:
        project.job(server.base_url, records=f'sku,tags,{name}\n1,"a, b",cell\n', steps=steps)
        assert project.run("run", "job.yaml").returncode == 0
        (row,) = project.result().to_dicts()
        assert (row[name], row["body"]) == ("cell", '["both","both"]')


def test_a_step_before_it_cannot_have_a_name_of_the_item(project: Project) -> None:
    said = refused(
        project, {"name": "number", "prompt": "{{ title }}"}, BODY | {"each": {"it": "{{ title | split }}"}}
    )
    assert "the name 'number' is taken" in said


def test_a_mark_that_ends_the_answer_too_early_is_warned_of(project: Project) -> None:
    step = {"name": "post", "prompt": "{{ title }}", "end": "[END]", "params": {"stop": ["[END]"]}}
    assert "`stop` ends an answer before [END] is written" in refused(project, step)
    assert "`stop`" not in refused(project, step | {"params": {"stop": ["\n"]}})


def test_files_of_rows_hold_whole_articles(project: Project) -> None:
    files = {"to": "output/shop/articles", "name": "sku", "suffix": ".md", "text": "{{ article }}"}
    with serve(script()) as server:
        write(project, server.base_url, output={**TO, "files": files})
        assert project.run("run", "job.yaml").returncode == 0
        assert (project.folder / "output/shop/articles/007.md").read_text().strip() == WHOLE
