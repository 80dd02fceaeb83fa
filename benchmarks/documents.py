"""Documents: how fast pages are taken apart and put together, and how long a plan of a thousand takes.

The yardstick of the first is the parser alone, the yardstick of the second is reading the same documents in
one process. The pages are those of `pages/`, and the real ones that `make compat` leaves in `.real-files/`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyromark

from benchmarks.workload import ROOT, figure, machine, median, note, used
from pipeline.core.document import EVERYTHING
from pipeline.translation.formats import read_document

PAGES = Path(__file__).parent / "pages"
RUNS, LEAST, LEAST_BYTES = 3, 5.0, 1_000_000
DOCUMENTS, EACH, MOST_SECONDS = 1000, 10_000, 20.0
OPTIONS = (
    pyromark.Options.ENABLE_TABLES
    | pyromark.Options.ENABLE_FOOTNOTES
    | pyromark.Options.ENABLE_TASKLISTS
    | pyromark.Options.ENABLE_STRIKETHROUGH
    | pyromark.Options.ENABLE_MATH
    | pyromark.Options.ENABLE_YAML_STYLE_METADATA_BLOCKS
)


def main() -> None:
    """Measure both."""
    own = [path.read_bytes() for path in sorted(PAGES.glob("*.md"))]
    _speed("own pages", own * (LEAST_BYTES // sum(map(len, own))))
    real = [path.read_bytes() for path in sorted((ROOT / ".real-files").rglob("*.md"))]
    if real:
        _speed(f"{len(real)} real pages", [page for page in real if _is_utf8(page)])
    else:
        note("documents", "there are no real pages here: `make compat` fetches them")
    _plan(own)


def _speed(what: str, pages: Sequence[bytes]) -> None:
    size = sum(map(len, pages)) / 1e6
    rates, times = [], []
    for _ in range(RUNS):
        parser = _seconds(_parsed, pages)
        ours = _seconds(_rebuilt, pages)
        rates.append(size / ours)
        times.append(ours / parser)
    note("documents", f"{what}: {size:.1f} MB, {median(times):.1f} times the parser alone")
    rate = median(rates)
    figure(
        "documents", f"{what}, apart and together", f"{rate:.1f} MB/s", f">= {LEAST:g} MB/s", rate >= LEAST
    )


def _seconds(work: Callable[[bytes], None], pages: Sequence[bytes]) -> float:
    began = time.process_time()
    for page in pages:
        work(page)
    return time.process_time() - began


def _parsed(page: bytes) -> None:
    list(pyromark.events_with_range(page.decode("utf-8-sig"), options=OPTIONS))


def _rebuilt(page: bytes) -> None:
    document = read_document("page.md", page, EVERYTHING)
    assert document.build([segment.text for segment in document.segments]) == page


def _is_utf8(page: bytes) -> bool:
    try:
        page.decode()
    except UnicodeDecodeError:
        return False
    return True


def _plan(pages: Sequence[bytes]) -> None:
    """`pipeline translate --plan` over a thousand documents, no two of them alike."""
    with tempfile.TemporaryDirectory() as name:
        docs = Path(name) / "docs"
        docs.mkdir()
        text = b"\n\n".join(page.removeprefix(b"\xef\xbb\xbf") for page in pages).replace(b"---\n", b"")
        long = (text * (EACH // len(text) + 1))[:EACH].decode(errors="ignore").encode()
        documents = [long.replace("。".encode(), f" {i}。".encode()) for i in range(DOCUMENTS)]
        for i, document in enumerate(documents):
            (docs / f"{i:04}.md").write_bytes(document)
        asked = ("--from", "zh", "--to", "en", "--model", "gpt-5-mini", "--plan")
        plan = used("-m", "pipeline", "translate", str(docs), *asked)
    reading = _seconds(_rebuilt, documents)
    times = plan.cpu / reading
    note("documents", f"a plan of {DOCUMENTS}: {plan.cpu:.1f} s CPU, {times:.1f} times reading them alone")
    met = plan.wall <= MOST_SECONDS
    figure(
        "documents", f"plan of {DOCUMENTS}, 10 KB each", f"{plan.wall:.1f} s", f"<= {MOST_SECONDS:g} s", met
    )


if __name__ == "__main__":
    main()
    note("documents", machine())
