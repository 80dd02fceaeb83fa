"""Nearly equal answers: what is found of planted copies, beside a comparison of all pairs, and what it takes.

The copies have light edits: other words, another name, other order, emoji; the posts are in three languages.
"""

from __future__ import annotations

import resource
import time
from itertools import combinations

from benchmarks.workload import figure, machine, note
from pipeline.text.alike.minhash import Alike
from pipeline.text.alike.shingles import shingles
from tests.support.crowd import Post, posts

MOST, SEEDS, FEW, MANY = 0.6, 10, 4_000, 100_000
LEAST_FOUND, MOST_FALSE, MOST_MEMORY, FASTER = 0.95, 0.01, 200, 20


def found_among(made: list[Post]) -> set[int]:
    """The posts that are nearly equal to an earlier one."""
    alike = Alike(MOST)
    for i, post in enumerate(made):
        alike.add(post.text, i)
    return {i for i, _ in alike.found(range(len(made)))}


def of_all_pairs(made: list[Post]) -> set[int]:
    """The same by comparing each with each."""
    sets = [frozenset(shingles(post.text).tolist()) for post in made]
    return {j for i, j in combinations(range(len(sets)), 2) if _alike(sets[i], sets[j])}


def _alike(one: frozenset[int], other: frozenset[int]) -> bool:
    return len(one & other) / len(one | other) > MOST


def main() -> None:
    """Plant, look, count; then as fast as it goes."""
    recalls, falses = [], []
    for seed in range(SEEDS):
        made = posts(seed)
        copies = {i for i, post in enumerate(made) if post.copy_of is not None}
        found, exact = found_among(made), of_all_pairs(made)
        recalls.append(len(found & copies) / len(copies))
        falses.append(len(found - copies) / (len(made) - len(copies)))
        both = len(found & exact)
        note("alike", f"seed {seed}: {len(found)} found, {len(exact)} by all pairs, {both} by both")
    worst, most = min(recalls), max(falses)
    what = "planted copies found, worst of the seeds"
    figure("alike", what, f"{worst:.1%}", f">= {LEAST_FOUND:.0%}", worst >= LEAST_FOUND)
    what = "others found, worst of the seeds"
    figure("alike", what, f"{most:.1%}", f"<= {MOST_FALSE:.0%}", most <= MOST_FALSE)
    _compare_speed()
    _measure_memory()


def _compare_speed() -> None:
    made = posts(1, FEW, FEW // 8)
    began = time.perf_counter()
    found = found_among(made)
    between = time.perf_counter()
    exact = of_all_pairs(made)
    ours, theirs = between - began, time.perf_counter() - between
    note("alike", f"{FEW:,} posts: {ours:.1f} s, all pairs {theirs:.1f} s; {len(found ^ exact)} differ")
    times = theirs / ours
    what = f"times as fast as all pairs, {FEW:,} posts"
    figure("alike", what, f"{times:.0f}", f">= {FASTER}", times >= FASTER)


def _measure_memory() -> None:
    made = posts(2, MANY, MANY // 100)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    found = found_among(made)
    seconds = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) / 1024
    note("alike", f"{MANY:,} posts: {len(found):,} found in {seconds:.0f} s")
    figure("alike", f"MB for {MANY:,} posts", f"{grown:.0f}", f"<= {MOST_MEMORY}", grown <= MOST_MEMORY)


if __name__ == "__main__":
    main()
    note("alike", machine())
