"""How many wrong translations a judge finds, and how many good ones it rejects: for any model.

Nothing is promised here: the figures are those of the model that `BENCH_JUDGE` names, and of the data in the
folder that `BENCH_JUDGE_DATA` names (`demetr.jsonl`, human translations with planted faults;
`ted-zh-en.tsv`, systems' translations that professionals marked). `BENCH_JUDGE_URL` is its address,
`BENCH_JUDGE_KEY` the NAME of the variable that holds its key, `BENCH_JUDGE_ROWS` how many good texts and how
many wrong ones of each set are judged. Without a model or data nothing is sent. There is no journal here:
measuring again is paid for again.
"""

from __future__ import annotations

import csv
import json
import os
import random
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import anyio

from benchmarks.workload import note
from pipeline.answers.asked.judge import Judge, Options
from pipeline.answers.checking import written_of
from pipeline.core import adapters
from pipeline.core.domain import Call, Fault
from pipeline.job.load import load

SEED, USUAL_ROWS, AT_ONCE = 7, 60, 8
CRITERION = (
    "It is a faithful translation of what was given: nothing is left out, added, changed or left "
    "untranslated, and it is a correct English text."
)
_MARK = re.compile(r"</?v>")


class Text(NamedTuple):
    """A translation, and what is wrong with it; '' for nothing."""

    source: str
    target: str
    fault: str


def main() -> None:
    """Judge a sample of both sets, print shares."""
    model, folder = os.environ.get("BENCH_JUDGE", ""), os.environ.get("BENCH_JUDGE_DATA", "")
    if not model:
        note("judge", "skipped: BENCH_JUDGE names no model")
        return
    sets = {"planted": Path(folder, "demetr.jsonl"), "marked": Path(folder, "ted-zh-en.tsv")}
    if not folder or not all(path.exists() for path in sets.values()):
        note("judge", "skipped: BENCH_JUDGE_DATA names no folder with demetr.jsonl and ted-zh-en.tsv")
        return
    rows = int(os.environ.get("BENCH_JUDGE_ROWS", USUAL_ROWS))
    read = {"planted": planted, "marked": marked}
    for name, path in sets.items():
        groups: dict[bool, list[Text]] = defaultdict(list)
        for text in read[name](path):
            groups[bool(text.fault)].append(text)
        chance = random.Random(SEED)
        drawn = [one for group in groups.values() for one in chance.sample(group, min(rows, len(group)))]
        report(name, model, drawn, anyio.run(judged, model, drawn))


def planted(path: Path) -> Iterator[Text]:
    """Human translations, and the same with a serious fault."""
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        yield Text(row["source"], row["human"], "")
        for kind, text in row["perturbed"].items():
            if kind.startswith(("critical", "major")):
                yield Text(row["source"], text, kind.partition(" ")[2])


def marked(path: Path) -> Iterator[Text]:
    """Translations that a professional found clean, and those with a major error of meaning."""
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            category, target = row["category"], _MARK.sub("", row["target"])
            if category == "No-error":
                yield Text(row["source"], target, "")
            elif category.startswith("Accuracy") and row["severity"] == "Major":
                yield Text(row["source"], target, category.partition("/")[2])


async def judged(model: str, texts: list[Text]) -> list[bool | None]:
    """Whether each is rejected; None where it could not be judged."""
    found: list[bool | None] = [None] * len(texts)
    options = Options(model="critic", criteria={"faithful": CRITERION})
    with tempfile.TemporaryDirectory() as folder:
        critic = {"model": model, "base_url": os.environ.get("BENCH_JUDGE_URL", "")}
        critic["api_key_env"] = os.environ.get("BENCH_JUDGE_KEY", "")
        job = {"name": "judge", "records": {"from": "x.csv"}, "models": {"critic": critic}}
        file = Path(folder, "job.yaml")
        file.write_text(json.dumps({**job, "steps": [{"name": "x", "prompt": "x"}]}))
        chain = tuple(load(file).chain("critic").values())
    judge, room = Judge("judge", options, {"critic": chain}), anyio.Semaphore(AT_ONCE)

    async def one(place: int, call: Call) -> None:
        text = texts[place]
        async with room:
            try:
                said, _ = await judge.complaint(
                    written_of(text.target, {}, text.source), options, str(place), call
                )
            except Fault as fault:
                note("judge", f"not judged: {fault}")
            else:
                found[place] = said is not None

    provider = adapters.load("providers", chain[0].provider)
    async with provider.connect(chain[0]) as call, anyio.create_task_group() as group:
        for place in range(len(texts)):
            group.start_soon(one, place, call)
    return found


def report(name: str, model: str, texts: list[Text], found: list[bool | None]) -> None:
    """Print the shares of what was judged, by kind of fault."""
    kinds: dict[str, list[bool]] = defaultdict(list)
    for text, rejected in zip(texts, found, strict=True):
        if rejected is not None:
            kinds[text.fault].append(rejected)
    good = kinds.pop("", [])
    wrong = [one for group in kinds.values() for one in group]
    note("judge", f"{model}, {name} faults: {_share(wrong)} found, {_share(good)} of the good ones rejected")
    for kind, group in sorted(kinds.items()):
        note("judge", f"  {kind:28} {_share(group)}")
    if lost := found.count(None):
        note("judge", f"  {lost} of {len(found)} texts could not be judged")


def _share(group: list[bool]) -> str:
    return f"{sum(group)} of {len(group)} ({sum(group) / len(group):.0%})" if group else "none"


if __name__ == "__main__":
    main()
