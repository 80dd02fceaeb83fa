"""Pictures of an untrusted job: those in its folder, and bytes; nothing that a path leads to elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.core.domain import Fault
from pipeline.engine.stages import Stage, stages_of
from pipeline.job.allowlist import Allowed
from pipeline.job.load import load
from tests.support.pictures import data_url, png


@pytest.fixture
def step(tmp_path: Path) -> Stage:
    """A step in a folder of its own, with pictures inside and outside."""
    folder = tmp_path / "inner"
    (folder / "photos").mkdir(parents=True)
    for place in (tmp_path / "out.png", folder / "photos/a.png"):
        place.write_bytes(png())
    (folder / "link.png").symlink_to("../out.png")
    (folder / "linked").symlink_to("..")
    (folder / "own.png").symlink_to("photos/a.png")
    job = {
        "name": "a",
        "records": {"from": "r.csv"},
        "models": {"m": {"provider": "openai", "model": "x"}},
        "steps": [{"name": "s", "messages": "{{ said + [more] }}", "images": ["{{ photo }}"]}],
        "output": {"to": "output/a/r.csv"},
    }
    (folder / "job.yaml").write_text(yaml.safe_dump(job, sort_keys=False))
    return stages_of(load(folder / "job.yaml", untrusted=Allowed()))[0]


def turns(step: Stage, photo: Any) -> list[dict[str, Any]]:
    said = [{"role": "user", "content": "1"}, {"role": "assistant", "content": "2"}]
    values = {
        "said": said,
        "more": {"role": "user", "content": "3"},
        "photo": photo,
        "large": bytes(5_000_000),
    }
    messages: list[dict[str, Any]] = json.loads(step.runner.first_request(values, "1").sent)["messages"]
    return messages


def test_an_untrusted_job_attaches_what_is_in_its_folder_and_nothing_else(
    step: Stage, tmp_path: Path
) -> None:
    for value in ("photos/a.png", "own.png", png(), data_url(png())):
        *earlier, last = turns(step, value)
        assert [one["content"] for one in earlier] == ["1", "2"]
        assert last["content"][1]["image_url"]["url"] == data_url(png())
    for value in (
        *("../out.png", "photos/../../out.png", "link.png", "linked/out.png", "~/a.png", "c:a.png"),
        *(str(tmp_path / "out.png"), str(tmp_path / "inner/photos/a.png"), "photos/*.png", "a\0.png"),
        *("http://127.0.0.1:8000/a.png", "https://x.example/a.png", "HTTP://[::1]/"),
    ):
        with pytest.raises(Fault, match=r"not allowed here|may not be read") as fault:
            turns(step, value)
        assert fault.value.kind == "template"
