"""`recognize --help` starts at once because it imports next to nothing."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.running import run

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {
    *("numpy", "onnxruntime", "onnx", "PIL", "pillow_heif", "requests", "yaml", "tensorflow", "librosa"),
    *("pebble", "psutil", "sqlite3", "tqdm", "filelock", "multiprocessing", "asyncio", "urllib.request"),
}
SCRIPT = """
import io, json, sys
from recognize_cli.cli.app import root
from recognize_cli.cli.process import run
sys.stdout = io.StringIO()
code = run(root, sys.argv[1:])
sys.__stdout__.write(json.dumps([code, sorted(sys.modules)]))
"""


def modules_after(home: Path, *arguments: str) -> set[str]:
    done = run([sys.executable, "-c", SCRIPT], *arguments, home=home)
    code, modules = json.loads(done.stdout)
    assert code == 0, done.stderr
    return set(modules)


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_imports_nothing_heavy_and_no_command(tmp_path: Path, argument: str) -> None:
    modules = modules_after(tmp_path, argument)
    assert modules & HEAVY == set()
    ours = {name.removeprefix("recognize_cli.") for name in modules if name.startswith("recognize_cli.")}
    assert ours == {
        *("cli", "cli.app", "cli.commands", "cli.invocation", "cli.options", "cli.output", "cli.parameters"),
        *("cli.process", "cli.settings", "cli.streams", "config", "errors", "interrupt", "naming"),
        "signals",
    }


def test_completing_a_command_s_name_imports_no_command(tmp_path: Path) -> None:
    env = {"_RECOGNIZE_COMPLETE": "bash_complete", "COMP_WORDS": "recognize d", "COMP_CWORD": "1"}
    script = SCRIPT.replace("io.StringIO()", "io.TextIOWrapper(io.BytesIO())")
    done = run([sys.executable, "-c", script], home=tmp_path, env=env)
    code, modules = json.loads(done.stdout)
    assert code == 0
    assert set(modules) & {*HEAVY, "recognize_cli.cli.doctor"} == set()


@pytest.mark.parametrize("arguments", [["config", "path"], ["completion", "fish"]])
def test_light_commands_stay_light(tmp_path: Path, arguments: list[str]) -> None:
    assert modules_after(tmp_path, *arguments) & HEAVY == set()
