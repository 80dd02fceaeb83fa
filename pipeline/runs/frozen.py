"""Whether the translated documents are what a run would write now: for a check before a merge.

Nothing is sent, and nothing is written: the journal and the tree are read. This module prints nothing.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field

from pipeline.core.errors import OK, ROWS_FAILED, JobError
from pipeline.core.progress import Progress
from pipeline.engine.in_order import InOrder
from pipeline.engine.walk import Branch
from pipeline.job.spec import Job
from pipeline.journal import recall
from pipeline.journal.journal import Journal
from pipeline.output.translated.filing import Filing
from pipeline.output.translated.tree import Tree
from pipeline.records.documents import Documents
from pipeline.runs.session import Session

NOT_YET = "not translated yet"
SOME_NOT_YET = "some of its texts are not translated yet"


@dataclass(frozen=True)
class Frozen:
    """What a run would change in the tree."""

    documents: int
    stale: dict[str, str] = field(default_factory=dict)
    """files of the tree, and why they are not as a run would leave them"""

    @property
    def exit_code(self) -> int:
        """3 where something is stale, else 0."""
        return ROWS_FAILED if self.stale else OK


async def frozen_async(job: Job) -> Frozen:
    """Compare the tree with what a run would write. `JobError` for a job that translates no documents."""
    session = Session.open(job)
    tree, source = session.tree, session.source
    if tree is None or not isinstance(source, Documents):
        what = "works for jobs that translate documents, and this one writes a table"
        raise JobError(what, where="--frozen", hint="`pipeline plan` says what a run would send")
    if not tree.folder.is_dir() or not (job.folder / "journal.sqlite").exists():
        paths = (path for record in source.known() for path in tree.paths(record.fields))
        return Frozen(source.total(), dict.fromkeys(paths, NOT_YET))
    with (
        closing(Journal.read_only(job.folder / "journal.sqlite")) as journal,
        Filing(job, tree, source, session.policy, writes=False) as filing,
    ):
        stale = await _compared(session, tree, filing, journal)
        stale |= dict.fromkeys(filing.left_over(), "belongs to no document any more")
    return Frozen(source.total(), stale)


async def _compared(session: Session, tree: Tree, filing: Filing, journal: Journal) -> dict[str, str]:
    stale: dict[str, str] = {}
    walks = InOrder(session.stages, recall.exporting(journal, Progress(), given_up=True))
    async for leaves in walks.rows(session.source.batches()):
        for leaf in filing.settled(leaves):
            path, differs = filing.compared(leaf)
            if why := _why(leaf, differs, (tree.folder / path).exists()):
                stale[path] = why
    return stale


def _why(leaf: Branch, differs: bool, there: bool) -> str:
    if leaf.status == "pending":
        return SOME_NOT_YET if there else NOT_YET
    if leaf.fault is not None:
        return str(leaf.fault)
    return "not as it would be written now" if differs else ""
