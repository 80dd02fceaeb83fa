"""After a fatal fault nothing new passes; what is under way ends well."""

from __future__ import annotations

from anyio import CancelScope

from pipeline.domain import Call, Fate, Fault, Reply, Request
from pipeline.errors import Interrupted, OutOfQuota, RunStopped


class Fuse:
    """Blown once, by the first fatal fault. Blowing it cancels `scope`, in which all hands walk."""

    def __init__(self) -> None:
        self.scope = CancelScope()
        self.fault: Fault | None = None
        self.signal = ""

    def blow(self, fault: Fault) -> None:
        """Let nothing new pass. Whoever waits is cancelled at once; what is sent is shielded."""
        if self.fault is None:
            self.fault = fault
            self.scope.cancel()

    def interrupt(self, signal: str) -> None:
        """Blow it because somebody asked the run to end."""
        self.signal = self.signal or signal
        self.blow(Fault("interrupted", signal, fate=Fate.STOP))

    def check(self) -> None:
        """Raise what blew it, if anything did."""
        if self.signal:
            raise Interrupted(f"the run was interrupted ({self.signal}); what was answered is in the journal")
        if self.fault is not None:
            error = OutOfQuota if self.fault.kind == "out_of_quota" else RunStopped
            raise error(f"the run stopped: {self.fault}")


def fused(call: Call, fuse: Fuse) -> Call:
    """A call that passes only while the fuse is whole, and blows it for a fault whose fate is to stop."""

    async def ask(request: Request) -> Reply:
        if fuse.fault is not None:
            raise fuse.fault
        try:
            return await call(request)
        except Fault as fault:
            if fault.fate is Fate.STOP:
                fuse.blow(fault)
            raise

    return ask
