"""A template of somebody else is rendered in a process that has nothing, and to the same text."""

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

from pipeline.core.domain import Fault
from pipeline.core.errors import JobError
from pipeline.templates.compiled import Compiled, Malformed, Unfit
from pipeline.templates.isolated import Worker
from pipeline.templates.template import Template
from tests.support.templates import HONEST, HONEST_VALUES

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


BOMBS = {
    "nested ranges":
        "{% for a in range(100000) %}{% for b in range(100000) %}{{ b }}{% endfor %}{% endfor %}",
    "nested ranges in silence":
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "a loop with a long text":
        "{% set t %}{% for a in range(100000) %}" + "y" * 100_000 + "{% endfor %}{% endset %}{{ t|length }}",
    "a loop in a block": "{% set s = 'x' * 999999 %}{% set t %}{% for a in range(9999) %}{{ s }}{% endfor %}"
        "{% endset %}{{ t|length }}",
    "a macro that branches in silence": "{% macro m(n) %}{% if n %}{% set a = m(n - 1) %}"
        "{% set a = m(n - 1) %}{% endif %}{% endmacro %}{{ m(60) }}",
    "a width in a test": "{{ '%999999999d' is odd }}",
    "one value many times": "{{ ('%(a)s' * 99999) % {'a': 'x' * 99999} }}",
    "doubling": "{% set s = 'x' * 999 %}" + "{% set s = s ~ s %}" * 40 + "{{ s }}",
    "indent with a text": "{{ ('a\n' * 99999)|indent('x' * 99999) }}",
    "replace": "{{ ('a' * 99999)|replace('a', 'b' * 99999) }}",
    "join": "{{ range(99999)|join('x' * 99999) }}",
    "lists in lists": "{% set a = ['x'] %}" + "{% set a = [a, a, a, a] %}" * 40 + "{{ a }}",
    "tuples in tuples, as a key": "{% set a = (1, 2) %}" + "{% set a = (a, a) %}" * 60
        + "{{ {a: 1} }}",
    "mappings in mappings": "{% set a = {'x': 1} %}" + "{% set a = {'x': a, 'y': a} %}" * 60
        + "{{ a|tojson }}",
    "wordwrap": "{{ ('a' * 4000000)|wordwrap(1) }}",
    "sort": "{% for i in range(999) %}{{ range(99999)|sort|length }}{% endfor %}",
    "list": "{% for i in range(999) %}{{ ('x' * 4000000)|list|length }}{% endfor %}",
    "many copies in capitals": "{% set s = 'x' * 4000000 %}"
        + "".join(f"{{% set a{i} = s|upper %}}" for i in range(300)),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_fails_alone_within_the_time_and_memory_of_the_process(name: str) -> None:
    worker = Worker(seconds=0.5)
    with pytest.raises(Fault, match=r"^template: t:[12]:1: ") as error:
        Template(BOMBS[name], lambda line, column: f"t:{line}:{column}", worker.prepare).render(HONEST_VALUES)
    assert error.value.kind == "template"
    assert worker.prepare("{{ n }}").render({"n": 1}) == "1"


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
