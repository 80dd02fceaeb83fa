"""A job file that asks for endless work or memory is refused, or judged in good time."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from pipeline.core.errors import JobError
from pipeline.engine.stages import stages_of
from pipeline.job.load import load
from tests.support import job_text
from tests.support.stranger import GOOD, OFFICIAL, changed, written


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
    "aliases": ("name: shop\n", f"name: shop\n{LAUGHS}", 2, "aliases expand"),
    "aliases of a text": ("name: shop\n", f"name: shop\n{ECHOES}", 2, "aliases expand"),
    "no": ("limits: {rpm: 5}", "limits: {rpm: no}", 4, "whole number"),
    "an octal number": ("limits: {rpm: 5}", "limits: {rpm: 012}", 4, "whole number"),
    "a time": ("limits: {rpm: 5}", "limits: {rpm: 12:30:00}", 4, "whole number"),
    "a duplicate key": ("limits: {rpm: 5}", "limits: {rpm: 5, rpm: 6}", 4, "twice (first in line 4)"),
    "a merge": ("limits: {rpm: 5}", "limits: {<<: {rpm: 5}}", 4, "merging"),
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


@pytest.mark.parametrize("value", ["~", "en", "[a]"])
def test_a_hundred_thousand_mistakes_are_told_quickly(value: str, tmp_path: Path) -> None:
    many = ", ".join([value] * 15_000)
    text = job_text.changed("checks:", f"each: {{lang: [{many}]}}\n    checks:")
    began = time.process_time()
    assert "each.lang" in job_text.refused(tmp_path, text)
    keys = ", ".join(f"k{i}: 1" for i in range(15_000))
    assert "unknown key 'k0'" in job_text.refused(tmp_path, job_text.changed("rpm: 5", keys))
    assert time.process_time() - began < 30, "it takes some seconds, most of them for YAML"
