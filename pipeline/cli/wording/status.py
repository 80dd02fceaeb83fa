"""The state of a job, and of its live run, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.cli.wording._base import of_told, table
from pipeline.core.display import counted, dollars, safe_text


def of_status(standing: Mapping[str, Any]) -> Iterator[str]:
    """The lines for the state of a job."""
    run = standing["run"]
    state = f", {run['phase']}" if standing["running"] and run else ""
    running = f"running ({standing['running']}){state}" if standing["running"] else "not running"
    last = standing["last_run"] or "none"
    why = f" ({run['stopped'].removeprefix(f'{last}: ')})" if run.get("stopped") else ""
    yield safe_text(f"{standing['job']}: {running}; last run: {last}{why}")
    if (rows := run.get("rows")) and run["phase"] != "cancelled":  # nothing was looked up
        done = {name: rows[name] for name in ("ok", "failed", "skipped")}
        done["pending"] = max(rows["expected"] - sum(done.values()), 0)
        said = [f"{count:,} {name}" for name, count in done.items() if count]
        yield f"rows: {', '.join(said) or 'none done'}{_of(rows['expected'])}{_part(run)}"
    yield from _batches(standing["batches"])
    if not standing["steps"]:
        yield from _of_run(standing["run"], live=standing["running"])
        return
    yield from _steps(standing)
    without = standing["unpriced"]
    unpriced = f"; the price of {counted(without, 'answer')} is not known" if without else ""
    most = standing["maybe_cost"]
    maybe = f"; at most {dollars(most)} more may have been billed" if most else ""
    spent = dollars(standing["cost"] or (None if without else 0.0))
    yield f"spent in all runs: {spent}{maybe}{unpriced}"
    yield ""
    tries = [(*row.values(),) for row in standing["attempts"]]
    rows = [(step, end, billed, f"{count:,}", f"{mean:.2f}") for step, end, billed, count, mean in tries]
    yield from table(("step", "outcome", "billed", "attempts", "mean s"), rows)
    yield from _of_run(standing["run"], live=standing["running"])


def _batches(all_of: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Those that are under way, one line each, and how many have ended."""
    if ended := Counter(
        one["status"] or one["state"] for one in all_of if one["state"] in ("ended", "refused")
    ):
        yield safe_text("batches: " + ", ".join(f"{count:,} {word}" for word, count in ended.items()))
    for one in all_of:
        if one["state"] not in ("ended", "refused"):
            stands = one["status"] or "not submitted yet"
            failed = f", {one['failed']:,} failed" if one["failed"] else ""
            left = "; nothing waits for it" if one["state"] == "left" else ""
            done = f"{one['done']:,} of {counted(one['total'], 'request')} done"
            yield safe_text(f"batch {one['id'] or '(no id)'} ({one['name']}): {stands}, {done}{failed}{left}")


def _part(run: Mapping[str, Any]) -> str:
    """Which part of the records is meant, where it is only a part."""
    return f"; only {run['chosen']}" if run.get("chosen") else ""


def _of(expected: int) -> str:
    return f" of {expected:,}" if expected else ""  # a run that looks its rows up has not counted them


_SELDOM = ("cached", "reasoning")  # columns that are left out where there is nothing in them


def _steps(standing: Mapping[str, Any]) -> Iterator[str]:
    rows = []
    for row in standing["steps"]:
        latency = standing["latency"].get(row["step"], {}) if row["answered"] else {}
        speed = " / ".join(f"{seconds:.2f}" for seconds in latency.values())
        tokens = (f"{row['input']:,}", f"{row['cached']:,}", f"{row['output']:,}", f"{row['reasoning']:,}")
        priced = "not known" if row["unpriced"] else dollars(row["cost"])
        rows.append((row["step"], row["model"], f"{row['answered']:,}", *tokens, priced, speed))
    head = ("step", "model", "answered", "tokens in", "cached", "out", "reasoning", "cost", "s p50/95/99")
    kept = [i for i, name in enumerate(head) if name not in _SELDOM or any(row[i] != "0" for row in rows)]
    yield from table([head[i] for i in kept], [[row[i] for i in kept] for row in rows])
    if any(row[-1] for row in rows):
        yield "s p50/95/99: half, 95% and 99% of the answers came within so many seconds"


def of_live(run: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a live run's state."""
    rows, asked, tokens = run["rows"], run["requests"], run["tokens"]
    done = rows["ok"] + rows["skipped"]
    yield f"{run['phase']}: {done:,}{_of(rows['expected'])} rows done, {rows['failed']:,} failed"
    waiting = f", {asked['retrying']:,} wait to try again" if asked["retrying"] else ""
    sent = f"{counted(asked['sent'], 'request')} sent, {asked['answered']:,} answered"
    yield f"{sent}, {asked['in_flight']:,} in flight{waiting}"
    cost = f", {dollars(run['cost'])}" if run["cost"] else ""
    yield f"this run: {tokens['input']:,} + {tokens['output']:,} tokens in + out{cost}"
    if run["faults"]:
        faults = ", ".join(f"{count:,} {kind}" for kind, count in run["faults"].items())
        yield safe_text(f"faults: {faults}; the last: {run['last_error']}")
    for name, found in (("latency", run["latency"]), ("wait for a turn", run.get("wait", {}))):
        if found:
            yield f"{name}, seconds: " + ", ".join(f"{share} {value:.2f}" for share, value in found.items())
    yield from _of_run(run)


def _of_run(run: Mapping[str, Any], *, live: bool = True) -> Iterator[str]:
    """What the live run, or the last one, was held up by."""
    if run.get("waits"):
        yield safe_text(run["waits"])
    for lane in run.get("lanes", ()):
        found = " (found)" if lane["found_rpm"] else ""
        used = [f"{name} {lane['used'][name]:.0%} of {limit:,}" for name, limit in lane["limits"].items()]
        used = [f"{text}{found}" if text.startswith("rpm") else text for text in used]
        said = [f"{lane['in_flight']} in flight of {lane['concurrency']}, {lane['waiting']} waiting"]
        state = [lane["state"]] if lane["state"] else []
        if parts := [*state, *(said if live else []), *used]:
            yield safe_text(f"{lane['name']}: {', '.join(parts)}")
    if run.get("advice"):
        yield safe_text(f"held up by {run['advice']}")
    yield from of_told(run.get("told", {}))
    for remark, count in run.get("remarks", {}).items():
        yield safe_text(f"odd: {remark} ({counted(count, 'time')})")
