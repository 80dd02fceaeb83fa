"""A child of this program finds the same package as its parent."""

from __future__ import annotations

from pipeline.system import child_process
from tests.support import ROOT


def test_a_child_looks_for_the_package_where_its_parent_has_it() -> None:
    assert str(ROOT) == child_process.ROOT
