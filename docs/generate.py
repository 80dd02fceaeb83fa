"""Write what is generated: the job file's schema, the commands' help, the page of faults, tables in pages.

python docs/generate.py            writes them
python docs/generate.py --check    writes nothing, names what is stale, and exits with 1

A table stands between two markers, `<!-- name -->` and `<!-- /name -->`; a page without them is left alone.
"""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.core import adapters
from pipeline.core.errors import EXIT_CODES, RunStopped
from pipeline.job import files, models, spec
from pipeline.job.load import schema_text
from pipeline.job.outside.on_end import OnEnd
from pipeline.lanes import bottleneck
from pipeline.lanes.guards import fuse
from pipeline.output import types
from pipeline.steps import prompt, translate
from pipeline.wire import faults

ROOT = Path(__file__).resolve().parent.parent
_COMMANDS = """\
# Commands

This page is the program's own help, written by `python docs/generate.py`.

"""
_MEANT = {
    "unauthorized": "the key is refused (401)",
    "forbidden": "the key may not do this (403)",
    "not_found": "there is no such model or address (404)",
    "redirected": "the server answers with another address (3xx)",
    "untrusted": "the host has no certificate that can be trusted",
    "not_https": "the address is https, and the server speaks plain http",
    "proxy_refused": "the proxy lets nothing through (407, or a refused CONNECT)",
    "not_an_api": "web pages come instead of answers, again and again",
    "out_of_quota": "the account has no money or quota left (402, or 429 with a code that says so)",
    "outage": "nothing was answered for `limits.outage` seconds",
    "refusing": "the server answered 429 to everything for `limits.outage` seconds, and gave no time to wait",
    "all_refused": "the first 5 requests were all refused as wrong (400, 413, 422), and none was answered",
    "out_of_budget": "the next request could exceed the `budget`",
    "maybe_billed": "too many attempts may have been billed without an answer",
    "mostly_failing": "more than `max_failed` of the last 50 rows failed",
    "no_memory": "there was no memory for a reply",
    "deadline": "the time of `--until` or `--for` is over",
}


def documents() -> dict[Path, str]:
    """Every generated file with the text it should have."""
    wanted = {
        ROOT / "pipeline" / "job.schema.json": schema_text(),
        ROOT / "docs" / "commands.md": _commands(),
        ROOT / "docs" / "servers.md": _page_of("servers"),
        ROOT / "docs" / "faults.md": _page_of("faults"),
    }
    for page, tables in _PAGES.items():
        path = ROOT / page
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for name, table in tables.items():
            if f"<!-- {name} -->" in text:
                text = wanted[path] = _with_table(name, text, table())
    return wanted


def stale() -> list[Path]:
    """The files that are not what the code says they should be, relative to the project's folder."""
    return [path.relative_to(ROOT) for path, text in documents().items() if _content(path) != text]


