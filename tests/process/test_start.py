"""What a command does not load when it starts."""

from __future__ import annotations

import subprocess
import sys

from tests.support.project import Project
from tests.support.server import serve

CODE = """
import sys
from pipeline.cli.run import load_structlog
load_structlog()
import structlog
assert not [name for name in sys.modules if name.startswith("rich")]
import rich.console  # the screen can be drawn all the same
"""


def test_structlog_is_loaded_without_rich() -> None:
    subprocess.run([sys.executable, "-c", CODE], check=True)


RUN = """
import sys
from pipeline.cli import app
app(["run", "job.yaml"], standalone_mode=False)
print(*{"openai", "httpx2"} & set(sys.modules))
"""


def test_a_run_does_not_load_the_sdk(project: Project) -> None:
    with serve() as server:
        project.job(server.base_url)
        done = subprocess.run(
            [sys.executable, "-c", RUN],
            cwd=project.folder,
            env=project.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert server.ledger().requests == 3
    assert done.stdout.splitlines()[-1] == ""
