"""What decoding of video costs: a film of two hours, made here, and any files.

    python bench/video.py [--seconds 20] [FILE]...

The film is 1080p in H.264 with a key frame every ten seconds: a short piece, encoded once and repeated. It
takes some 1 GB in the folder of temporary files. CPU seconds are those of one thread; memory is the most that
the process held at once so far. Prints the table of docs/media.md.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import av
import numpy as np
from PIL import Image

from recognize_cli.media.jobs import DecodeJob, Limits
from recognize_cli.media.video import decode
from recognize_cli.records import Clips, Kind, View

HOURS = 2
RATE, KEY = 25, 250
WIDTH, HEIGHT = 1920, 1080
VIEWS = {
    "8 clips of 50 frames, 5 a second": View(172, 172, "bicubic", Clips(8, 50, 5.0)),
    "8 frames": View(260, 292, "bicubic", Clips(8, 1, 1.0)),
}


def main() -> None:
    """Reads the command line and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--seconds", type=int, default=20, help="length of the piece that is repeated")
    options = parser.parse_args()
    sys.stdout.write("| file | clips | CPU s | wall s | MB |\n| --- | --- | --- | --- | --- |\n")
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        if not options.files:
            making = get_context("spawn").Process(target=make, args=(film, options.seconds))
            making.start()  # in a process of its own, whose memory does not count
            making.join()
        for path in options.files or [film]:
            for name, view in VIEWS.items():
                sys.stdout.write(f"| {path.name} | {name} | {cost(path, view)} |\n")


def cost(path: Path, view: View) -> str:
    """What one view of a file costs, as columns."""
    wall, cpu = time.perf_counter(), time.process_time()
    decode(DecodeJob(str(path), Kind.VIDEO, (view,)), Limits())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return f"{cpu:.3f} | {wall:.3f} | {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}"


def make(film: Path, seconds: int) -> None:
    """Makes the film of a piece of so many seconds."""
    repeat(piece(film.with_name("piece.mp4"), seconds), film, HOURS * 3600 // seconds)


def piece(path: Path, seconds: int) -> Path:
    """A film of a camera that moves over a picture, with some grain."""
    random = np.random.default_rng(1)
    noise = random.integers(0, 256, (90, 120, 3), np.uint8)
    scene = np.asarray(Image.fromarray(noise).resize((2600, 1800), Image.Resampling.BICUBIC)).astype(np.int16)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=RATE, options={"crf": "27", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = KEY
        for index in range(seconds * RATE):
            left, top = int(300 + 300 * np.sin(index / 40)), int(300 + 300 * np.cos(index / 55))
            grain = random.integers(-3, 4, (HEIGHT // 4, WIDTH // 4, 1), np.int16).repeat(4, 0).repeat(4, 1)
            shown = scene[top : top + HEIGHT, left : left + WIDTH] + grain
            frame = av.VideoFrame.from_ndarray(shown.clip(0, 255).astype(np.uint8), "rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def repeat(source: Path, target: Path, times: int) -> None:
    """Makes a film of a piece, over and over, without decoding it."""
    with av.open(str(source)) as piece_, av.open(str(target), "w") as film:
        stream = piece_.streams.video[0]
        packets = [packet for packet in piece_.demux(stream) if packet.size]
        length = max((packet.pts or 0) + (packet.duration or 0) for packet in packets)
        copies = [(bytes(each), each.pts, each.dts, each.duration, each.is_keyframe) for each in packets]
        written = film.add_stream_from_template(stream)
        for index in range(times):
            for content, pts, dts, duration, is_keyframe in copies:
                packet = av.Packet(content)
                packet.pts, packet.dts, packet.duration = pts + index * length, dts + index * length, duration
                packet.time_base, packet.is_keyframe, packet.stream = stream.time_base, is_keyframe, written
                film.mux(packet)


if __name__ == "__main__":
    main()
