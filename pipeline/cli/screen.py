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

from pipeline.core.display import clock, dollars, pace, safe_text
from pipeline.core.progress import Progress

if TYPE_CHECKING:
    from rich.console import Group

PLAIN_SECONDS = 10.0
BAR = 32  # columns of the bar on a wide terminal
SENDING = ("asking", "stopping")  # phases in which requests are sent and answered
WRITING = "writing"  # the phase in which all is answered


class Screen:
    """Shows a progress while it changes, and sentences as they come."""

    def __init__(self, name: str, progress: Progress, end: str = "") -> None:
        self.name = safe_text(name)
        self.progress = progress
        self.end = f", ends at {end}" if end else ""
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
            error = f"; last error: {self._trouble()}" if self._trouble() else ""
            self.say(f"{self.name}: {self.numbers()}; {self.speed()}{error}")

    def _trouble(self) -> str:
        """The last error that still matters; none while a person has paused the run."""
        return "" if self.progress.notice else safe_text(self.progress.trouble)[:200]

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
        if t.phase == WRITING:
            return f"{WRITING}: {t.rows:,} of {t.rows_expected:,} rows"
        done = t.ok + t.skipped + t.failed  # a row that waits for a batch is not done
        left = f", {max(t.rows_expected - done, 0):,} left" if t.phase in SENDING else ""
        return f"{t.notice or t.phase}: {t.ok + t.skipped:,} done, {t.failed:,} failed{left}"

    def speed(self) -> str:
        """How fast it goes and when it will be over, or what it waits for; what is in flight; the tokens."""
        t, seconds = self.progress, max(time.monotonic() - self.progress.since, 1e-3)
        if t.phase not in SENDING:
            return f"{t.rows / seconds:,.0f} rows/s"
        waiting = f", {t.waiting} waiting to retry" if t.waiting else ""
        cost = f", {dollars(t.cost / 1e9)}" if t.cost else ""
        tokens = f"{t.input_tokens:,} + {t.output_tokens:,} tokens in + out{cost}"
        return f"{self._going(seconds)}{t.in_flight} in flight{waiting}, {tokens}{self.end}"

    def _going(self, seconds: float) -> str:
        t = self.progress
        if t.notice:
            return ""  # it is the first word of the line above
        if t.waits:
            return f"{t.waits}, "
        done, expected, new = t.work
        eta = ""
        if new > 0 and done < expected and t.phase == "asking":
            eta = f", ETA {clock((expected - done) * seconds / new)}"
        held = f", held up by {t.binding}" if t.binding else ""
        return f"{pace(t.answered, seconds)}{eta}{held}, "

    def _picture(self) -> Group:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Column, Table
        from rich.text import Text

        t = self.progress
        top = Table.grid(Column(no_wrap=True), Column(max_width=BAR), Column(no_wrap=True), padding=(0, 1))
        done, expected, _ = t.work
        total = max(expected, 1)
        done = total if t.phase == WRITING else min(done, total)
        bar = ProgressBar(total=total, completed=done, complete_style="green", finished_style="green")
        top.add_row(Text(self.name, style="bold"), bar, Text(safe_text(self.numbers())))
        lines: list[Table | Text] = [top, Text("  " + safe_text(self.speed()), style="dim")]
        if error := self._trouble():
            lines.append(Text(f"  last error: {error}", style="red"))
        return Group(*lines)
