"""A Ray cluster of three nodes on this machine, whose nodes can be killed with all that runs on them.

Ray is taken from where the program is installed, or else from where `make compat` has put it: of that place
the packages alone that the program's own lacks are seen.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from tests.support import ROOT
from tests.support.real_servers import PLACE

NODES = """\
import os, sys
from pathlib import Path
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
from ray.cluster_utils import Cluster

def below(pid):
    parents = {}
    for one in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(one.parent.name)] = int(one.read_text().rpartition(")")[2].split()[1])
        except OSError:
            pass
    found = {pid}
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    return found

def say(word):
    os.write(said, (word + "\\n").encode())

said = os.dup(1)
os.dup2(2, 1)
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
nodes = [cluster.add_node(num_cpus=2) for _ in range(int(sys.argv[1]))]
say(cluster.address)
head = True
for order in sys.stdin:
    if order.strip() == "head":
        head = False
        for kind in cluster.head_node.all_processes.values():
            for one in kind:
                os.kill(one.process.pid, 9)
        say("killed")
        continue
    node = nodes.pop(0)
    for pid in below(node.all_processes["raylet"][0].process.pid):
        os.kill(pid, 9)
    say("killed")
    cluster.remove_node(node, allow_graceful=False)
    nodes.append(cluster.add_node(num_cpus=2))
if head:
    cluster.shutdown()
else:  # nobody is left who would hear of an end
    for pid in below(os.getpid()) - {os.getpid()}:
        os.kill(pid, 9)
os._exit(0)
"""


@dataclass
class Nodes:
    """The nodes of a running cluster."""

    address: str
    path: str
    """what a program needs as PYTHONPATH to use it"""
    _orders: IO[str]
    _said: IO[str]

    def kill(self, what: str = "node") -> None:
        """Kill a node with its workers; another one takes its place. Nothing takes that of the head."""
        self._orders.write(f"{what}\n")
        self._orders.flush()
        assert self._said.readline().strip() == "killed"


@contextmanager
def nodes(folder: Path, count: int = 3) -> Iterator[Nodes]:
    """A cluster of so many nodes, besides one that is its head and has no workers."""
    path = os.pathsep.join(filter(None, (str(ROOT), _ray(folder))))
    log = folder / "cluster.log"
    with log.open("wb") as out:
        cluster = subprocess.Popen(
            [sys.executable, "-c", NODES, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=out,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
    assert cluster.stdin is not None and cluster.stdout is not None
    try:
        address = cluster.stdout.readline().strip()
        if not address:
            pytest.fail(f"the cluster did not start:\n{log.read_text(errors='replace')[-3000:]}")
        yield Nodes(address, path, cluster.stdin, cluster.stdout)
    finally:
        cluster.stdin.close()
        cluster.wait(60)


def _ray(folder: Path) -> str:
    """The folder that Ray is imported from; '' where that is the program's own."""
    if (spec := importlib.util.find_spec("ray")) and spec.origin:  # and no folder that has this name
        return ""
    here = Path(sysconfig.get_paths()["purelib"])
    there = next(iter(PLACE.glob("lib/python3*/site-packages")), None)
    if there is None or not (there / "ray").is_dir():
        pytest.skip("ray is not here; `make compat` installs it")
    links = folder / "ray"
    links.mkdir()
    for entry in there.iterdir():
        if not (here / entry.name).exists():
            (links / entry.name).symlink_to(entry)
    return str(links)
