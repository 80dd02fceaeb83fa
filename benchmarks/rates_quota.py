"""Rates against limits: one that nobody has told us, and two that the job names.

A limit of 1,200 requests a minute with a burst of 20 lets 600 requests through in 29 s and the latency
of the last one: 31 s leave two for finding out.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from math import exp, log
from pathlib import Path
from random import Random
from statistics import fmean, median

import orjson

from benchmarks.rates_workload import (
    LOREM,
    MINUTE,
    Bench,
    Traffic,
    explain,
    held,
    model,
    plain,
    ran,
    saw,
    serving,
    texts,
)
from pipeline.testing import Latency, Quota, Rule, Script

ROWS, RPM, BURST = 600, 1200, 20
LATENCIES = (0.1, 1.0)
MOST_REFUSED, MOST_SECONDS = 60, 31.0
PLAIN_IN_FLIGHT = 50

STRAY_SHARE, STRAY_ROWS, STRAY_AT_ONCE, STRAY_SECONDS = 0.02, 6000, 20, 20.0
LEAST_KEPT = 0.5

SHORTEST, LONGEST = 50, 8000
"""tokens of a prompt; their logarithms are spread evenly"""
SIZES = [round(20 * 1.3**i) for i in range(16)]
"""tokens of an answer; the prompt says which, and the client cannot know"""
LEAST_USED, MOST_REFUSED_SHARE, MOST_TURNS = 0.95, 0.01, 2.0
GRACE = 3.0
"""seconds that a prompt may be late beyond its turns: requests are on their way for up to 1.5"""


def told() -> None:
    """A limit that is not in the job; refusals say `Retry-After: 1`."""
    _all_variants("quota-told", 1.0)


def untold() -> None:
    """The same; refusals do not say how long to wait."""
    _all_variants("quota-untold", False)


def _all_variants(name: str, retry_after: float | bool) -> None:
    quota = Quota(rpm=RPM, burst=BURST, retry_after=retry_after)
    _plainly(name, quota)
    for latency in LATENCIES:
        _unconfigured(f"{name}, {latency:g} s", quota, latency)
        silent = quota.model_copy(update={"headers": False})
        _unconfigured(f"{name}, {latency:g} s, no headers", silent, latency)


def _unconfigured(name: str, quota: Quota, latency: float) -> None:
    with tempfile.TemporaryDirectory() as folder, serving(Script(latency=latency, quota=quota)) as server:
        bench = Bench(Path(folder))
        bench.write(texts(ROWS))
        bench.job({"writer": model(server)})
        done = bench.run()
        traffic = Traffic(server.ledger())
    if done.code:
        explain(name, done)
    saw(name, traffic.summary())
    held(f"{name}: answered", traffic.account.billed, f"{ROWS}", done.code == 0 and _once_each(traffic))
    held(f"{name}: refused", traffic.refused, f"< {MOST_REFUSED}", traffic.refused < MOST_REFUSED)
    before = traffic.began - done.began
    after = done.seconds - before - traffic.span
    saw(name, f"the process: {before:.1f} s before the first request, {after:.1f} s after the last answer")
    for what, seconds in (("first to last", traffic.span), ("process", done.seconds)):
        held(f"{name}: {what}", f"{seconds:.1f} s", f"<= {MOST_SECONDS:g} s", seconds <= MOST_SECONDS)


def _once_each(traffic: Traffic) -> bool:
    return traffic.account.billed == ROWS and not traffic.account.overpaid


def _plainly(name: str, quota: Quota) -> None:
    """What the baseline makes of the first variant."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Script(latency=LATENCIES[0], quota=quota)) as server,
    ):
        bench = Bench(Path(folder))
        bench.write(texts(ROWS))
        done = ran(plain(server, bench, PLAIN_IN_FLIGHT))
        traffic = Traffic(server.ledger())
    lost = json.loads(done.out)["lost"] if not done.code else ROWS
    said = f"{lost} rows lost, {traffic.refused} refused, {traffic.span:.1f} s"
    saw(name, f"the SDK and a semaphore of {PLAIN_IN_FLIGHT}: {said}")


def strays() -> None:
    """A server without a limit that refuses some requests all the same: there is nothing to slow down for."""
    fault = Rule(share=STRAY_SHARE, times=1, fault="rate_limit", retry_after=0.2)
    rates = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        bench.write(texts(STRAY_ROWS))
        for faults in ((), (fault,)):
            bench.begin_anew()
            with serving(Script(latency=LATENCIES[0], capacity=STRAY_AT_ONCE, faults=faults)) as server:
                bench.job({"writer": model(server)})
                ran(bench.command("run"), ledger=server.ledger_path, seconds=STRAY_SECONDS)
                traffic = Traffic(server.ledger())
            saw("strays", f"{'with' if faults else 'without'}: {traffic.summary()}")
            rates.append(traffic.rate(0, STRAY_SECONDS))
    share = rates[1] / rates[0] if rates[0] else 0.0
    held("strays: share of the rate without", f"{share:.0%}", f">= {LEAST_KEPT:.0%}", share >= LEAST_KEPT)


