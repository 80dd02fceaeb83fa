"""What the journal adds up to: money, tokens and attempts of all runs of a job.

The numbers are those the server sent; this module reads no reply and knows no price.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from pipeline.journal.journal import AT_ONCE, Journal

FEWEST_PACED = 20
_EXACT = "(billed = 'yes' AND message = '' AND input + output > 0)"
"""whether the server counted all tokens of an attempt; else its numbers are the most they can be"""
_BY_STEP = f"""
SELECT CAST(ifnull(step, '') AS TEXT), CAST(ifnull(model, '') AS TEXT), count(*), sum(outcome = 'answered'),
       sum(outcome IN ('answered', 'superseded') AND ifnull({_EXACT}, 0)),
       coalesce(sum(input) FILTER (WHERE {_EXACT}), 0), coalesce(sum(cached) FILTER (WHERE {_EXACT}), 0),
       coalesce(sum(output) FILTER (WHERE {_EXACT}), 0), coalesce(sum(reasoning) FILTER (WHERE {_EXACT}), 0),
       coalesce(sum(cost) FILTER (WHERE {_EXACT}), 0),
       coalesce(sum(cost) FILTER (WHERE NOT ifnull({_EXACT}, 0)), 0),
       sum(billed = 'yes' AND cost IS NULL), sum(billed = 'maybe')
FROM attempts GROUP BY 1, 2 ORDER BY min(seq)
"""  # noqa: S608 - no value in it

_OF_REQUEST = f"""
SELECT coalesce(sum(cost) FILTER (WHERE billed = 'yes'), 0),
       coalesce(sum(input + output) FILTER (WHERE {_EXACT}), 0),
       coalesce(sum(billed = 'yes' AND cost IS NULL), 0), coalesce(sum(billed = 'maybe'), 0)
FROM attempts WHERE digest = ? AND outcome <> 'superseded'
"""  # noqa: S608 - no value in it

_BEHIND = """
SELECT digest, sum(outcome = 'answered'), coalesce(sum(cost) FILTER (WHERE billed = 'yes'), 0),
       sum(billed = 'yes' AND cost IS NULL), coalesce(max(at) FILTER (WHERE outcome = 'answered'), 0)
