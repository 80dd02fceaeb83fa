"""Another model reads translations: what it is asked, what is paid, what is said of its answers."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from tests.support.judge import Pairs, content, error, judge
from tests.support.pages import begin, page, run, written
from tests.support.project import Project
from tests.support.sentences import english, translated
from tests.support.translator import translator

WRONG = {english(n) for n in range(0, 60, 10)}


def begin_judged(
    project: Project,
    url: str,
    of_judge: str,
    pages: dict[str, list[int]],
    to: str = "[de]",
    sample: Any = "all",
    more: str = "",
) -> None:
    begin(project, url, pages, more=f"meaning: {{model: judge, sample: {sample}}}", to=to)
    text = (project.folder / "job.yaml").read_text()
    price = "price: {input: 1, output: 1}, api_key_env: TEST_KEY, "
    price += "limits: {retries: 0, maybe_billed_retries: 0, outage: 1}"
    other = f'judge: {{model: wise, base_url: "{of_judge}", {price}}}, m: '
    text = text.replace("{m: ", "{" + other).replace("each:", "model: m\n    each:")
    (project.folder / "job.yaml").write_text(text + more)


def finds(pairs: Pairs) -> dict[str, Any]:
    """An error in the first word of each wrong translation, and one without evidence in every other."""
    return {
        name: [error(pair["translation"].split()[0])] if pair["source"] in WRONG else [error("nowhere")]
        for name, pair in pairs.items()
    }


def report(project: Project) -> str:
    return (project.folder / "output/docs/report.md").read_text()


def errors(project: Project) -> list[dict[str, Any]]:
    return pl.read_csv(project.folder / "output/docs/meaning.csv").to_dicts()


def test_all_segments_are_judged_once_and_errors_are_named_with_their_place(project: Project) -> None:
    with translator() as (server, _), judge(finds) as (wise, heard):
        pages = {"a.md": list(range(40)), "b.md": list(range(20, 60))}
        begin_judged(project, server.base_url, wise.base_url, pages, to="[de, es]")
        said = run(project)
        assert len(heard.sources) == 2 * 61, "equal pairs are judged once"
        assert "de: 6 of 61 judged segments have a major or critical error" in said
        assert "prove its form" in report(project) and "| mistranslation | 0 | 6 | 0 |" in report(project)
        found = errors(project)
        assert {(one["document"], one["language"], one["place"]) for one in found} == {
            (name, language, place)
            for language in ("de", "es")
            for name, place in (
                ("a.md", 2),
                ("a.md", 12),
                ("a.md", 22),
                ("a.md", 32),
                ("b.md", 22),
                ("b.md", 32),
            )
        }
        asked, before = len(heard.requests), report(project)
        run(project)
        assert (len(heard.requests), report(project)) == (asked, before), "a finished job sends nothing"
        plan = project.numbers("plan", "job.yaml")
        assert [(one["step"], one["missing"], one["later"]) for one in plan["steps"]] == [
            ("translated", 0, 0),
            ("translated.meaning", 0, 0),
        ]


def test_an_edited_paragraph_is_judged_alone(project: Project) -> None:
    with translator() as (server, _), judge() as (wise, heard):
        begin_judged(project, server.base_url, wise.base_url, {"a.md": list(range(60))})
        run(project)
        before = len(heard.requests)
        (project.folder / "docs/a.md").write_text(page([777, *range(1, 60)]))
        run(project)
        assert [next(iter(one.values()))["source"] for one in heard.requests[before:]] == [english(777)]


def test_a_sample_is_the_same_in_every_run_and_gives_an_interval(project: Project) -> None:
    with translator() as (server, _), judge(finds) as (wise, heard):
        begin_judged(project, server.base_url, wise.base_url, {"a.md": list(range(100))}, sample=30)
        assert project.numbers("plan", "job.yaml")["steps"][1]["later"] == 3
        assert not heard.requests
        run(project)
        assert len(set(heard.sources)) == len(heard.sources) == 30
        run(project)
        assert len(heard.sources) == 30
        judged = project.numbers("export", "job.yaml")["meaning"]["de"]
        assert judged["judged"] == 30 and judged["total"] == 101 and judged["not_judged"] == 0
        assert judged["low"] <= judged["rate"] < judged["high"]


@pytest.mark.parametrize("bad", ["", "{", '{"s1": 7}', '{"s1": [{"quote": "x"}]}', "I cannot judge this."])
def test_what_a_judge_cannot_answer_is_named_and_fails_nothing(project: Project, bad: str) -> None:
    def broken(pairs: Pairs) -> dict[str, Any] | str:
        return bad if any(pair["source"] == english(3) for pair in pairs.values()) else content(pairs)

    with translator() as (server, _), judge(broken) as (wise, heard):
        begin_judged(project, server.base_url, wise.base_url, {"a.md": list(range(20))})
        said = run(project)
        assert "0 of 20 judged segments" in said and "1 drawn segments were not judged" in said
        assert written(project, "a.md") == translated(page(list(range(20))), "de")
        asked = len(heard.requests)
        assert asked == 2 + 4 + 5, "batches, smaller ones, and single pairs"
        run(project)
        assert len(heard.requests) == asked


def test_a_judge_that_is_down_stops_the_run_behind_the_translations(project: Project) -> None:
    with translator() as (server, seen):
        with judge() as (wise, _):
            gone = wise.base_url
        begin_judged(project, server.base_url, gone, {"a.md": list(range(20))})
        run(project, 75)
        assert written(project, "a.md") == translated(page(list(range(20))), "de")
        assert "nothing is judged" in report(project)
        asked = len(seen.requests)
        with judge() as (wise, _):
            text = (project.folder / "job.yaml").read_text().replace(gone, wise.base_url)
            (project.folder / "job.yaml").write_text(text)
            assert "0 of 21 judged segments" in run(project)
        assert len(seen.requests) == asked


def test_the_budget_holds_for_the_judge_too(project: Project) -> None:
    with translator() as (server, seen), judge() as (wise, heard):
        pages = {"a.md": list(range(40))}
        begin_judged(project, server.base_url, wise.base_url, pages, more="budget: {requests: 4}\n")
        said = run(project, 4)
        assert "budget" in said
        assert len(seen.requests) + len(heard.requests) == 4
        assert written(project, "a.md") == translated(page(list(range(40))), "de")


def test_a_judge_is_named_and_is_another_model(project: Project) -> None:
    begin(project, "http://127.0.0.1:9/v1", {"a.md": [1]}, more="meaning: {model: nobody}")
    assert "there is no model 'nobody'" in run(project, 2)
    begin(project, "http://127.0.0.1:9/v1", {"a.md": [1]}, more="meaning: {model: m}")
    said = project.run("check", "job.yaml")
    assert "the judge 'm' is the model that translates" in said.stdout + said.stderr


def test_a_forgotten_document_takes_the_judges_answers_with_it(project: Project) -> None:
    with translator() as (server, _), judge(finds) as (wise, heard):
        begin_judged(project, server.base_url, wise.base_url, {"a.md": [0, 1], "b.md": [10, 11]})
        run(project)
        assert {one["document"] for one in errors(project)} == {"a.md", "b.md"}
        done = project.run("journal", "forget", "job.yaml", "--key", "b.md")
        assert done.returncode == 0 and "all answers of the judge" in done.stdout + done.stderr
        assert {one["document"] for one in errors(project)} == {"a.md"}
        before = len(heard.requests)
        run(project)
        assert len(heard.requests) > before
