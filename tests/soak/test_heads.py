"""Very many heads of replies with bytes that are not as they should be."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.mutations import CHANGES, meet_mutation


@settings(max_examples=1500, suppress_health_check=list(HealthCheck))
@given(CHANGES, st.booleans())
async def test_very_many_bytes_are_a_reply_or_a_fault(changes: list[tuple[int, bytes]], cut: bool) -> None:
    await meet_mutation(changes, cut)
