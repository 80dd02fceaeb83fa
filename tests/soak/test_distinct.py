"""A run that is killed at many places of a round in which answers are written again."""

from __future__ import annotations

import pytest

from tests.support.killed_round import COPIES, check_killed
from tests.support.project import Project


@pytest.mark.parametrize("in_round", range(1, COPIES - 8, 3))
def test_a_run_killed_in_a_round_goes_on_as_if_it_had_not_been(
    in_round: int, project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check_killed(in_round, project, Project(tmp_path_factory.mktemp("whole")))
