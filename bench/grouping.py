"""What grouping made faces costs, how that grows, and how well it does beside exact HDBSCAN.

The seconds of 1 000 new faces include the search for people among them.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
from grouping_scores import bcubed, pairwise
from made_faces import DISTANCE, made_faces

from recognize_cli.clustering import Problem, Settings, group

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEW = 1_000
_SMALL = 10_000


def main() -> None:
    """Each task runs in a process of its own, so that its peak memory is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=("spec", "real", "hard"), default="real")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--million", action="store_true", help="a million faces too: twenty minutes, 8 GB")
    parser.add_argument("--task", choices=("rebuild", "add", "hdbscan"), help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=_SMALL, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        tasks = {"rebuild": _rebuild, "add": _add, "hdbscan": _hdbscan}
        _tell(tasks[options.task](options.mode, options.count, options.threads))
        return
    counts = (_SMALL, 100_000, *((1_000_000,) if options.million else ()))
    costs = [_tell(_run("rebuild", count, options)) for count in counts]
    for measure in ("seconds", "cpu_seconds"):
        exponent = np.polyfit(np.log(counts), [math.log(cost[measure]) for cost in costs], 1)[0]
        _tell({"task": "growth", "measure": measure, "exponent": round(float(exponent), 3)})
    _tell(_run("add", 100_000, options))
    _tell(_run("hdbscan", _SMALL, options))


def _run(task: str, count: int, options: argparse.Namespace) -> dict[str, float | str]:
    own = ("--task", task, "--count", str(count))
    shared = ("--mode", options.mode, "--threads", str(options.threads))
    done = subprocess.run(
        [sys.executable, __file__, *own, *shared], stdout=subprocess.PIPE, check=True, text=True
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


def _rebuild(mode: str, count: int, threads: int) -> dict[str, float | str]:
    vectors, truth = made_faces(mode, count)
    problem = _problem(vectors, np.zeros(count, np.int64))
    watch = _Watch()
    found = group(problem, Settings(DISTANCE, rebuild=True, threads=threads)).persons
    return {"task": "rebuild", "faces": count, **watch.read(), **_scores(truth, found)}


def _add(mode: str, count: int, threads: int) -> dict[str, float | str]:
    """The last thousand faces come to those whose people are known."""
    vectors, truth = made_faces(mode, count + _NEW)
    persons = truth + 1
    persons[-_NEW:] = 0
    watch = _Watch()
    found = group(_problem(vectors, persons), Settings(DISTANCE, threads=threads)).persons
    return {"task": "add", "faces": _NEW, "known": count, **watch.read(), **_scores(truth, found)}


def _hdbscan(mode: str, count: int, threads: int) -> dict[str, float | str]:
    """With upstream's rules for the sizes; to be left out where scikit-learn is not installed."""
    from sklearn.cluster import HDBSCAN

    vectors, truth = made_faces(mode, count)
    size, samples = (round(min(max(2.0, count ** (1 / root)), top)) for root, top in ((4.7, 5), (5.6, 4)))
    watch = _Watch()
    found = HDBSCAN(min_cluster_size=size, min_samples=samples, n_jobs=threads, copy=True).fit_predict(
        vectors
    )
    return {"task": "hdbscan", "faces": count, **watch.read(), **_scores(truth, found.astype(np.int64) + 1)}


def _problem(vectors: NDArray[np.float32], persons: NDArray[np.int64]) -> Problem:
    return Problem(
        vectors=vectors,
        persons=persons,
        fixed=np.zeros(len(vectors), np.bool_),
        core=np.ones(len(vectors), np.bool_),
        rejected=np.empty((0, 2), np.int64),
        next_person=int(persons.max(initial=0)) + 1,
    )


class _Watch:
    """Seconds since it was made, of the clock and of all processors, and the peak memory of the process."""

    def __init__(self) -> None:
        self._started = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float | str]:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        seconds, cpu = time.perf_counter() - self._started[0], time.process_time() - self._started[1]
        return {"seconds": round(seconds, 2), "cpu_seconds": round(cpu, 2), "peak_mb": round(peak / 1e6)}


def _scores(truth: NDArray[np.int64], found: NDArray[np.int64]) -> dict[str, float | str]:
    pairs, faces = pairwise(truth, found), bcubed(truth, found)
    scores = {
        "pairwise_f1": pairs.f1,
        "precision": pairs.precision,
        "recall": pairs.recall,
        "bcubed_f1": faces.f1,
    }
    return {name: round(score, 4) for name, score in scores.items()}


def _tell(result: dict[str, float]) -> dict[str, float | str]:
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()
    return result


if __name__ == "__main__":
    main()
