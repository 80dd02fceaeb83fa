"""The commands for the journal itself: forget a record, take saved answers in, verify what it holds.

This module removes and checks nothing itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import _common as common
from pipeline.cli import wording
from pipeline.core.display import counted, safe_text
from pipeline.core.errors import DiskError, InputError

if TYPE_CHECKING:
    from pipeline.journal.verify import Verdict
    from pipeline.runs.forget.forget import Forgotten, Rewritten

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Work on the journal: verify it, restore saved answers, forget a record.",
)
SHOWN = 20


def forget(
    job_file: common.JobFile,
    key: Annotated[
        str, typer.Option("--key", metavar="KEY", help="The record's key; several columns as JSON.")
    ],
    remove_results: Annotated[
        bool, typer.Option("--remove-results", help="Remove results that cannot be written again without it.")
    ] = False,
    sets: common.Sets = None,
    allow_code: common.AllowCode = False,
    untrusted: common.Untrusted = False,
    as_json: common.AsJson = False,
) -> None:
    """Remove a record from the journal and the events, and write the results again without it."""
    job = common.load_job(
        job_file, sets, None, common.stranger(untrusted, None, None, asks=False), allow_code
    )
    from pipeline.runs.forget.forget import forget as forget_record

    forgotten = forget_record(job, key, remove_results=remove_results)
    code = DiskError.exit_code if forgotten.left else 0
    common.show(as_json, asdict(forgotten), map(safe_text, _of_forgotten(forgotten)), code)
    raise typer.Exit(code)


def _of_forgotten(found: Forgotten) -> Iterator[str]:
    yield from found.notices
    kept = f"; {counted(found.shared, 'attempt')} kept, because another record shares them"
    removed = f"{counted(found.attempts, 'attempt')} removed, all but what they cost"
    yield f"journal: {removed}{kept if found.shared else ''}"
    yield f"events.jsonl: {counted(found.events, 'line')} removed"
    if found.row_files:
        yield f"files of its rows: {counted(found.row_files, 'file')} removed"
    if found.spilled:
        yield f"spill: {counted(found.spilled, 'damaged file')} removed"
    for table in found.tables:
        yield f"{wording.shown(Path(table.path))}: {_of_table(table)}"
    if any(table.trouble and not table.removed for table in found.tables):
        yield "  these results and the journal still hold it: fix this and repeat it, or add --remove-results"
    for name in found.unsearched:
        yield f"{wording.shown(Path(name))}: not one of the job's own files, so it was not searched"
    tables = {table.path for table in found.tables}
    for name in found.left:
        if name in found.kept:
            yield f"{wording.shown(Path(name))}: a table that somebody had changed: look for the record in it"
        elif name not in tables:
            yield f"{wording.shown(Path(name))}: a link, or not a file: not removed; remove it yourself"
    if found.records:
        yield "the record is still in the input: take it out, or the next run asks for it again"


def _of_table(table: Rewritten) -> str:
    if table.trouble:
        done = "removed, because it" if table.removed else "it"
        return f"{done} cannot be written again ({table.trouble})"
    pending = f", {table.pending:,} of them pending" if table.pending else ""
    return f"written again without it, {counted(table.rows, 'row')}{pending}"


def restore(
    job_file: common.JobFile,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file with what the run printed; - is standard input.")
    ],
    sets: common.Sets = None,
    untrusted: common.Untrusted = False,
    as_json: common.AsJson = False,
) -> None:
    """Restore answers that a run printed on standard error because it could not save them on a disk."""
    job = common.load_job(job_file, sets, None, common.stranger(untrusted, None, None, asks=False))
    from pipeline.journal.restore import restore_lines

    restored = restore_lines(job, _text(file).splitlines())
    known = f", {restored.known:,} were there before" if restored.known else ""
    damaged = f", {counted(restored.damaged, 'line')} damaged" if restored.damaged else ""
    said = f"{counted(restored.taken, 'answer')} taken in{known}{damaged}"
    code = DiskError.exit_code if restored.damaged else 0
    common.show(as_json, asdict(restored), [said], code)
    raise typer.Exit(code)


def _text(file: Path) -> str:
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(file)) from None
    return content.decode(errors="replace")


def verify(
    job_file: common.JobFile,
    sets: common.Sets = None,
    untrusted: common.Untrusted = False,
    as_json: common.AsJson = False,
) -> None:
    """Check every row of the journal against its checksum. Nothing is changed."""
    job = common.load_job(job_file, sets, None, common.stranger(untrusted, None, None, asks=False))
    from pipeline.journal.verify import verify

    verdict = verify(job.folder / "journal.sqlite")
    numbers = {**asdict(verdict), "whole": verdict.whole}
    code = 0 if verdict.whole else DiskError.exit_code
    common.show(as_json, numbers, map(safe_text, _of_verdict(verdict)), code)
    raise typer.Exit(code)


def _of_verdict(verdict: Verdict) -> Iterator[str]:
    said = "whole" if verdict.whole else "DAMAGED"
    unsummed = f"; {verdict.unsummed:,} without a checksum" if verdict.unsummed else ""
    answers = counted(verdict.answered, "answer")
    yield f"the journal is {said}: {counted(verdict.rows, 'row')}, {answers}{unsummed}"
    for damage in verdict.damaged[:SHOWN]:
        yield f"row {damage.seq} (step {damage.step}, record {damage.record}) does not match its checksum"
    if len(verdict.damaged) > SHOWN:
        yield f"… and {len(verdict.damaged) - SHOWN:,} more such rows"
    if verdict.damaged:
        yield "  they are not used: the next run asks for them again"
    if verdict.unreadable:
        numbers = ", ".join(map(str, verdict.unreadable[:SHOWN]))
        yield f"{counted(len(verdict.unreadable), 'row')} cannot be read: {numbers}"
    if verdict.wrong_segments:
        named = f"{verdict.wrong_segments:,} of {counted(verdict.segments, 'row')} in the index of segments"
        yield f"{named} do not match their checksums"
        yield "  they are not used: segments of documents that only they lead to are asked for again"
    yield from verdict.pages[:SHOWN]
    if verdict.unreadable or verdict.pages:
        yield "  put back a copy (remove journal.sqlite-wal and -shm first), or save what can be read:"
        yield "  sqlite3 journal.sqlite .recover"


for _command in (forget, restore, verify):
    app.command(short_help=common.first_sentence(_command))(_command)
