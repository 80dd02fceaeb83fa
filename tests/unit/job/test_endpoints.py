"""Where a model is asked: addresses that lead nowhere are refused where they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.job.load import load
from tests.support.job_text import GOOD, changed, refused, written

WRONG = (
    "http://[::1/v1",
    "http://127.0.0.1:abc/v1",
    "http://127.0.0.1:99999/v1",
    "http://:80/v1",
    "http://a..b/v1",
)


@pytest.mark.parametrize("wrong", WRONG)
def test_an_address_that_leads_nowhere_is_refused_where_it_stands(wrong: str, tmp_path: Path) -> None:
    said = refused(tmp_path, GOOD, f"models.m.base_url='{wrong}'")
    assert said.startswith("--set models.m.base_url: must name a host, and a port from 1 to 65535")
    endpoints = f"model: y, endpoints: [{{base_url: '{wrong}'}}]"
    assert re.match(r"job\.yaml:\d+:\d+: ", refused(tmp_path, changed("model: y", endpoints)))


@pytest.mark.parametrize(
    "right", ["http://[::1]:8000/v1", "https://bücher.example/v1", "http://a_b:1", "https://x.org."]
)
def test_an_address_that_leads_somewhere_is_taken(right: str, tmp_path: Path) -> None:
    assert load(written(tmp_path, GOOD), [f"models.m.base_url='{right}'"]).models["m"].base_url == right