def _content(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _page_of(name: str) -> str:
    """The page that a module of its own beside this one makes."""
    page: str = runpy.run_path(str(Path(__file__).with_name(f"{name}.py")))["page"]()
    return page


def _with_table(name: str, text: str, table: str) -> str:
    between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    return between.sub(lambda found: f"{found[1]}\n{table}\n{found[2]}", text)


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _kinds() -> str:
    return _said("kinds", "--markdown")


def _faults() -> str:
    """The table of `faults.py`, with what a run makes of each row."""
    head = ("what came", "kind", "may be billed", "what the run does")
    rows = (
        (came, ", ".join(f"`{kind}`" for kind in kinds.split(", ")), billed, _done(kinds, fate, billed))
        for came, kinds, fate, billed in fault_rows()
    )
    return _table(head, rows)


def fault_rows() -> Iterator[tuple[str, str, str, str]]:
    """(what came, kinds, fate, billed) as the docstring of `faults.py` has them, one row for each case."""
    lines = [line for line in (faults.__doc__ or "").splitlines() if line.startswith("| ")]
    for line in lines[2:]:
        came, kinds, fate, billed = (cell.strip() for cell in line.strip("|").split("|"))
        for one, may in zip(came.split("; "), billed.split("; "), strict=True):
            yield one, kinds, fate, may


def _done(kinds: str, fate: str, billed: str) -> str:
    limits = models.Limits()
    if fate == "stop":
        return f"stops, exit code {_exit_code(kinds.split(', ')[0])}"
    if fate == "fail":
        return "this request fails, the run goes on"
    if kinds == "no_room":
        return "where flex was asked for: waits outside the queue, and sends it again; else as `rate_limited`"
    if "told" in fate:
        return "waits as long as the server says, and sends it again; not counted"
    if billed == "no":
        return f"sends it again, up to {limits.retries} times (`retries`)"
    return f"sends it again, up to {limits.maybe_billed_retries} times (`maybe_billed_retries`)"


def _stops() -> str:
    """What a run can stop for: the words it says, its exit code and its hint."""
    rows = ((f"`{kind}`", _MEANT[kind], str(_exit_code(kind)), hint) for kind, hint in fuse._HINTS.items())
    return _table(("it says", "because", "exit code", "what to do"), rows)


def _exit_code(kind: str) -> int:
    return fuse._ERRORS.get(kind, RunStopped).exit_code


def _binds() -> str:
    rows = ((f"`{name}`", said, bottleneck.UNSET.get(name, "")) for name, said in bottleneck.ADVICE.items())
    return _table(("held up by", "what it means, and what to do", "where the job sets no such limit"), rows)


def _keys(spec: type[BaseModel]) -> str:
    """The keys of a part of the job file."""
    rows = (
        (f"`{field.alias or name}`", field.description or "", _default(field))
        for name, field in spec.model_fields.items()
    )
    return _table(("key", "meaning", "default"), rows)


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "required"
    if isinstance(value, str) and value:
        return f"`{value}`"
    if isinstance(value, tuple) and value:
        return f"`[{', '.join(value)}]`"
    if isinstance(value, bool):
        return str(value).lower()
    return "—" if value in (None, "", (), {}) or isinstance(value, BaseModel) else f"{value:g}"


def _types() -> str:
    """What becomes of a column of each type; types that are treated alike share a row."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, forms in types.TYPES.items():
        if name not in ("Object", "Unknown"):  # no file has them
            alike.setdefault(forms, []).append(f"`{name}`")
    rows = ((", ".join(names), *(form or "**refused**" for form in forms)) for forms, names in alike.items())
    return _table(("type", "in a template", "csv, tsv", "json, jsonl", "parquet", "xlsx"), rows)


def _documents() -> str:
    """The formats of documents, as their modules say."""
    rows = ["| files | what is translated |", "| --- | --- |"]
    for name in adapters.names("documents"):
        files_of = ", ".join(f"`{suffix}`" for suffix in adapters.load("documents", name).SUFFIXES)
        rows.append(f"| {files_of} | {adapters.summary('documents', name)} |")
    return "\n".join(rows) + "\n"


def _checks(wing: Literal["checks", "asked"]) -> str:
    """Every check with its options, as its module says."""
    rows = [
        (f"`{name}`", adapters.summary(wing, name), _options(adapters.load(wing, name).Options))
        for name in adapters.names(wing)
    ]
    return _table(("check", "what it looks at", "options"), iter(rows))


def _options(spec: type[BaseModel]) -> str:
    """The options of a check in one cell."""
    said = [
        f"`{field.alias or name}`: {field.description or ''}"
        + (f" ({_default(field)})" if field.default else "")
        for name, field in spec.model_fields.items()
        if name != "root"
    ]
    return "<br>".join(said) or " ".join((spec.__doc__ or "").split())


_PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "docs/cookbook/README.md": {"cookbook": lambda: _page_of("recipes")},
    "docs/documents.md": {"documents": _documents},
    "README.md": {"kinds": _kinds, "exits": lambda: _exits()},
    "docs/schedule.md": {"exits": lambda: _exits()},
    "docs/checks.md": {
        "checks": lambda: _checks("checks"),
        "asked": lambda: _checks("asked"),
        "prompt": lambda: _keys(prompt.Spec),
    },
    "docs/rates.md": {"faults": _faults, "stops": _stops, "binds": _binds},
    "docs/job-file.md": {
        "limits": lambda: _keys(models.Limits),
        "translation": lambda: _keys(translate.Translation),
        "endpoints": lambda: _keys(models.Endpoint),
        "fallback": lambda: _keys(models.Fallback),
        "budget": lambda: _keys(spec.BudgetSpec),
        "records": lambda: _keys(files.Records),
        "types": _types,
        "output": lambda: _keys(files.Output),
        "files": lambda: _keys(files.Files),
        "on_end": lambda: _keys(OnEnd),
    },
}


def _commands() -> str:
    parts = [f"```text\n{_said('--help')}```\n"]
    parts += [
        f"## pipeline {' '.join(words)}\n\n```text\n{_said(*words, '--help')}```\n" for words in _words()
    ]
    return _COMMANDS + "\n".join(parts) + f"\n## Exit codes\n\n{_exits()}"


def _exits() -> str:
    """What each exit code means."""
    rows = ((str(code), one.meaning, one.todo) for code, one in EXIT_CODES.items())
    return _table(("code", "meaning", "what to do"), rows)


def _words() -> Iterator[tuple[str, ...]]:
    """Every command, and every command of a group of them."""
    for command in app.registered_commands:
        yield (command.name or _name(command.callback),)
    for group in app.registered_groups:
        for command in group.typer_instance.registered_commands if group.typer_instance else ():
            yield str(group.name), command.name or _name(command.callback)


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
