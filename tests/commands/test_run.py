"""Whole runs of the real command against the scripted server; its ledger of what it billed is the oracle."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.testing import Script
from tests.support.project import Project
from tests.support.server import serve

QUICK = Script(latency=0.01)


def test_a_run_fills_the_table_in_the_order_of_the_input_and_keeps_every_column(project: Project) -> None:
    records = 'sku,title,note\n007,tea,\n008,NA,""\n009,"mug ""blue"", large","two\nlines"\n'
    with serve(QUICK) as server:
        project.job(server.base_url, records=records)
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        assert server.ledger().billed == 3
    result = project.result()
    assert result["sku"].to_list() == ["007", "008", "009"]
    assert result["title"].to_list() == ["tea", "NA", 'mug "blue", large']
    assert result["note"].to_list() == [None, "", "two\nlines"]
    assert [
        f"Write about {title}." in post for title, post in result.select("title", "post").iter_rows()
    ] == [True] * 3
    assert result["_status"].to_list() == ["ok"] * 3
    assert result["_model"].to_list() == ["openai/m"] * 3


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet", "xlsx", "csv.gz"])
def test_a_finished_job_sends_nothing_and_writes_the_same_bytes(project: Project, suffix: str) -> None:
    target = f"output/shop/posts.{suffix}"
    with serve(QUICK) as server:
        project.job(server.base_url, output={"to": target})
        assert project.run("run", "job.yaml").returncode == 0
        first = (project.folder / target).read_bytes()
        (project.folder / target).unlink()
        again = project.numbers("run", "job.yaml")
        assert server.ledger().requests == 3
    assert again["sent"] == 0 and again["recalled"] == 3
    assert (project.folder / target).read_bytes() == first


def test_a_changed_row_or_prompt_redoes_what_depends_on_it_and_says_how_much(project: Project) -> None:
    steps = [
        {"name": "outline", "prompt": "Outline {{ title }}."},
        {"name": "post", "prompt": "Write from {{ outline }}."},
    ]
    with serve(QUICK) as server:
        project.job(server.base_url, steps=steps)
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 6
        project.job(server.base_url, steps=steps, records="sku,title\n009,mug\n007,green tea\n008,lamp\n")
        done = project.run("run", "job.yaml")
        assert "2 of 3 rows are done; to be sent: at least 1 request" in done.stderr
        assert server.ledger().billed == 8
        steps[1] = {"name": "post", "prompt": "Write it from {{ outline }}."}
        project.job(server.base_url, steps=steps)
        done = project.run("run", "job.yaml")
        assert "the job has changed" in done.stderr and "at least 3 requests" in done.stderr
        assert server.ledger().billed == 11
    assert project.result()["sku"].to_list() == ["009", "007", "008"]


def test_equal_requests_are_sent_once_and_every_row_has_the_answer(project: Project) -> None:
    records = "title\n" + "tea\nlamp\n" * 20
    with serve(Script(latency=0.05)) as server:
        project.job(server.base_url, records=records)
        project.run("run", "job.yaml", "--set", "records.key=[]")
        assert server.ledger().billed == 2
    result = project.result()
    assert result.height == 40 and result["post"].null_count() == 0
    assert result.group_by("title").agg(pl.col("post").n_unique())["post"].to_list() == [1, 1]


def test_a_fan_out_makes_a_row_of_every_value_and_json_fields_become_columns(project: Project) -> None:
    steps = [
        {"name": "outline", "prompt": "Outline {{ title }}."},
        {
            "name": "post",
            "each": {"lang": ["en", "no"], "tone": ["dry"]},
            "prompt": "In {{ lang }}, {{ tone }}: {{ outline }}",
            "answer": {"json": {"title": "string", "tags": ["string"], "meta": {"stars": "integer"}}},
        },
    ]
    with serve(QUICK) as server:
        to = ["output/shop/posts.csv", "output/shop/posts.parquet"]
        project.job(server.base_url, steps=steps, output={"to": to})
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        assert server.ledger().billed == 3 + 6
    frame = pl.read_parquet(project.folder / "output/shop/posts.parquet")
    assert frame["lang"].to_list() == ["en", "no"] * 3
    assert frame.schema["post.tags"] == pl.List(pl.String)
    assert frame.schema["post.meta"] == pl.Struct({"stars": pl.Int64})
    assert project.result()["post.meta"].str.json_path_match("$.stars").null_count() == 0


def test_a_skipped_row_says_so_and_costs_nothing_and_what_uses_it_is_skipped_too(project: Project) -> None:
    steps = [
        {"name": "post", "when": "{{ stock | int > 0 }}", "prompt": "Write about {{ title }}."},
        {"name": "title_line", "prompt": "A title for {{ post }}."},
        {"name": "other", "prompt": "Something about {{ title }}."},
    ]
    with serve(QUICK) as server:
        project.job(server.base_url, steps=steps, records="sku,title,stock\n1,tea,3\n2,lamp,0\n")
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 4
    result = project.result()
    assert result["_status"].to_list() == ["ok", "skipped"]
    assert result["post"].null_count() == 1 and result["title_line"].null_count() == 1
    assert result["other"].null_count() == 0


def test_where_sample_and_limit_choose_the_records(project: Project) -> None:
    records = "sku,title,price,lang\n" + "".join(
        f"{i},thing {i},{i},{'en' if i % 2 else 'de'}\n" for i in range(20)
    )
    with serve(QUICK) as server:
        chosen = {"from": "records.csv", "key": "sku", "where": "price > 9 and lang = 'en'"}
        project.job(server.base_url, records=records)
        assert project.run("run", "job.yaml", "--set", f"records={chosen}").returncode == 0
        assert project.result()["sku"].to_list() == ["11", "13", "15", "17", "19"]
        assert project.run("run", "job.yaml", "--set", f"records={chosen}", "--limit", "2").returncode == 0
        assert project.result()["sku"].to_list() == ["11", "13"]
        assert server.ledger().billed == 5


def test_no_record_is_no_error_and_writes_a_table_with_its_header(project: Project) -> None:
    project.job(records="sku,title\n")
    done = project.run("run", "job.yaml")
    assert done.returncode == 0 and "0 rows" in done.stdout
    assert (project.folder / "output/shop/posts.csv").read_text() == "sku,title,post,_status,_model\n"


def test_a_fan_out_may_take_the_place_of_a_column(project: Project) -> None:
    steps = [
        {
            "name": "post",
            "each": {"lang": ["de", "ja"]},
            "prompt": "{{ row.lang }} to {{ lang }}: {{ title }}",
        }
    ]
    project.job(steps=steps, records="sku,lang,title\n1,en,tea\n")
    assert project.run("run", "job.yaml").returncode == 0
    assert project.result()["lang"].to_list() == ["de", "ja"]
    for lang, post in project.result().select("lang", "post").iter_rows():
        assert f"en to {lang}: tea" in post


def test_equal_requests_of_two_models_are_one_request(project: Project) -> None:
    with serve(Script(latency=0.3)) as server:
        model = {"provider": "openai", "model": "m", "base_url": server.base_url, "api_key_env": "TEST_KEY"}
        steps = [
            {"name": "a", "model": "one", "when": "{{ sku == '1' }}", "prompt": "Say {{ title }}"},
            {"name": "b", "model": "two", "when": "{{ sku == '2' }}", "prompt": "Say {{ title }}"},
        ]
        models = {"one": model, "two": model | {"limits": {"concurrency": 2}}}
        project.job(server.base_url, models=models, steps=steps, records="sku,title\n1,tea\n2,tea\n")
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 1


def test_a_table_of_one_job_is_the_input_of_the_next(project: Project) -> None:
    project.job()
    assert project.run("run", "job.yaml").returncode == 0
    frame = project.result().rename({"post": "first"})
    frame.write_csv(project.folder / "records.csv")
    project.job(name="next", steps=[{"name": "post", "prompt": "Go on from {{ first }}"}])
    assert project.run("run", "job.yaml").returncode == 0
    assert project.result().columns == ["sku", "title", "first", "post", "_status", "_model"]
