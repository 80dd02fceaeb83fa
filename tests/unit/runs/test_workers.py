"""What is given to another process arrives whole."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

import pipeline.runs.workers.protocol  # noqa: F401 - it says how nouns are pickled
from pipeline.core.domain import (
    Answer,
    Billed,
    Fate,
    Fault,
    Media,
    Record,
    Rejected,
    Reply,
    Request,
    Unanswered,
)
from pipeline.job.load import load
from tests.support import ROOT

ASKED = Request("chat", "m", b"{}", "post", "7", draw="~a", private=("secret",))
PARTS = [
    Fault("down", "it is", fate=Fate.RETRY, billed=Billed.MAYBE, wait=2.5, status=503, body=b"x", again=True),
    Rejected("refusal", "no", requests=(ASKED,), known=True).but(best="a", item=2, place="p", asked="q"),
    Unanswered(ASKED).but(later=3),
    Reply("chat", b"{}", 0.5, Answer("hello", model="m"), "m", cost=7, most=9),
    Record("k", {"a": 1, "b": None}, 3, ("secret",)),
    ASKED,
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
def test_every_noun_arrives_whole(part: Any) -> None:
    there = pickle.loads(pickle.dumps(part))
    assert type(there) is type(part)
    if isinstance(part, Fault):
        assert vars(there) == vars(part)
    else:
        assert there == part
    if isinstance(part, Request):
        assert (there.digest, there.private) == (part.digest, part.private)


def test_the_bytes_of_a_picture_stay_and_are_never_sent_as_none() -> None:
    there = pickle.loads(pickle.dumps(Media("image/png", 3, b'"mark"', load=lambda: b"png")))
    assert (there.size, there.mark) == (3, b'"mark"')
    with pytest.raises(Fault, match="is gone"):
        there.load()


@pytest.mark.parametrize("file", sorted((ROOT / "jobs").glob("*.yaml")), ids=lambda file: file.stem)
def test_a_job_is_the_same_in_another_process(file: Path) -> None:
    job = load(file, ["records.limit=3"])
    there = pickle.loads(pickle.dumps(job))
    assert there == job
    assert (there.file, there.text, there.files, there.untrusted) == (
        job.file,
        job.text,
        job.files,
        job.untrusted,
    )
