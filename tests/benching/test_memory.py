from __future__ import annotations

import subprocess
import sys
import time

from recognize_cli.benching.memory import PeakMemory

MIB = 1 << 20


def test_the_peak_of_this_process_and_of_its_children_is_seen() -> None:
    with PeakMemory() as before:
        pass
    held = b"import sys; held = bytearray(b'x') * (80 << 20); print(flush=True); sys.stdin.read()"
    with PeakMemory() as peak:
        own = bytearray(b"x") * (100 * MIB)
        with subprocess.Popen(
            [sys.executable, "-c", held], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child:
            assert child.stdout
            child.stdout.readline()
            wait_until_seen(peak, before.children + 60 * MIB)
            child.communicate()
        del own
    assert peak.own - before.own > 80 * MIB


def wait_until_seen(peak: PeakMemory, children: int) -> None:
    deadline = time.monotonic() + 60
    while peak.children < children:
        assert time.monotonic() < deadline
        time.sleep(0.01)
