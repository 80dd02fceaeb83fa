"""Checks: what they let pass, and what they say to the model about the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.answers.checking import written_of
from pipeline.answers.options import Named, Options
from pipeline.core import adapters
from pipeline.templates.template import Template
from tests.support.checks import said


def test_every_check_has_a_file_of_tests() -> None:
    tested = {file.stem.removeprefix("test_") for file in Path(__file__).parent.glob("test_*.py")}
    assert set(adapters.names("checks")) == tested - {"checks"}


@pytest.mark.parametrize(
    ("check", "options"),
    [("length", {"min": -1}), ("length", {"max": True}),
     ("length", {"unit": "lines"}),
     ("length", {"most": 1}), ("length", 5), ("contains", 5), ("contains", {"a": 1}), ("excludes", [1])],
)  # fmt: skip
def test_options_of_the_wrong_kind_are_refused(check: str, options: Any) -> None:
    with pytest.raises(ValidationError):
        said(check, "x", options)


@pytest.mark.parametrize(
    ("check", "options"),
    [
        ("excludes", "{}"),
        ("excludes", ["tea", "{}"]),
        ("contains", "{}"),
        ("contains", {"any": ["{}"]}),
        ("contains", {"all": ["{}"], "where": "last_line"}),
        ("starts_with", "{}"),
        ("ends_with", "{}"),
        ("opening", {"forbid": "{}"}),
        ("regex", {"match": "{}"}),
        ("regex", {"not": "{}"}),
        ("echo", {"of": "{}"}),
        ("original", {"of": "{}"}),
    ],
)
@pytest.mark.parametrize("empty", ["", " ", "\n"])
def test_an_empty_cell_asks_for_nothing(check: str, options: Any, empty: str) -> None:
    """An answer is neither rejected for an empty text, nor accepted for one."""
    filled = json.loads(json.dumps(options).replace("{}", "{{ cell }}"))
    assert rendered(check, filled, empty) is None


@pytest.mark.parametrize(
    ("check", "options"),
    [
        ("starts_with", ["Tea", "{{ cell }}"]),
        ("ends_with", ["Tea", "{{ cell }}"]),
        ("contains", {"any": ["Tea", "{{ cell }}"]}),
        ("contains", {"any": ["Tea", "{{ cell }}"], "where": "first_line"}),
    ],
)
@pytest.mark.parametrize("empty", ["", " ", "\n"])
def test_an_empty_cell_is_none_of_several_texts_of_which_one_is_enough(
    check: str, options: Any, empty: str
) -> None:
    found = rendered(check, options, empty)
    assert found is not None and '""' not in found and '"Tea"' in found


def rendered(check: str, options: Any, cell: str) -> str | None:
    """What a check says of an answer to a row with this cell."""
    module = adapters.load("checks", check)
    named = Named(check, (), (), True, module.Options.model_validate(options))

    def template(*_: str | int) -> Template:
        return Template("{{ cell }}", lambda line, column: "job.yaml")

    values = {"cell": cell}
    written = written_of("The lamp is new. It is green.", values, "Write.")
    found: str | None = module.complaint(written, Options(named, template).of(values))
    return found
