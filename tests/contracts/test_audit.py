"""The audit of what is installed finds what it is there to find."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT

AUDIT = runpy.run_path(str(ROOT / ".ci/audit.py"))
LOCK = """\
a-b==1.0 \\
    --hash=sha256:11 \\
    --hash=sha256:22
c==2.0 ; sys_platform != 'x' \\
    --hash=sha256:3
"""


def bill(*parts: tuple[str, str, str]) -> dict[str, Any]:
    """A bill of (name, version, licence)."""
    return {"components": [{"name": n, "version": v, "licenses": [{"expression": of}]} for n, v, of in parts]}


def test_what_is_installed_as_it_is_pinned_passes() -> None:
    assert (
        list(AUDIT["wrong_pins"](bill(("A_b", "1.0", ""), ("c", "2.0", ""), ("pip", "9", "")), [LOCK])) == []
    )


def test_what_no_lock_pins_and_what_is_pinned_otherwise_is_named() -> None:
    wrong = list(AUDIT["wrong_pins"](bill(("c", "2.1", ""), ("d", "1", "")), [LOCK]))
    assert wrong == ["c 2.1 is installed, 2.0 is pinned", "d 1 is installed and no lock file pins it"]


def test_a_pin_without_a_hash_is_named() -> None:
    assert list(AUDIT["without_hash"](LOCK)) == []
    assert list(AUDIT["without_hash"](LOCK + "e==3\n")) == ["e 3 is pinned without a hash"]


@pytest.mark.parametrize("lock", sorted(ROOT.glob("requirements*.lock")), ids=lambda lock: lock.name)
def test_every_pin_of_the_project_has_a_hash_and_no_address(lock: Path) -> None:
    pins = AUDIT["pins_of"](lock.read_text())
    names = set(re.findall(r"(?m)^[a-z0-9-]+(?===)", lock.read_text()))  # one may be pinned once a Python
    assert len(pins) == len(names) > 0
    assert list(AUDIT["without_hash"](lock.read_text())) == []
    assert "://" not in lock.read_text()


@pytest.mark.parametrize(
    ("licence", "fine"),
    [
        ("MIT", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("GPL-3.0-only OR MIT", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)", True),
        ("GPL-3.0-only", False),
        ("MIT AND GPL-2.0-or-later", False),
        ("MIT AND (GPL-2.0-only OR AGPL-3.0-only)", False),
        ("Proprietary", False),
        ("", False),
    ],
)
def test_a_licence_is_permitted_where_permitted_ones_meet_it(licence: str, fine: bool) -> None:
    assert AUDIT["permitted"](licence) is fine
    assert bool(list(AUDIT["wrong_licences"](bill(("a", "1", licence))))) is not fine


def test_a_part_that_tells_no_licence_is_named() -> None:
    assert list(AUDIT["wrong_licences"]({"components": [{"name": "a", "version": "1"}]})) == [
        "a 1 has the licence (none is told)"
    ]


def test_files_that_run_at_every_start_are_named(tmp_path: Path) -> None:
    known = next(iter(AUDIT["STARTERS"]))
    (tmp_path / "distutils-precedence.pth").write_text(f"{known}\n")
    (tmp_path / "_editable_impl_pipeline.pth").write_text(f"{ROOT}\n")
    assert list(AUDIT["starters"](tmp_path)) == []
    (tmp_path / "init.pth").write_text("import os; os.system('steal')\n")
    (tmp_path / "sitecustomize.py").write_text("")
    (tmp_path / "z.pth").write_text("/somewhere/else\n")
    first, second, third = AUDIT["starters"](tmp_path)
    assert first.endswith("sitecustomize.py runs at every start of Python")
    assert second.endswith("init.pth runs: \"import os; os.system('steal')\"")
    assert third.endswith("z.pth brings in: '/somewhere/else'")


SKIPPED = '{"dependencies": [{"name": "a", "skip_reason": "none"}, {"name": "b", "skip_reason": "none"}]}'
HALF = """{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]},
                              {"name": "b", "skip_reason": "no data"}]}"""


@pytest.mark.parametrize("report", ["", SKIPPED])
def test_what_could_not_be_looked_up_is_not_said_to_be_fine(report: str) -> None:
    found, looked_up, pins = AUDIT["vulnerable_in"](report)
    assert (found, looked_up) == ([], 0) and pins > 0
    assert (
        AUDIT["said_of_lookup"](looked_up, pins)
        == "known vulnerabilities: NOT looked up (no data to be had here)"
    )
    assert AUDIT["verdict"](0, looked_up, pins) == (
        "audit: pins, hashes, licences and start-up files are fine; known vulnerabilities were not looked up"
    )


def test_what_was_looked_up_in_part_is_said_so_and_what_was_found_is_named() -> None:
    found, looked_up, pins = AUDIT["vulnerable_in"](HALF)
    assert found == ["a 1 has CVE-1"]
    assert "looked up for 1 of the 2 versions that the 3 lock files pin" in AUDIT["said_of_lookup"](
        looked_up, pins
    )
    assert AUDIT["verdict"](1, looked_up, pins) == (
        "audit: 1 thing is wrong; known vulnerabilities were looked up for 1 of 2 versions alone"
    )
    assert AUDIT["verdict"](0, 2, 2) == "audit: nothing is wrong"
