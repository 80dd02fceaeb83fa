"""Write what is generated from the code: the job file's schema, the commands' help, the table of kinds.

python docs/generate.py            writes them
python docs/generate.py --check    writes nothing, names what is stale, and exits with 1
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.schema import schema_text

ROOT = Path(__file__).resolve().parent.parent
_KINDS = re.compile(r"(<!-- kinds -->\n).*?(<!-- /kinds -->)", re.DOTALL)
_COMMANDS = """\
# Commands

This page is the program's own help, written by `python docs/generate.py`.

"""


def documents() -> dict[Path, str]:
    """Every generated file with the text it should have. A README without the two markers is left out."""
    wanted = {
        ROOT / "pipeline" / "job.schema.json": schema_text(),
        ROOT / "docs" / "commands.md": _commands(),
    }
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    if _KINDS.search(text):
        wanted[readme] = _with_kinds(text, _said("kinds", "--markdown"))
    return wanted


def stale() -> list[Path]:
    """The files that are not what the code says they should be, relative to the project's folder."""
    return [path.relative_to(ROOT) for path, text in documents().items() if _content(path) != text]


def _content(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _with_kinds(text: str, table: str) -> str:
    return _KINDS.sub(lambda found: f"{found[1]}\n{table}\n{found[2]}", text)


def _commands() -> str:
    names = [command.name or _name(command.callback) for command in app.registered_commands]
    parts = [f"```text\n{_said('--help')}```\n"]
    parts += [f"## pipeline {name}\n\n```text\n{_said(name, '--help')}```\n" for name in names]
    return _COMMANDS + "\n".join(parts)


def _name(callback: object) -> str:
    return getattr(callback, "__name__", "").replace("_", "-")


def _said(*arguments: str) -> str:
    """What the program prints, in lines of at most 80 characters."""
    result = CliRunner().invoke(app, arguments, prog_name="pipeline", env={"COLUMNS": "80", "NO_COLOR": "1"})
    if result.exit_code:
        raise SystemExit(f"pipeline {' '.join(arguments)} ended with {result.exit_code}: {result.output}")
    lines = (line.rstrip() for line in result.output.strip("\n").splitlines())
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write, or only look; the exit code."""
    if sys.argv[1:] == ["--check"]:
        found = stale()
        for path in found:
            print(f"{path} is stale: run python docs/generate.py", file=sys.stderr)
        return 1 if found else 0
    for path, text in documents().items():
        if _content(path) != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
