"""What runs in the process of TensorFlow: ``python -m [this module] LINE FOLDER THREADS``.

It loads one SavedModel by TensorFlow Hub, out of a folder and from nowhere else, says the names of its
inputs and outputs, then answers arrays with arrays until the parent closes the line.
"""

from __future__ import annotations

import signal
import sys
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from recognize_cli.engines import first_line
from recognize_cli.engines.tensorflow.wire import receive, receive_arrays, send, send_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_SIGNATURE = "serving_default"
_GRAPH_FAILED = "Graph execution error:"
_REMEDY = "install it with `pip install 'recognize-cli[native]'`, or scan with --backend portable"


def main(descriptor: int, folder: str, threads: int) -> None:
    """Serves the parent at the other end of the line, and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process when it is done
    with Connection(descriptor) as line:
        try:
            serve(line, folder, threads)
        except (EOFError, ConnectionError):  # the parent is done, or gone
            return


def serve(line: Connection, folder: str, threads: int) -> None:
    """Loads the model, then runs it as often as the parent asks."""
    try:
        function = _load(folder, threads)
    except ImportError as error:
        send(line, {"problem": f"it cannot be imported ({first_line(error)}); {_REMEDY}"})
        return
    except Exception as error:  # noqa: BLE001 - TensorFlow raises what it likes, and the parent is told
        send(line, {"problem": f"cannot load {folder}: {_in_short(error)}"})
        return
    _, inputs = function.structured_input_signature
    send(
        line, {"inputs": sorted(inputs), "outputs": sorted(function.structured_outputs)}
    )  # they have no order
    while True:
        feeds = receive_arrays(line, receive(line))
        try:
            results = _run(function, feeds)
        except Exception as error:  # noqa: BLE001 - as above
            send(line, {"problem": _in_short(error)})
        else:
            send_arrays(line, results)


def _load(folder: str, threads: int) -> Any:
    import tensorflow as tf
    import tensorflow_hub as hub

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    signatures = hub.load(folder).signatures
    if _SIGNATURE not in signatures:
        raise ValueError(f"it has no signature {_SIGNATURE}")
    return signatures[_SIGNATURE]


def _run(function: Any, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """What the model makes of arrays; those of another form are refused, since TensorFlow may die of them."""
    import tensorflow as tf

    tensors = {name: tf.constant(array) for name, array in feeds.items()}
    _, wanted = function.structured_input_signature
    for name, spec in wanted.items():
        if name not in tensors or not spec.is_compatible_with(tensors[name]):
            raise ValueError(f"the model takes {name}, {list(spec.shape)} of {spec.dtype.name}")
    return {name: value.numpy() for name, value in function(**tensors).items()}


def _in_short(error: Exception) -> str:
    """What an error says, on one line: that of a graph names the cause last, before an indented place."""
    lines = [line for line in str(error).splitlines() if line.strip() and not line[0].isspace()]
    return lines[-1] if lines and lines[0] == _GRAPH_FAILED else first_line(error)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
