"""A finished job run again with five checks, and without any: 100,000 posts of some 500 characters.

The checks run again on every replay. The posts are 500 different ones, so no cache of a few texts helps.
"""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path

from benchmarks.workload import figure, machine, measured, median, note

ROWS, POSTS, RUNS = 100_000, 500, 3
LEAST_RATE = 3_000
CHECKS = {
    "length": {"min": 40, "max": 300, "unit": "words"},
    "language": "en",
    "refusal": True,
    "repetition": {"phrases": 0.5},  # sentences from a few parts repeat more than people do
    "numbers": True,
}
_SUBJECTS = ("the harbour", "an old bridge", "our bakery", "this garden", "the last tram", "a small library")
_PLACES = ("near the river", "behind the church", "on the hill", "by the station", "at the end of the road")
_VERBS = ("opens before sunrise", "keeps its own hours", "was built by hand", "smells of rain")
_WHO = (
    "the baker",
    "my aunt",
    "a sailor",
    "the teacher",
    "our driver",
    "one farmer",
    "the mayor",
    "a painter",
)
_SAY = (
    "tells us that",
    "has always known why",
    "once wrote down how",
    "never understood when",
    "likes it that",
)
_ENDS = (
    "and nobody minds the wait",
    "because people asked for it",
    "which surprises every visitor",
    "so bring a friend and some time",
    "although the sign says otherwise",
    "while the kettle sings",
)


def post(chance: random.Random) -> str:
    """Sentences that differ, about 500 characters."""
    sentences: list[str] = []
    while sum(map(len, sentences)) < 480:
        parts = [
            chance.choice(_SUBJECTS),
            chance.choice(_PLACES),
            chance.choice(_VERBS),
            chance.choice(_ENDS),
        ]
        told = [chance.choice(_WHO), chance.choice(_SAY)]
        sentences.append(" ".join([*told, *parts][chance.randrange(3) :]).capitalize() + ". ")
    return "".join(dict.fromkeys(sentences)).strip()


def job(folder: Path) -> Path:
    """The job over so many rows; each row names its post."""
    chance = random.Random(11)
    (folder / "rows.csv").write_text(
        "id,kind\n" + "".join(f"{i:06},kind{i % POSTS:03}\n" for i in range(ROWS))
    )
    written = {
        "name": "posts",
        "records": {"from": "rows.csv", "key": "id"},
        "models": {
            "writer": {
                "provider": "scripted",
                "model": "m",
                "limits": {"concurrency": 256},
                "options": {"answer": {f"kind{i:03}": post(chance) for i in range(POSTS)}},
            }
        },
        "steps": [{"name": "post", "prompt": "Row {{ id }}: write about {{ kind }}"}],
        "output": {"to": "output/posts/posts.csv"},
    }
    file = folder / "job.yaml"
    file.write_text(json.dumps(written))
    return file


def main() -> None:
    """Fill, replay without and with checks, print rows per second."""
    with tempfile.TemporaryDirectory() as name:
        file = str(job(Path(name)))
        measured("benchmarks.ours", file)
        rates = {}
        for what, change in (("no check", "steps.post.checks={}"), ("five checks", _set())):
            runs = [measured("benchmarks.ours", file, change) for _ in range(RUNS)]
            assert all(run["ok"] == ROWS and run["sent"] == 0 for run in runs)
            rates[what] = median([ROWS / run["wall"] for run in runs])
        note("checks", f"{rates['no check']:,.0f} rows/s without checks")
        rate = rates["five checks"]
        what = f"rows/s replayed with {', '.join(CHECKS)}"
        figure("checks", what, f"{rate:,.0f}", f">= {LEAST_RATE:,}", rate >= LEAST_RATE)


def _set() -> str:
    return f"steps.post.checks={json.dumps(CHECKS)}"


if __name__ == "__main__":
    main()
    note("checks", machine())
