"""P22: nothing is connected to but the hosts of the job."""

from __future__ import annotations

import re


def test_p22_no_connection_goes_anywhere_but_to_the_servers_of_the_job(calls: tuple[list[str], int]) -> None:
    lines, port = calls
    connected = [line for line in lines if "connect(" in line and "AF_UNIX" not in line]
    assert connected
    for line in connected:
        assert f'sin_port=htons({port}), sin_addr=inet_addr("127.0.0.1")' in line, line
    unconnected = [line for line in lines if re.search(r"sendm?m?(to|sg)\(.*sin6?_addr", line)]
    assert not unconnected, "nothing is asked of a name server either"
