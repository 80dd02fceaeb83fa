"""All measurements, one after the other; each is also a module: `python -m benchmarks.startup`."""

from benchmarks import durability, memory, rates, replay, startup, throughput
from benchmarks.workload import machine, note

if __name__ == "__main__":
    note("machine", machine())
    for benchmark in (startup, throughput, durability, replay, memory, rates):
        benchmark.main()
