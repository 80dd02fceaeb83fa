"""All filters and tests of the sandbox over all values, several times with other arguments."""

from __future__ import annotations

import pytest

from tests.support.template_outcomes import assert_repeatable


@pytest.mark.parametrize("seed", range(2))
def test_any_filter_or_test_over_any_value_gives_the_same_text_in_two_processes(seed: int) -> None:
    assert_repeatable(seed, most=100_000)
