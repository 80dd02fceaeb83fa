"""Which examples a file for fine-tuning takes, and what it says of the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.errors import JobError
from pipeline.runs.tuning.examples import Example
from pipeline.runs.tuning.files import LONGEST, Wanted, write

ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]


def example(**changes: Any) -> Example:
    given = {"messages": ASKED, "answer": "Hi.", "others": ("No.",), "soft": False, "private": False}
    return Example(**{**given, **changes})


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"answer": " \n"}, "empty"),
        ({"messages": [{"role": "user", "content": ""}]}, "empty"),
        ({"messages": [*ASKED, {"role": "assistant", "content": "Hi"}]}, "last message"),
        ({"messages": [{"role": "tool", "content": "x"}, *ASKED]}, "last message"),
        ({"messages": []}, "last message"),
        ({"soft": True}, "--with-soft"),
        ({"private": True}, "private column"),
        ({"answer": "x" * 4 * LONGEST}, "longer than 65,536 tokens"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "x" * 4 * LONGEST}]}]},
            "longer",
        ),
        ({}, "twice"),
    ],
)
@pytest.mark.parametrize("form", ["chat", "preference"])
def test_what_is_left_out_is_counted_with_the_reason(
    wrong: dict[str, Any], why: str, form: Any, tmp_path: Path
) -> None:
    handed = write([example(), example(**wrong)], Wanted(tmp_path / "o.jsonl", form), "any", tmp_path)
    assert handed.training == 1 and handed.left_out.total() == 1
    assert why in next(iter(handed.left_out))
    assert len((tmp_path / "o.jsonl").read_text().splitlines()) == 1


def test_parts_of_a_message_are_handed_on_as_they_are(tmp_path: Path) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    asked = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]}]
    write([example(messages=asked)], Wanted(tmp_path / "o.jsonl", "chat"), "any", tmp_path)
    (line,) = (tmp_path / "o.jsonl").read_text().splitlines()
    assert json.loads(line)["messages"][0] == asked[0]


def test_nothing_to_write_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "o.jsonl").write_text("before")
    with pytest.raises(JobError, match="no example"):
        write([example(answer="")], Wanted(tmp_path / "o.jsonl", "chat"), "any", tmp_path)
    assert (tmp_path / "o.jsonl").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["o.jsonl"]


@pytest.mark.parametrize("inside", [True, False])
def test_a_file_in_the_folder_of_the_job_is_its_owners_alone(inside: bool, tmp_path: Path) -> None:
    own = tmp_path if inside else tmp_path / "other"
    write([example()], Wanted(tmp_path / "new/o.jsonl", "chat"), "any", own)
    assert ((tmp_path / "new/o.jsonl").stat().st_mode & 0o077 == 0) is inside