def windows() -> None:
    """Tokens bind: both limits are configured and held by the server in any 60 s."""
    _configured("windows", rpm=1000, tpm=1_000_000, rows=1700)


def windows_of_requests() -> None:
    """The same where requests bind."""
    _configured("windows-rpm", rpm=400, tpm=1_000_000, rows=1250)


def _configured(name: str, *, rpm: int, tpm: int, rows: int) -> None:
    script = Script(
        latency=Latency(mean=1.0, jitter=0.5),
        quota=Quota(rpm=rpm, tpm=tpm, sliding=True),
        answer={_tag(i): (LOREM * 2)[: 4 * size] for i, size in enumerate(SIZES)},
    )
    prompts = list(_prompts(rows))
    with tempfile.TemporaryDirectory() as folder, serving(script) as server:
        bench = Bench(Path(folder))
        bench.write(prompts)
        bench.job({"writer": model(server, limits={"rpm": rpm, "tpm": tpm})})
        done = bench.run()
        traffic = Traffic(server.ledger())
    if done.code:
        explain(name, done)
    saw(name, traffic.summary())
    held(f"{name}: answered", traffic.account.billed, f"{rows}", done.code == 0)
    _used(name, traffic, rpm, tpm)
    share = traffic.refused / len(traffic.lines)
    wanted = f"<= {MOST_REFUSED_SHARE:.0%}"
    held(f"{name}: refused", f"{share:.2%}", wanted, share <= MOST_REFUSED_SHARE)
    _turns(name, traffic, prompts)


def _prompts(rows: int) -> Iterator[str]:
    random = Random(3)  # a mix that is the same every time
    for i in range(rows):
        tokens = round(exp(random.uniform(log(SHORTEST), log(LONGEST))))
        tag = _tag(random.randrange(len(SIZES)))
        yield f"{tag} row {i:06} {LOREM * 3}"[: 4 * tokens - len("Write: ")]


def _tag(size: int) -> str:
    return f"<{size:02}>"


def _used(name: str, traffic: Traffic, rpm: int, tpm: int) -> None:
    """The share of the limit that binds, over all windows of 60 s that begin on a second of the steady state:

    from the second minute on, until no more requests come.
    """
    shares = {
        "tokens": lambda start: traffic.tokens(start, start + MINUTE) / tpm,
        "requests": lambda start: traffic.requests(start, start + MINUTE) / rpm,
    }
    last = int(traffic.last_arrival - MINUTE)
    steady = {what: [share(s) for s in range(60, last + 1)] for what, share in shares.items()}
    if not steady["tokens"]:
        held(f"{name}: used", "no window", f">= {LEAST_USED:.0%}", False)
        return
    binding = max(steady, key=lambda what: fmean(steady[what]))
    used = fmean(steady[binding])
    whole = fmean(shares[binding](s) for s in range(last + 1))
    said = f"least {min(steady[binding]):.1%}, with the first minute {whole:.1%}"
    saw(name, f"{binding} bind; {len(steady[binding])} windows: {said}")
    held(f"{name}: used of the limit", f"{used:.1%}", f">= {LEAST_USED:.0%}", used >= LEAST_USED)


def _turns(name: str, traffic: Traffic, prompts: list[str]) -> None:
    """Whether prompts are served in the order of the records.

    A prompt's fair turn is its place times the mean time between two requests. Being late in places is how
    many others came before it at the server that stand after it in the records.
    """
    arrivals = traffic.first_arrivals()
    came = [arrivals.get(_digest(prompt), traffic.last_arrival) for prompt in prompts]
    mean = traffic.last_arrival / len(prompts)
    turns = max((at - GRACE) / ((place + 1) * mean) for place, at in enumerate(came))
    held(f"{name}: most fair turns waited", f"{turns:.2f}", f"<= {MOST_TURNS:g}", turns <= MOST_TURNS)
    order = sorted(range(len(came)), key=came.__getitem__)
    late = [0] * len(order)
    for rank, place in enumerate(order):
        late[place] = rank - place
    by_length = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
    tenth = len(prompts) // 10
    short, long = (median(late[i] for i in part) for part in (by_length[:tenth], by_length[-tenth:]))
    saw(name, f"late in places: at most {max(late)}; median of the shortest {short:+g}, longest {long:+g}")
    held(f"{name}: places long are behind short", f"{long - short:+g}", "<= 2", long - short <= 2)


def _digest(text: str) -> str:
    body = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": f"Write: {text}"}]})
    return sha256(b"chat\0" + body).hexdigest()
