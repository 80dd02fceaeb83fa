"""All measurements, one after the other; `python -m benchmarks startup rates` only those named."""

import sys

from benchmarks import (
    alike,
    checks,
    documents,
    durability,
    judge,
    memory,
    night,
    processes,
    rates,
    ray,
    replay,
    startup,
    throughput,
)
from benchmarks.workload import machine, note

ALL = {
    "startup": startup,
    "throughput": throughput,
    "durability": durability,
    "replay": replay,
    "memory": memory,
    "night": night,
    "processes": processes,
    "rates": rates,
    "documents": documents,
    "alike": alike,
    "checks": checks,
    "judge": judge,
    "ray": ray,
}

if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - ALL.keys():
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    note("machine", machine())
    for name in sys.argv[1:] or ALL:
        ALL[name].main()
