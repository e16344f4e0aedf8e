"""Runs `recognize faces` on copies of a catalogue, and is killed at each SQL statement in turn.

    python -m tests.e2e.faces_victim CATALOGUE WORD...

makes ``CATALOGUE.N`` for N = 1, 2, ... and dies at statement N of the command on it, until one comes to its
end; that N is printed.
"""

from __future__ import annotations

import itertools
import os
import shutil
import sys

import recognize_cli.people.grouping  # noqa: F401 - once, and not in each of the processes
from recognize_cli.cli.app import root
from recognize_cli.cli.process import run
from tests.catalogue.victim import die_at


def main(catalogue: str, *words: str) -> int:
    for statement in itertools.count(1):
        copy = f"{catalogue}.{statement}"
        shutil.copyfile(catalogue, copy)
        child = os.fork()
        if child == 0:
            die_at(statement)
            os._exit(run(root, ["-q", "faces", *words, "--catalogue", copy]))
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0
            return statement
    raise AssertionError


if __name__ == "__main__":
    sys.stdout.write(f"{main(*sys.argv[1:])}\n")
