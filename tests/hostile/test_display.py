"""What a model, a server or a cell says is shown as text: it moves no terminal and is no markup."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pipeline.cli.screen import Screen
from pipeline.core.display import safe_text
from pipeline.core.progress import Progress
from pipeline.testing import Rule, Script
from tests.support.project import Project
from tests.support.server import serve
from tests.support.terminal import on_screen

EVIL = "\x1b]0;owned\x07\x1b[66;66H\r\b\x9b31m[/nope][link=http://evil.example]x[/link][bold]\u202e\u2028y"
RICH = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""what the display itself sends: colours, and where the cursor goes"""


def assert_harmless(shown: bytes) -> None:
    """Whether nothing went to a terminal but text and the display's own movements."""
    text = shown.decode()
    assert "\x1b[66;66H" not in text and "\x1b]" not in text
    left = RICH.sub("", text)
    found = {c for c in left if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - set("\n\r\t")
    assert not found, [hex(ord(c)) for c in found]


def in_terminal(project: Project, *arguments: str) -> tuple[int, bytes]:
    env = {**project.environment(), "TERM": "xterm-256color"}
    return on_screen(project.command(*arguments), project.folder, env, {})


def completion(message: dict[str, str | None], finish_reason: str = "stop") -> str:
    """A chat completion in a name that is hostile, too."""
    return json.dumps({"model": EVIL, "choices": [{"message": message, "finish_reason": finish_reason}]})


HOSTILE = (
    Rule(match="refusal", fault="body", body=completion({"content": None, "refusal": EVIL})),
    Rule(match="error", fault="bad_request", message=EVIL, code=EVIL),
    Rule(match="finish", fault="body", body=completion({"content": "a"}, EVIL)),
    Rule(match="inside", fault="error_body", message=EVIL, code=EVIL),
    Rule(match="answer", fault="body", body=completion({"content": EVIL})),
)
KINDS = [str(rule.match) for rule in HOSTILE]


def test_nothing_that_is_said_moves_the_terminal(project: Project) -> None:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([["sku", "title"], *([f"{n}{EVIL}", kind + EVIL] for n, kind in enumerate(KINDS))])
    limits = {"concurrency": 4, "retries": 0, "maybe_billed_retries": 0, "timeout": 20}
    with serve(Script(faults=HOSTILE, latency=0.4)) as server:
        project.job(server.base_url, records=file.getvalue(), max_failed=1)
        code, shown = in_terminal(
            project, "run", "job.yaml", "--set", f"models.writer.limits={json.dumps(limits)}"
        )
    assert code == 3, shown.decode()
    assert_harmless(shown)
    assert b"\x1b[" in shown, "there was a display"
    for command in ("status", "show"):
        code, shown = in_terminal(project, command, "job.yaml")
        assert code == 0
        assert_harmless(shown)
        assert b"\\x1b[66;66H" in shown, "what was said is there, made visible"
    for line in (project.folder / "output/shop/events.jsonl").read_bytes().splitlines():
        json.loads(line)
        assert not any(byte < 0x20 for byte in line)


def test_what_stops_a_run_is_said_in_lines_of_our_own(project: Project) -> None:
    with serve(
        Script(faults=(Rule(every=1, fault="not_found", message=f"{EVIL}\nerror: forged"),))
    ) as server:
        project.job(server.base_url)
        code, shown = in_terminal(project, "run", "job.yaml")
    assert code == 75
    assert_harmless(shown)
    lines = [RICH.sub("", line).strip() for line in shown.decode().splitlines()]
    assert not any(line.startswith("error: forged") for line in lines)


def test_the_display_takes_nothing_for_markup() -> None:
    progress = Progress(phase="asking", last_failure=EVIL, waits=EVIL, binding=EVIL, rows_expected=3)
    screen = Screen(EVIL, progress)
    file = io.StringIO()
    Console(file=file, force_terminal=True, markup=False, width=200).print(screen._picture())
    assert_harmless(file.getvalue().encode())
    assert "[/nope]" in file.getvalue()


@given(st.text())
def test_a_safe_text_is_one_line_of_visible_characters(text: str) -> None:
    safe = safe_text(text)
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for c in safe)
    assert safe_text(safe) == safe and len(safe.splitlines()) <= 1


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"])))
def test_what_is_visible_is_not_changed(text: str) -> None:
    assert safe_text(text) == text
