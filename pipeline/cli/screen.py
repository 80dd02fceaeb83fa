"""What a person sees while a run goes on: a live display on a terminal, plain lines in a pipe.

Whatever comes from a model, a server or a cell is shown as text: control characters and escape codes
become visible, and nothing is read as markup. Everything here goes to standard error.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pipeline.core.display import clock, dollars, safe_text
from pipeline.core.progress import Progress

if TYPE_CHECKING:
    from rich.console import Group

PLAIN_SECONDS = 10.0


class Screen:
    """Shows a progress while it changes, and sentences as they come."""

    def __init__(self, name: str, progress: Progress) -> None:
        self.name = safe_text(name)
        self.progress = progress
        self._lock = threading.Lock()

    def say(self, sentence: str) -> None:
        """Print one line for the reader; a closed stream is no error."""
        with self._lock, suppress(OSError):
            print(safe_text(sentence), file=sys.stderr, flush=True)

    @contextmanager
    def shown(self) -> Iterator[Screen]:
        """The display, for as long as the run lasts."""
        if sys.stderr.isatty():
            with self._live():
                yield self
            return
        stopped = threading.Event()
        thread = threading.Thread(target=self._plain, args=(stopped,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            stopped.set()
            thread.join()

    def _plain(self, stopped: threading.Event) -> None:
        while not stopped.wait(PLAIN_SECONDS):
            error = f"; last error: {self.progress.last_error[:200]}" if self.progress.last_error else ""
            self.say(f"{self.name}: {self.numbers()}; {self.speed()}{error}")

    @contextmanager
    def _live(self) -> Iterator[None]:
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True, markup=False, highlight=False, emoji=False)
        with Live(
            get_renderable=self._picture,
            console=console,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=True,
        ):
            yield

    def numbers(self) -> str:
        """Rows done, failed and left."""
        t = self.progress
        left = f", {max(t.rows_expected - t.rows, 0):,} left" if t.phase in ("asking", "stopping") else ""
        return f"{t.phase}: {t.ok + t.skipped:,} done, {t.failed:,} failed{left}"

    def speed(self) -> str:
        """Requests per second, tokens, what is in flight, and when it will be over."""
        t, seconds = self.progress, max(time.monotonic() - self.progress.since, 1e-3)
        if t.phase not in ("asking", "stopping"):
            return f"{t.rows / seconds:,.0f} rows/s"
        eta = ""
        new = t.rows - t.rows_before
        if new > 0 and t.rows < t.rows_expected:
            eta = f", ETA {clock((t.rows_expected - t.rows) * seconds / new)}"
        cost = f", {dollars(t.cost / 1e9)}" if t.cost else ""
        tokens = f"{t.input_tokens:,} + {t.output_tokens:,} tokens in + out{cost}"
        waiting = f", {t.waiting} waiting to retry" if t.waiting else ""
        holding = t.notice or (t.binding if t.binding != "tail" else "")
        held = f", held up by {holding}" if holding else ""
        rate = f"{t.answered / seconds:,.1f} requests/s, {t.in_flight} in flight"
        return f"{rate}{waiting}{held}, {tokens}{eta}"

    def _picture(self) -> Group:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        t = self.progress
        top = Table.grid(padding=(0, 1))
        bar = ProgressBar(
            total=max(t.rows_expected, 1),
            completed=min(t.rows, t.rows_expected),
            width=32,
            complete_style="green",
        )
        top.add_row(Text(self.name, style="bold"), bar, Text(safe_text(self.numbers())))
        lines: list[Table | Text] = [top, Text("  " + safe_text(self.speed()), style="dim")]
        if t.last_error:
            lines.append(Text("  last error: " + safe_text(t.last_error)[:200], style="red"))
        return Group(*lines)
