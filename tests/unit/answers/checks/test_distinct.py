"""What is said of an answer that is nearly equal to answers of other rows."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.answers.checking import written_of
from pipeline.answers.checks.distinct import Options, complaint
from pipeline.answers.complaints import to_a_person
from pipeline.answers.written import Near, about


def said(near: Near, options: Any = True, text: str = "my post") -> str | None:
    """What the check says of a text, when the run has found this."""
    return complaint(written_of(text, {}, "", (near,)), Options.model_validate(options))


def near(*others: str, openings: tuple[str, ...] = (), most: float = 0.6) -> Near:
    """That "my post" is nearly equal to these."""
    return Near(about("my post", most), 0.834, others, openings)


def test_it_says_what_is_alike_and_what_to_do() -> None:
    assert said(near("a post")) == (
        "Your answer is nearly the same (83% alike) as this one for another item: «a post». "
        "Write it again, with another opening and other words."
    )
    told = said(near("a post", "b post", openings=("my post …", "Discover the …")))
    assert told == (
        "Your answer is nearly the same (83% alike) as these for other items: «a post» and «b post». "
        "Many others begin with «my post …» and «Discover the …». "
        "Write it again, with another opening and other words."
    )
    assert to_a_person(told) == (
        "the answer is nearly the same (83% alike) as these for other items: «a post» and «b post». "
        "Many others begin with «my post …» and «Discover the …»"
    )


def test_it_says_nothing_of_another_text_or_for_another_bound() -> None:
    assert said(near("a post"), text="my other post") is None
    assert said(near("a post", most=0.5)) is None
    assert said(near("a post", most=0.5), {"most": 0.5}) is not None
    assert complaint(written_of("my post", {}, ""), Options()) is None


@pytest.mark.parametrize(
    "options",
    [{"most": 0.2}, {"most": 1}, {"most": "0.6"}, {"most": "{{ a }}"}, {"rounds": 0}, {"rounds": 11}],
)
def test_wrong_options_are_refused(options: Any) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate(options)
