"""P2: what was committed survives a power cut, as far as the disk keeps its word.

The sweep cuts the power of a disk image up to 200 times: soak/test_p02_power_cut.py."""

from __future__ import annotations

import re

from tests.support.points import TRACED_ROWS

SYNCED = re.compile(r"fdatasync(\(.*-wal>| resumed>)\) += 0$")


def test_p02_a_reply_is_synced_before_the_next_request_takes_its_place(calls: tuple[list[str], int]) -> None:
    lines, _ = calls
    sent = [i for i, line in enumerate(lines) if "sendto(" in line and "POST /v1/" in line]
    moved = next(i for i, line in enumerate(lines) if "rename(" in line and '/posts.csv"' in line)
    assert len(sent) == TRACED_ROWS
    for row, (first, following) in enumerate(zip(sent, [*sent[1:], moved], strict=True)):
        assert f"thing {row}." in lines[first]
        kept = [i for i in range(first, following) if "-wal>" in lines[i] and f"thing {row}." in lines[i]]
        assert kept, f"the reply to request {row} was not written before the next"
        assert any(SYNCED.search(line) for line in lines[kept[-1] : following]), f"nor synced: {row}"
