"""A job of somebody else in a folder: a harmless one, to be changed into one that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.core.errors import JobError
from pipeline.job.allowlist import Allowed
from pipeline.job.load import load

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
    """Its file, beside what it reads."""
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data/r.csv").write_text("sku,title,price,lang\n1,tea,2,en\n")
    (folder / "p.md").write_text("More about {{ title }}.")
    file = folder / "job.yaml"
    file.write_text(text)
    return file


def refused(folder: Path, text: str = GOOD, allowed: Allowed = OFFICIAL) -> str:
    """What is said of such a job, that would be no mistake of our own."""
    file = written(folder, text)
    load(file)  # who trusts it may run it
    with pytest.raises(JobError) as error:
        load(file, untrusted=allowed)
    return str(error.value).replace(f"{folder}/", "")


def changed(old: str, new: str) -> str:
    """The harmless job with one thing in it that is another."""
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)
