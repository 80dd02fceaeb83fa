"""Writes the accepted answers of a step into files for fine-tuning. Nothing is sent.

This module does not know what such a file looks like.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import partial

from pipeline.core.display import counted
from pipeline.job.spec import Job
from pipeline.journal import recall
from pipeline.journal.journal import Journal
from pipeline.records.documents import Documents
from pipeline.records.opening import Rows
from pipeline.runs.crowd.rounds import Rounds
from pipeline.runs.run import refuse_damaged
from pipeline.runs.session import OWN_NAMES, Session
from pipeline.runs.tuning.examples import Examples, step_index
from pipeline.runs.tuning.files import FEWEST, Handed, Wanted, refuse_path, write


async def hand_on_async(
    job: Job, step: str, wishes: Sequence[Wanted], records: Rows | None = None
) -> list[Handed]:
    """Write each of the files that are wished for; `step` may be '' where the job has one.

    Raises `JobError` where no example can be written, and `DiskError` at a damaged answer.
    """
    step = job.steps[step_index(job, step)].name
    session = Session.open(job, records)
    taken = [job.file, *job.targets, *(job.file.parent / name for name in job.files)]
    taken += [job.folder / name for name in OWN_NAMES]
    if not isinstance(session.source, Documents) and session.source.path:
        taken.append(session.source.path)
    for wanted in wishes:
        for path in wanted.paths:
            refuse_path(path, taken)
        taken += wanted.paths
    handed = []
    with closing(Journal.read_only(job.folder / "journal.sqlite")) as journal:
        journal.on_damage = partial(refuse_damaged, journal.path)
        await Rounds.of(session, ()).follow(recall.knowing(journal))
        for wanted in wishes:
            examples = Examples(session, step, recall.knowing(journal))
            handed.append(write(examples, wanted, examples.model, job.folder))
            handed[-1].unanswered = examples.missing
    return handed


def warnings_of(handed: Handed) -> list[str]:
    """What is likely to be a mistake."""
    examples = counted(handed.training, "example")
    few = f"only {examples} for training: OpenAI takes no fewer than {FEWEST}"
    return [few] if handed.training < FEWEST else []
