"""The check that an answer does not contain something."""

from __future__ import annotations

from tests.support.checks import said


def test_excludes_names_what_it_found() -> None:
    assert said("excludes", "As an AI, I", ["as an ai", "sorry"]) == (
        'Your answer must not contain "as an ai". Write it again.'
    )
    assert said("excludes", "fine", ["as an ai", "sorry"]) is None
    assert said("excludes", "STRASSE", "straße") is not None
