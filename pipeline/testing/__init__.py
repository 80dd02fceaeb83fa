"""A fake model for tests: it follows a script, always answers alike, and keeps a ledger of its bills.

In a job file it is `provider: scripted`, in process. As a server, in its own process:

    from pipeline.testing import Rule, Script, serve

    with serve(Script(latency=0.1, faults=(Rule(fault="rate_limit", first=3, retry_after=1),))) as server:
        ...  # point a client at server.base_url
        assert server.ledger().repeats == 0

or from a shell: `python -m pipeline.testing --latency 0.1 --ledger ledger.jsonl --script script.yaml`.
It knows neither jobs nor records.
"""

from pipeline.testing.launch import Server, serve
from pipeline.testing.ledger import Account, Ledger, Line
from pipeline.testing.script import BatchRule, BatchScript, Latency, Quota, Rule, Script

__all__ = [
    "Account",
    "BatchRule",
    "BatchScript",
    "Latency",
    "Ledger",
    "Line",
    "Quota",
    "Rule",
    "Script",
    "Server",
    "serve",
]
