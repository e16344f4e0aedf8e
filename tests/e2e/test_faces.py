"""People in photos, by the installed command, as cron and a user at a terminal call it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from recognize_cli.catalogue import SqliteCatalogue
from recognize_cli.locking import acquire
from tests.catalogue.making import assert_sound
from tests.support.command import Recognize, wait_until
from tests.support.faces import THRESHOLD, album, fill, groups, partition

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """A catalogue with four photos of each of three people."""
    path = tmp_path / "catalogue.sqlite3"
    fill(path, album(3, 4))
    return path


@pytest.fixture
def user(tmp_path: Path, catalogue: Path) -> Recognize:
    """Somebody whose catalogue that is."""
    home = tmp_path / "home"
    home.mkdir()
    variables = {
        "RECOGNIZE_CATALOGUE": str(catalogue),
        "RECOGNIZE_FACES_CLUSTER_THRESHOLD": str(THRESHOLD),
    }
    return Recognize(home, variables=variables)


def ok(user: Recognize, *words: object) -> str:
    done = user("faces", *map(str, words))
    assert (done.code, done.stderr) == (0, "")
    return done.stdout.decode()


def exported(user: Recognize) -> dict[str, tuple[int | None, str | None]]:
    """The person and the name of the face in each photo."""
    records = map(json.loads, ok(user, "export").splitlines())
    return {f"{each['source']}/{each['path']}": (each["person"], each["name"]) for each in records}


def test_corrections_survive_whatever_comes(user: Recognize, catalogue: Path) -> None:
    ok(user, "cluster")
    first, second, third = (exported(user)[f"/data/{n}-0.jpg"][0] for n in (1, 2, 3))
    ok(user, "name", first, "Ada")
    ok(user, "merge", second, third)
    faces = {each["path"]: each["face"] for each in map(json.loads, ok(user, "export").splitlines())}
    split = int(ok(user, "split", faces["2-0.jpg"], faces["2-1.jpg"]))
    ok(user, "remove", faces["3-0.jpg"])
    before = exported(user)
    assert before["/data/1-0.jpg"] == (first, "Ada")
    assert before["/data/2-0.jpg"] == before["/data/2-1.jpg"] == (split, None)
    assert before["/data/2-2.jpg"] == before["/data/3-1.jpg"] == (second, None)
    assert before["/data/3-0.jpg"] == (None, None)
    for run in range(4):
        ok(user, "cluster", *(["--rebuild"] if run % 2 else []), "--threshold", (0.1, 1.2, 0.6, 1.6)[run])
        assert exported(user) == before
    assert_sound(catalogue)


def test_killed_at_any_moment_the_old_state_is_there_or_the_new(user: Recognize, catalogue: Path) -> None:
    ok(user, "cluster")
    fill(catalogue, album(5, 3, prefix="new"))
    old = partition(catalogue)
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.faces_victim", str(catalogue), "cluster"],
        cwd=REPOSITORY,
        env=user.environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    ended = int(done.stdout.split()[-1])
    new = partition(Path(f"{catalogue}.{ended}"))
    assert old != new
    found = []
    for statement in range(1, ended):
        copy = Path(f"{catalogue}.{statement}")
        found.append(partition(copy))
        assert_sound(copy)
    assert set(map(frozenset, found)) <= {frozenset(old), frozenset(new)}
    assert found[0] == old
    assert ended > 10


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_waiting_for_another_run_can_be_ended(
    user: Recognize, catalogue: Path, number: signal.Signals
) -> None:
    with acquire(catalogue, wait=False):
        process = user.start("faces", "cluster", "--wait")
        try:
            wait_until(lambda: catches_sigterm(process.pid), "the command runs")
            process.send_signal(number)
            assert process.wait(60) == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
        finally:
            process.kill()
            process.communicate()
    assert set(groups(catalogue).values()) == {0}


def catches_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    [caught] = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def test_whoever_waits_gets_their_turn(user: Recognize, catalogue: Path) -> None:
    with acquire(catalogue, wait=False):
        process = user.start("faces", "cluster", "--wait", stdout=subprocess.DEVNULL)
    assert process.wait(60) == 0
    process.communicate()
    assert len(partition(catalogue)) == 3


def test_nobody_reads_to_the_end(user: Recognize, catalogue: Path) -> None:
    fill(catalogue, album(20, 30, prefix="many"))
    with user.start("faces", "export") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b'{"type":"face",')
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("recognize faces show Ad", ["Ada\\ Lovelace", "Adam"]),
        ("recognize faces show ad", ["Ada\\ Lovelace", "Adam"]),
        (r"recognize faces merge Adam Ada\\\ Lo", ["Ada\\ Lovelace"]),
        ("recognize faces name ''", ["Ada\\ Lovelace", "Adam", "3"]),
        ("recognize faces export --format csv 2", ["2"]),
        ("recognize faces show nobody", []),
        ("recognize faces list --un", ["--unnamed"]),
    ],
)
def test_bash_completes_people(user: Recognize, catalogue: Path, words: str, found: list[str]) -> None:
    with SqliteCatalogue.open(catalogue) as opened:
        for face, name in ((1, "Ada Lovelace"), (5, "Adam"), (9, None)):
            opened.face_store.rename(opened.face_store.split([face]), name)
    assert completed(user, words) == found


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_completion_looks_where_the_command_would(user: Recognize, catalogue: Path) -> None:
    with SqliteCatalogue.open(catalogue) as opened:
        opened.face_store.rename(opened.face_store.split([1]), "Ada")
    del user.variables["RECOGNIZE_CATALOGUE"]
    assert completed(user, "recognize faces show A") == []
    assert completed(user, f"recognize faces show --catalogue {catalogue} A") == ["Ada"]
    config = user.home / ".config" / "recognize" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f"catalogue = '{catalogue}'\n")
    assert completed(user, "recognize faces show A") == ["Ada"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_completion_is_silent_where_there_is_nothing(user: Recognize, catalogue: Path) -> None:
    catalogue.write_text("this is no catalogue")
    assert completed(user, "recognize faces show A") == []
    catalogue.unlink()
    assert completed(user, "recognize faces show A") == []
    assert not catalogue.exists()


def completed(user: Recognize, words: str) -> list[str]:
    """What bash offers for the last of some words."""
    script = f"""
        eval "$(recognize completion bash)"
        COMP_WORDS=({words})
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _recognize_completion recognize
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = f"{Path(sys.executable).parent}:{user.environment()['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        env={**user.environment(), "PATH": path},
        cwd=user.home,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]
