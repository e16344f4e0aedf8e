"""The project's checks, each a session; `nox` alone runs `nox.options.sessions`, the others are opt-in."""

from __future__ import annotations

import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "types", "layers", "docs", "tests", "base_install"]
nox.options.reuse_venv = "yes"

PYPROJECT = nox.project.load_toml("pyproject.toml")


def group(name: str) -> list[str]:
    """The requirements of a dependency group of pyproject.toml."""
    return nox.project.dependency_groups(PYPROJECT, name)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and common mistakes."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Static types, strict."""
    session.install("-e", ".[heif]", *group("types"))
    session.run("mypy")


@nox.session
def layers(session: nox.Session) -> None:
    """Rooms import only downwards."""
    session.install("-e", ".", *group("layers"))
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, with coverage."""
    session.install("-e", ".[heif]", *group("tests"))
    session.run("pytest", "--cov", "--cov-report=term:skip-covered", *session.posargs)


@nox.session
def base_install(session: nox.Session) -> None:
    """What `pip install` alone gives, from the wheel: no extra, no test tool, and it works."""
    session.install("build")
    wheels = Path(session.create_tmp()) / "wheels"
    session.run("python", "-m", "build", "--wheel", "--outdir", str(wheels), silent=True)
    wheel = max(wheels.glob("*.whl"), key=lambda path: path.stat().st_mtime)
    session.run("python", "-m", "pip", "uninstall", "-qy", "recognize-cli", silent=True)
    session.install(str(wheel))
    session.run("python", "tests/base_install.py")


@nox.session
def docs(session: nox.Session) -> None:
    """The command-line reference in docs/ is what the commands say of themselves."""
    session.install("-e", ".")
    session.run("python", "docs/make_reference.py", *(session.posargs or ["--check"]))


@nox.session
def bench(session: nox.Session) -> None:
    """Speed and memory of scans and of grouping faces, against the floors that the machine and others set."""
    session.install(".", "cheroot", "scikit-image", "scikit-learn", "wsgidav")
    session.run("python", "bench/scan.py", *session.posargs)
    session.run("python", "bench/remote.py")
    session.run("python", "bench/pushing.py")
    session.run("python", "bench/together.py")
    session.run("python", "bench/known.py")
    session.run("python", "bench/memory.py")
    session.run("python", "bench/mixed.py")
    session.run("python", "bench/faces.py")
    session.run("python", "bench/landmarks.py")
    session.run("python", "bench/engines.py")
    session.run("python", "bench/grouping.py")


@nox.session
def peers(session: nox.Session) -> None:
    """Speed and results beside those of others on the same files; they take two gigabytes, and node for one.

    A folder named after `--` holds `photos`, `faces` and `music`, as bench/peer_*.py describe them.
    """
    session.install(
        ".",
        "dlib-bin",
        "face_recognition_models",
        "librosa",
        "scikit-image",
        "setuptools<81",  # has pkg_resources, which face_recognition_models needs
        "tensorflow-cpu",
    )
    # These ask for what is not to be had any more, or for what is here under another name.
    session.install("--no-deps", "face_recognition==1.3.0", "musicnn==0.1.0", "tf-keras")
    [data] = map(Path, session.posargs) if session.posargs else [None]
    photos = ["--labelled", str(data / "photos")] if data else []
    faces = ["--faces", str(data / "faces")] if data else []
    music = [str(data / "music")] if data else []
    session.run("python", "bench/peer_tensorflow.py", *photos)
    session.run("python", "bench/peer_upstream.py", *faces)
    session.run("python", "bench/peer_musicnn.py", *music)
    if data:
        session.run("python", "bench/peer_dlib.py", str(data / "faces"))


@nox.session
def native(session: nox.Session) -> None:
    """What needs TensorFlow (a gigabyte): its engine, and the full-size model for actions from end to end."""
    session.install("-e", ".[heif,native]", *group("tests"))
    session.run(
        "pytest",
        "tests/contracts/test_engines.py",
        "tests/engines/test_tensorflow.py",
        "tests/models/convert/test_saved_model.py",
        "tests/e2e/test_native_actions.py",
        *session.posargs,
    )


@nox.session
def openvino(session: nox.Session) -> None:
    """What needs OpenVINO (180 MB): its engine, models in 8 bits in it, and scans with it."""
    session.install("-e", ".[heif,openvino]", *group("tests"))
    session.run(
        "pytest",
        "tests/contracts/test_engines.py",
        "tests/engines/test_openvino.py",
        "tests/models/convert/test_quantization.py",
        "tests/e2e/test_engines.py",
        *session.posargs,
    )


@nox.session
def cuda(session: nox.Session) -> None:
    """ONNX Runtime for GPUs with CUDA and cuDNN (2.5 GB) in the place of the one for CPUs.

    Without an NVIDIA GPU what it says of that is tested, and models on the CPU. The two releases of ONNX
    Runtime overwrite each other's files, so both go first.
    """
    session.install("-e", ".[heif]", *group("tests"))
    session.run("python", "-m", "pip", "uninstall", "-qy", "onnxruntime", "onnxruntime-gpu")
    session.install("onnxruntime-gpu[cuda,cudnn]>=1.31")
    session.run(
        "pytest",
        "tests/test_gpus.py",
        "tests/cli/test_devices.py",
        "tests/contracts/test_engines.py",
        "tests/engines/test_onnx.py",
        "tests/engines/test_insightface.py",
        "tests/e2e/test_engines.py",
        *session.posargs,
    )


@nox.session
def servers(session: nox.Session) -> None:
    """The contract of sources on WebDAV servers that others make, as far as they are installed."""
    session.install("-e", ".", *group("tests"))
    session.run("pytest", "tests/sources/real_servers.py", *session.posargs)


@nox.session
def lowest(session: nox.Session) -> None:
    """All tests with the oldest dependencies that pyproject.toml allows."""
    session.install("uv")
    session.run(
        "uv",
        "pip",
        "install",
        "--python",
        sys.executable if session.virtualenv is None else session.virtualenv.location,
        "--resolution",
        "lowest-direct",
        "-e",
        ".[heif]",
        *group("tests"),
    )
    session.run("pytest", *session.posargs)


@nox.session
def man(session: nox.Session) -> None:
    """A man page for each command, into build/man/man1 or the folder that is named."""
    session.install("-e", ".", "click-man>=0.6")
    session.run("python", "docs/make_man.py", *(session.posargs or ["build/man/man1"]))
