"""No reply fills the memory, however it is packed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from pipeline.testing import Rule, Script
from tests.support import ROOT
from tests.support.broken_http import breaking
from tests.support.server import serve

MIB = 1 << 20
MOST_GROWTH = 64 * MIB
PAD = "a" * 8_200_000
BOMBS: dict[str, tuple[Rule | None, str]] = {  # prompt -> rule (None: a break), and the kind it comes to
    "ten gigabytes": (Rule(every=1, fault="huge", bytes=10**10), "too_large"),
    "<gzip_bomb>": (None, "too_large"),
    "<endless_headers>": (None, "unreadable"),
    "<long_header>": (None, "unreadable"),
    "just below the cap": (Rule(every=1, fault="huge", bytes=8 << 20), ""),
    "wide characters": (
        Rule(
            every=1,
            fault="body",
            body=f'{{"choices":[{{"message":{{"content":"\U0001f600{PAD}"}},"finish_reason":"stop"}}]}}',
        ),
        "",
    ),
    "broken off at its end": (
        Rule(every=1, fault="body", body=f'{{"choices":[{{"message":{{"content":"\U0001f600{PAD}"'),
        "unreadable",
    ),
    "a million lists": (Rule(every=1, fault="body", body=f'{{"a":[{"[]," * 2_700_000}[]]}}'), "unreadable"),
    "many small objects": (
        Rule(
            every=1,
            fault="body",
            body=f'{{"choices":[{{"message":{{"content":"x"}}}}],"a":[{"{}," * 190_000}[]]}}',
        ),
        "",
    ),
    "eight million levels": (Rule(every=1, fault="body", body="[" * 8_000_000), "unreadable"),
    "eight million digits": (Rule(every=1, fault="body", body=f'{{"a":{"9" * 8_000_000}}}'), "unreadable"),
    "a refusal without end": (Rule(every=1, fault="bad_request", message="x" * 3_000_000), "bad_request"),
}
MANY = ("ten gigabytes x 64", "<gzip_bomb> x 64")


def test_no_reply_fills_the_memory_and_what_fits_is_kept(tmp_path: Path) -> None:
    rules = tuple(
        rule.model_copy(update={"match": prompt, "every": None})
        for prompt, (rule, _) in BOMBS.items()
        if rule
    )
    with serve(Script(faults=rules), serving=breaking) as server:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.support.reply_bombs",
                server.base_url,
                str(tmp_path),
                "chat",
                *BOMBS,
                *MANY,
            ],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=250,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["times"] for line in lines] == [1] * (1 + len(BOMBS)) + [64] * len(MANY)
    for line in lines[1:]:
        rule, kind = BOMBS[line["prompt"]]
        assert line["kind"] == kind, line
        # each of those at once has buffers of its own, and how the allocator packs them is its own affair
        assert line["grown"] < (MOST_GROWTH if line["times"] == 1 else 1.5 * MOST_GROWTH), line
        if rule and rule.fault == "body":
            assert line["kept"] == len((rule.body or "").encode()), line
