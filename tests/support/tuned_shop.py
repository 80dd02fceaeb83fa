"""The job of a shop whose model is trained, and the command for it."""

from __future__ import annotations

import os
from typing import Any
from unittest.mock import patch

from pipeline import api
from pipeline.job.load import load
from pipeline.runs.tuning.state import Order, Tuned
from tests.support.project import Project

ROWS = 12
JOB = """# a comment that stays
name: shop
records: {from: records.csv, key: sku}
models:
  writer: {provider: scripted, model: m, options: {answer: "A text."}}   # the writer
  trained:
    model: "m"  # this one is trained
    base_url: URL
    api_key_env: TEST_KEY
steps:
  - {name: post, model: writer, prompt: "Write about {{ title }}."}
"""


def tuned(shop: Project, **order: Any) -> Tuned:
    job = load(shop.folder / "job.yaml")
    with patch.dict(os.environ, shop.environment()):
        return api.finetune(job, Order(model="trained", **order), lambda *_: None)


COMMAND = ("finetune", "job.yaml", "--model", "trained")
