"""A run that is killed in the middle of a round in which answers are written again."""

from __future__ import annotations

import pytest

from tests.support.killed_round import check_killed
from tests.support.project import Project


def test_a_run_killed_in_a_round_goes_on_as_if_it_had_not_been(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check_killed(12, project, Project(tmp_path_factory.mktemp("whole")))