FROM attempts WHERE digest IN ({}) GROUP BY digest
"""
SKEW = 60.0
"""seconds that a clock may have been ahead"""


@dataclass(frozen=True, slots=True)
class StepAccount:
    """One step's attempts at one model. Money is nano-dollars.

    `answered` counts the answers in use, `replies` also those that were asked for once more, but only where
    their tokens have been counted. `maybe` is the most that `maybe_billed` attempts, and answers whose tokens
    are not all counted or priced, can have cost. `unpriced` counts paid replies without a price.
    """

    step: str
    model: str
    attempts: int
    answered: int
    replies: int
    input: int
    cached: int
    output: int
    reasoning: int
    cost: int
    maybe: int
    unpriced: int
    maybe_billed: int


def by_step(journal: Journal) -> list[StepAccount]:
    """The accounts of all steps, in the order they began."""
    return [StepAccount(*row) for row in journal.sums(_BY_STEP)]


def usual(journal: Journal, requests: Mapping[tuple[str, str], int]) -> int | None:
    """Nano-dollars that so many requests by (step, model) will cost, if they cost as much as earlier ones.

    None where nothing is known of one of them.
    """
    known = {(one.step, one.model): one for one in by_step(journal) if one.replies and not one.unpriced}
    if not requests.keys() <= known.keys():
        return None
    return sum(known[name].cost * count // known[name].replies for name, count in requests.items())


def by_outcome(journal: Journal) -> list[tuple[str, str, str, int, float]]:
    """(step, outcome, billed, attempts, mean seconds)."""
    return journal.sums(
        "SELECT CAST(ifnull(step, '') AS TEXT), outcome, billed, count(*), avg(seconds) FROM attempts"
        " GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC"
    )


def percentiles(journal: Journal, shares: tuple[float, ...]) -> dict[str, list[float]]:
    """Seconds that answered calls took, by step: the value that each of the shares stays below."""
    found: dict[str, list[float]] = {}
    where = (
        "FROM attempts WHERE step = ? AND outcome IN ('answered', 'superseded')"
        " AND ifnull(endpoint, '') NOT GLOB 'batch:*'"  # it has no time of its own
    )
    for (step,) in journal.sums(
        "SELECT DISTINCT step FROM attempts WHERE typeof(step) = 'text' ORDER BY step"
    ):
        ((count,),) = journal.sums(f"SELECT count(*) {where}", (step,))
        if count:
            at = [max(0, ceil(share * count) - 1) for share in shares]
            sql = f"SELECT CAST(seconds AS REAL) {where} ORDER BY seconds LIMIT 1 OFFSET ?"
            found[step] = [journal.sums(sql, (step, place))[0][0] for place in at]
    return found


def spent(journal: Journal, but: str = "") -> tuple[int, int, int]:
    """Nano-dollars, tokens and attempts so far; what may have been billed counts at its highest cost.

    Attempts of models whose names begin with `but` are left out.
    """
    ((cost, tokens, attempts),) = journal.sums(
        "SELECT coalesce(sum(cost), 0), coalesce(sum(input), 0) + coalesce(sum(output), 0), count(*)"
        " FROM attempts"
        " WHERE ?1 = '' OR substr(ifnull(model, ''), 1, length(?1)) <> ?1",
        (but,),
    )
    return cost, tokens, attempts


def waste(journal: Journal, but: str = "") -> tuple[int, int, int]:
    """Answered attempts, attempts that may have been billed for nothing, and the most these have cost.

    The cost is in nano-dollars.
    """
    ((good, maybe, cost),) = journal.sums(
        "SELECT coalesce(sum(fate = ''), 0), coalesce(sum(billed = 'maybe'), 0),"
        " coalesce(sum(CASE WHEN billed = 'maybe' THEN cost END), 0) FROM attempts"
        " WHERE ?1 = '' OR substr(ifnull(model, ''), 1, length(?1)) <> ?1",
        (but,),
    )
    return good, maybe, cost


def of_requests(journal: Journal, digests: Sequence[bytes]) -> tuple[int, int, int, int]:
    """What is known of some requests, all tries included.

    Nano-dollars and tokens of what was surely paid for, replies without a price, and attempts that may have
    been billed: their cost is the most that it can be, which says little of what others will cost.
    """
    found = [journal.sums(_OF_REQUEST, (digest,))[0] for digest in digests]
    cost, tokens, unpriced, maybe = map(sum, zip((0, 0, 0, 0), *found, strict=True))
    return cost, tokens, unpriced, maybe


def behind(journal: Journal, digests: Sequence[bytes]) -> dict[bytes, tuple[int, int, int, float]]:
    """By digest: (answers, nano-dollars, paid replies without a price, Unix time of the latest answer)."""
    found: dict[bytes, tuple[int, int, int, float]] = {}
    for start in range(0, len(digests), AT_ONCE):
        some = digests[start : start + AT_ONCE]
        marks = ", ".join("?" * len(some))
        rows = journal.select(_BEHIND.format(marks), tuple(some))
        found |= {digest: (answers, *others) for digest, answers, *others in rows}
    return found


def latest_outputs(journal: Journal, most: int = 500) -> list[tuple[str, str, int]]:
    """(step, model, output tokens) of the latest answers."""
    return journal.sums(
        "SELECT CAST(ifnull(step, '') AS TEXT), CAST(ifnull(model, '') AS TEXT), output FROM attempts"
        " WHERE outcome = 'answered' AND message = '' AND output > 0 ORDER BY seq DESC LIMIT ?",
        (most,),
    )


def has_answered(journal: Journal, model: str) -> bool:
    """Whether a model has ever answered."""
    sql = "SELECT 1 FROM attempts WHERE outcome = 'answered' AND model = ? LIMIT 1"
    return bool(journal.sums(sql, (model,)))


def pace(journal: Journal, model: str, most: int = 200) -> tuple[float, float] | None:
    """Of the latest answers: how many came a second, and how many requests were under way for them.

    Only the time counts in which something was under way. None where there are too few answers.
    """
    rows = journal.sums(
        "SELECT at - seconds, at FROM attempts WHERE outcome = 'answered' AND model = ?"
        " AND seconds BETWEEN 1e-6 AND 86400 AND at BETWEEN 0 AND 1e11"
        " ORDER BY seq DESC LIMIT ?",
        (model, most),
    )
    busy, until = 0.0, 0.0
    for began, ended in sorted(rows):
        busy += max(0.0, ended - max(began, until))
        until = max(until, ended)
    if len(rows) < FEWEST_PACED or not busy:
        return None
    return len(rows) / busy, sum(ended - began for began, ended in rows) / busy


def failing(journal: Journal, model: str, kinds: Iterable[str]) -> list[bytes]:
    """Digests of unanswered requests whose fault was one of `kinds`, though later requests were answered."""
    rows = journal.sums(
        "SELECT digest FROM attempts WHERE model = ? AND outcome IN (SELECT value FROM json_each(?))"
        " AND seq < (SELECT max(seq) FROM attempts WHERE model = ? AND outcome = 'answered')"
        " GROUP BY digest",
        (model, json.dumps(sorted(kinds)), model),
    )
    return [digest for (digest,) in rows]


def recent(journal: Journal, seconds: float) -> Iterator[tuple[float, str, str, int]]:
    """(seconds ago, model, endpoint, tokens) of the attempts in the last `seconds`, the oldest first.

    Those of a time to come are left out: a clock that was ahead once would hold the run back for days.
    """
    now = time.time()
    rows = journal.sums(
        "SELECT CAST(at AS REAL), CAST(ifnull(model, '') AS TEXT), CAST(ifnull(endpoint, '') AS TEXT), "
        "ifnull(input, 0) + ifnull(output, 0) FROM attempts "
        "WHERE outcome <> 'unreachable' AND ifnull(endpoint, '') NOT GLOB 'batch:*' "
        "AND CAST(at AS REAL) BETWEEN ? AND ? ORDER BY 1",
        (now - seconds, now + SKEW),
    )
    for at, model, endpoint, tokens in rows:
        yield max(now - at, 0.0), model, endpoint, tokens


def to_come(journal: Journal) -> int:
    """How many attempts are said to have been made at a time that is still to come."""
    ((count,),) = journal.sums("SELECT count(*) FROM attempts WHERE at > ?", (time.time() + SKEW,))
    return int(count)
