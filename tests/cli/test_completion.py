from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.cli.running import RECOGNIZE, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(tmp_path: Path, shell: str) -> None:
    done = run(RECOGNIZE, "completion", shell, home=tmp_path)
    assert done.returncode == 0
    assert "_RECOGNIZE_COMPLETE" in done.stdout


def test_another_shell_is_refused(tmp_path: Path) -> None:
    done = run(RECOGNIZE, "completion", "tcsh", home=tmp_path)
    assert done.returncode == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in done.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("recognize doc", {"doctor"}),
        ("recognize doctor --f", {"--format"}),
        ("recognize doctor --format ", {"text", "json"}),
        ("recognize config s", {"show"}),
    ],
)
def test_bash_completes(tmp_path: Path, words: str, found: set[str]) -> None:
    script = f"""
        PATH={RECOGNIZE[0].rpartition("/")[0]}:$PATH
        eval "$(recognize completion bash)"
        COMP_WORDS=({words}{'""' if words.endswith(" ") else ""})
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _recognize_completion recognize
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = run(["bash", "-c"], script, home=tmp_path)
    assert (set(done.stdout.split()), done.stderr) == (found, "")
