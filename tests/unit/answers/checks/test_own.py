"""The check that calls the functions of a job's plugins."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.answers.checking import written_of
from pipeline.answers.checks import own
from pipeline.core.domain import Fault
from pipeline.job.code.plugins import Function


def asked(given: Any, options: Any) -> str | None:
    functions = {name: Function("rules.py", function) for name, function in given.items()}
    return own.complaint(written_of("tea", {}, "", (), functions), own.Options.model_validate(options))


def test_the_first_that_finds_something_is_heard() -> None:
    heard: list[Any] = []

    def noting(written: Any, options: Any) -> str | None:
        heard.append((written.text, options))
        return options.get("say")

    functions = dict.fromkeys(("a", "b", "c"), noting)
    assert (
        asked(functions, {"a": True, "b": {"say": "Your answer is bad."}, "c": True}) == "Your answer is bad."
    )
    assert heard == [("tea", {}), ("tea", {"say": "Your answer is bad."})]
    assert asked(functions, {"c": {"say": ""}}) is None


@pytest.mark.parametrize("wrong", [7, False, b"no", ["no"], {}])
def test_a_complaint_is_a_text_or_none(wrong: Any) -> None:
    with pytest.raises(Fault, match=r"plugin: rules\.py: check_a gave a \w+"):
        asked({"a": lambda written, options: wrong}, {"a": True})


@pytest.mark.parametrize("said", ["x" * 10_000_000, "\ud800", "a\0b"])
def test_a_hostile_complaint_can_be_sent(said: str) -> None:
    found = asked({"a": lambda written, options: said}, {"a": True})
    assert found is not None and len(found.encode()) <= 2000


@pytest.mark.parametrize("options", [{}, True, [], "no_ads"])
def test_options_name_at_least_one(options: Any) -> None:
    with pytest.raises(ValidationError):
        own.Options.model_validate(options)
