"""The nouns: a fault is frozen, and a changed one is another."""

from __future__ import annotations

import pytest

from pipeline.core.domain import Billed, Fate, Fault, Rejected, Request, Unanswered

FAULT = Fault(
    "server_error", "it broke", fate=Fate.RETRY, billed=Billed.MAYBE, wait=2.0, status=500, body=b"x"
)
REQUEST = Request("chat", "m", b"{}")


@pytest.mark.parametrize("name", [*vars(FAULT), "known", "requests", "anything"])
def test_a_fault_is_not_changed_after_it_was_made(name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        setattr(FAULT, name, 1)


def test_a_fault_with_other_parts_is_another_of_the_same_kind() -> None:
    other = FAULT.but(message="it broke again", counted=False)
    assert (str(other), other.args) == ("server_error: it broke again", ("server_error", "it broke again"))
    assert vars(other) == vars(FAULT) | {"message": "it broke again", "counted": False}
    assert FAULT.counted and FAULT.message == "it broke"


@pytest.mark.parametrize(
    "fault", [Rejected("cut", "too long", requests=(REQUEST,), known=True), Unanswered(REQUEST)]
)
def test_a_changed_fault_keeps_its_class_and_what_the_class_adds(fault: Fault) -> None:
    other = fault.but(again=True)
    assert type(other) is type(fault)
    assert vars(other) == vars(fault) | {"again": True}


def test_a_fault_is_raised_and_chained_as_any_exception() -> None:
    with pytest.raises(Fault) as caught:
        try:
            raise FAULT
        except Fault as fault:
            raise fault.but(kind="other") from fault
    assert caught.value.kind == "other" and caught.value.__cause__ is FAULT
