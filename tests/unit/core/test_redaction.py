"""Values of private columns go into prompts and results, and into nothing else that is said or written."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.core.domain import Fault
from pipeline.core.redaction import Redactor, label, redacted, without
from pipeline.templates.compiled import Compiled
from tests.support.people import ALICE


@pytest.mark.parametrize(
    ("message", "values", "shown"),
    [
        ("no Alice here", ["alice"], "no *** here"),
        ("404 for 40 and 4", [40], "404 for *** and 4"),
        ("malice, alice.", ["alice"], "malice, ***."),
        ("begins 'Dear doctor, my kn…'", ["Dear doctor, my knee hurts\nsince May"], "begins '***…'"),
        ("it said: doctor, my knee hurts since", ["Dear doctor, my knee  hurts\nsince May"], "it said:***"),
        ('at a: "say \\"hi\\"" is odd', ['say "hi"'], 'at a: "***" is odd'),
        ("caf\\u00e9 m\\u00fcller", ["Café Müller"], "***"),
        ("MÜLLER GMBH & CO", ["Müller GmbH & Co"], "***"),
        ("none of it", [None, "", " ", True], "none of it"),
        ("a list of x1 and y2", [["x1", {"b": "y2"}]], "a list of *** and ***"),
        ("İİİ alice", ["alice"], "İİİ ***"),
    ],
)
def test_what_a_message_quotes_is_taken_out(message: str, values: list[Any], shown: str) -> None:
    assert without(message, values) == shown


@pytest.mark.parametrize(
    "value", ["O'Neil", 'B "Q" S', "A & B", "<b>x</b>", "a\\b", "Ü ß", 'ü"x', "a\nb", "Zoë 漢"]
)
@pytest.mark.parametrize(
    "written", ["{{ v }}", "{{ v | tojson }}", "{{ [v] }}", "{{ v | e }}", "{{ v | urlencode }}"]
)
def test_a_value_that_a_template_wrote_in_its_own_way_is_known(written: str, value: str) -> None:
    message = Compiled(f"<< {written} >>").render({"v": value})
    assert "***" in without(message, [value])


def test_a_fault_is_redacted_in_all_its_texts() -> None:
    fault = redacted(Fault("bad_request", f"no {ALICE}"), (ALICE,))
    assert ALICE not in f"{fault} {fault!r} {fault.message} {fault.args}"


def test_without_a_private_column_nothing_is_hidden() -> None:
    assert Redactor().reason("why") == "why"
    assert Redactor.before((), ("a",)).key("k") == "k"
    assert Redactor.before(("b",), ("a",)).key("k") == "k"
    assert Redactor.before(("a",), ("a", "b")).key("k") == label("k")
