"""TensorFlow behind the Session protocol: SavedModels, run by a process of their own.

TensorFlow writes to stderr whatever it is told, keeps memory that it was once given, has threads that no fork
survives, and dies of a signal on a CPU that it was not built for. None of that reaches beyond its process,
which `worker` describes: here it is started, and its memory is free when it ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Pipe
from typing import TYPE_CHECKING

from recognize_cli.engines.tensorflow import wire
from recognize_cli.errors import EngineError
from recognize_cli.hardware import probe
from recognize_cli.secret import without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from recognize_cli.hardware import Cpu

ENGINE = "tensorflow"

_SAVED_MODEL = "saved_model.pb"
_WORKER = "recognize_cli.engines.tensorflow.worker"
_START_SECONDS = 600.0  # a gigabyte is read from what may be a slow disk
_END_SECONDS = 2.0
_X86 = ("x86_64", "amd64")


class TensorFlowSession:
    """A SavedModel loaded in TensorFlow, on the CPU.

    It may be called from several threads; the calls take their turns, and each has all of the engine's
    threads. So one session is enough, and no more memory is taken than one call needs.
    """

    def __init__(self, folder: Path, *, threads: int = 1, cpu: Cpu | None = None) -> None:
        """Loads the model in a folder; ``threads`` are those inside one `run`.

        ``cpu`` is by default that of this machine. Raises EngineError, and where the CPU has no AVX without a
        try.
        """
        refuse_without_avx(cpu or probe().cpu)
        if not (folder / _SAVED_MODEL).is_file():
            problem = f"cannot load {folder}: it has no {_SAVED_MODEL}"
            raise EngineError(engine=ENGINE, problem=problem)
        self._turn = threading.Lock()
        self._line, theirs = Pipe()
        with theirs:
            self._process = _started(theirs.fileno(), folder, threads)
        try:
            names = self._answer(_START_SECONDS)
        except BaseException:
            self.close()
            raise
        self._inputs, self._outputs = tuple(names["inputs"]), tuple(names["outputs"])

    @property
    def inputs(self) -> Sequence[str]:
        """The names of the model's inputs, in order."""
        return self._inputs

    @property
    def outputs(self) -> Sequence[str]:
        """The names of the model's outputs, in order."""
        return self._outputs

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Runs the model on named arrays, first axis the batch; raises EngineError."""
        with self._turn:
            try:
                wire.send_arrays(self._line, feeds)
                return wire.receive_arrays(self._line, self._answer())
            except (OSError, EOFError) as error:
                raise self._died() from error

    def close(self) -> None:
        """Ends the process, and with it gives all of its memory back."""
        self._line.close()
        self._wait()
        self._process.kill()
        self._wait()

    def _answer(self, seconds: float | None = None) -> dict[str, Any]:
        """The next message, unless it tells of a problem; raises EngineError."""
        try:
            if not self._line.poll(seconds):
                raise EngineError(engine=ENGINE, problem=f"it is not ready after {seconds:g} seconds")
            message = wire.receive(self._line)
        except (OSError, EOFError) as error:
            raise self._died() from error
        if "problem" in message:
            raise EngineError(engine=ENGINE, problem=message["problem"])
        return message

    def _died(self) -> EngineError:
        """How the process ended, which has closed its end of the line."""
        self._wait()
        status = self._process.poll()
        if status is None:
            how = "it broke off"
        elif status == -signal.SIGKILL:
            how = "it was killed (SIGKILL), perhaps because the machine ran out of memory"
        elif status < 0:
            how = f"it crashed ({signal.Signals(-status).name})"
        else:
            how = f"it ended with status {status}"
        return EngineError(engine=ENGINE, problem=f"{how}; --backend portable does without it")

    def _wait(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)


def refuse_without_avx(cpu: Cpu) -> None:
    """Raises EngineError for a CPU on which TensorFlow's official builds die of an illegal instruction."""
    if cpu.architecture.lower() in _X86 and not cpu.has("avx"):
        problem = "its builds for x86-64 need AVX, which this CPU lacks; scan with --backend portable"
        raise EngineError(engine=ENGINE, problem=problem)


def _started(descriptor: int, folder: Path, threads: int) -> subprocess.Popen[bytes]:
    # -P: the working directory may be the user's photos, and must not be imported from.
    command = [sys.executable, "-P", "-W", "ignore", "-m", _WORKER]
    try:
        return subprocess.Popen(
            [*command, str(descriptor), str(folder.absolute()), str(threads)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(descriptor,),
            process_group=0,
            env=_environment(threads),
        )
    except OSError as error:
        problem = f"cannot start a process: {os.strerror(error.errno or 0)}"
        raise EngineError(engine=ENGINE, problem=problem) from error


def _environment(threads: int) -> dict[str, str]:
    """This one, with the same modules in reach, without secrets and without a GPU."""
    return {
        **without_secrets(os.environ),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "CUDA_VISIBLE_DEVICES": "-1",
        "MALLOC_ARENA_MAX": "2",  # else glibc keeps a heap of its own for each thread
        "OMP_NUM_THREADS": str(threads),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
