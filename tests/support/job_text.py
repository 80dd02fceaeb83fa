"""A job file as text: a good one, and the same with a mistake in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.core.errors import JobError
from pipeline.engine.stages import stages_of
from pipeline.job.load import load

GOOD = """\
name: shop
records: {from: r.csv, key: sku}
models:
  m: {provider: scripted, model: x, params: {a: 1}, limits: {rpm: 5}}
  n: {provider: openai, model: y}
steps:
  - name: post
    model: m
    prompt: |
      Write about {{ title }}.
    checks: {length: {max: 5}}
    answer: {json: {a: string}}
  - name: german
    model: m
    translate: {text: "{{ post }}", from: en, to: de}
output: {to: out.csv, include: [status]}
"""


def written(folder: Path, text: str | bytes) -> Path:
    """The file of a job with this text."""
    file = folder / "job.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def refused(folder: Path, text: str | bytes, *changes: str) -> str:
    """What is said of a job that is wrong."""
    file = written(folder, text)
    with pytest.raises(JobError) as error:
        stages_of(load(file, changes))
    return str(error.value).replace(str(folder) + "/", "")


def changed(old: str, new: str) -> str:
    """The good job with one thing changed."""
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)
