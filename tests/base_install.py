"""What the base install can do, run by `nox -s base_install` with nothing but the wheel installed."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

_RECOGNIZE = str(Path(sys.executable).with_name("recognize"))
_EXTRAS = (
    "tensorflow",
    "tensorflow_hub",
    "insightface",
    "librosa",
    "pillow_heif",
    "pytest",
    "reverse_geocode",
)


def run(*arguments: str, home: str, code: int = 0) -> str:
    """stdout of a command that has to end with a code."""
    environment = {"PATH": os.environ["PATH"], "HOME": home}
    done = subprocess.run(
        [_RECOGNIZE, *arguments], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def main() -> None:
    """Scans a made picture and a format whose extra is absent, in a home that is new."""
    assert not [name for name in _EXTRAS if importlib.util.find_spec(name)], "this is no base install"
    with tempfile.TemporaryDirectory() as home:
        photos = Path(home) / "photos"
        photos.mkdir()
        picture = Image.new("RGB", (640, 480), "navy")
        ImageDraw.Draw(picture).ellipse((100, 60, 540, 420), fill="gold")
        picture.save(photos / "disc.jpg")
        (photos / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))
        run("--help", home=home)
        run("rules", "check", home=home)
        run("models", "lock", "--check", home=home)
        lines = run("scan", str(photos), "--scores", home=home, code=3).splitlines()
        records = [json.loads(line) for line in lines]
        (file,) = (record for record in records if record["type"] == "file")
        (error,) = (record for record in records if record["type"] == "error")
        assert len(file["scores"]["objects"]) == 10
        assert file["faces"] == []
        assert (error["path"], error["reason"]) == ("phone.heic", "unsupported")
        assert "heif" in error["message"]
        run("scan", str(photos), "-r", "places", home=home, code=7)
        run("faces", "cluster", home=home)
        run("faces", "review", "-o", f"{home}/review", home=home)
        assert (Path(home) / "review" / "index.html").stat().st_size > 10_000
        run("models", "verify", home=home)
        run("doctor", home=home)
    sys.stdout.write("the base install works\n")


if __name__ == "__main__":
    main()
