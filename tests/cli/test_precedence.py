"""Flag, variable, config file, default: the first that says something wins."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.cli.process import run
from tests.cli.program import root

if TYPE_CHECKING:
    from pathlib import Path

# Where a value of --jobs and of --catalogue may come from, the strongest first.
JOBS = ("flag", "variable", "table")
CATALOGUE = ("flag", "variable", "table", "top")


def values(arguments: list[str], env: dict[str, str], config: str, folder: Path) -> dict[str, str]:
    """What the command `values` of the made program saw."""
    file = folder / "config.toml"
    file.write_text(config, encoding="utf-8")
    runner = CliRunner()
    with runner.isolation(env={"RECOGNIZE_CONFIG": str(file), "HOME": str(folder), **env}) as (out, err, _):
        code = run(root, arguments)
        lines = out.getvalue().decode().splitlines()
    assert code == 0, err.getvalue().decode()
    return dict(line.split("=", 1) for line in lines)


@given(given_by=st.sets(st.sampled_from(JOBS)), numbers=st.permutations(range(3, 9)))
def test_an_option_of_one_command(
    tmp_path_factory: pytest.TempPathFactory, given_by: set[str], numbers: list[int]
) -> None:
    said = dict(zip(JOBS, numbers, strict=False))
    found = values(
        ["values", *(["--jobs", str(said["flag"])] if "flag" in given_by else [])],
        {"RECOGNIZE_VALUES_JOBS": str(said["variable"])} if "variable" in given_by else {},
        f"[values]\njobs = {said['table']}\n" if "table" in given_by else "",
        tmp_path_factory.getbasetemp(),
    )
    strongest = next((said[origin] for origin in JOBS if origin in given_by), 2)
    assert found["jobs"] == str(strongest)


@given(given_by=st.sets(st.sampled_from(CATALOGUE)))
def test_an_option_that_commands_share(tmp_path_factory: pytest.TempPathFactory, given_by: set[str]) -> None:
    top = 'catalogue = "top"\n' if "top" in given_by else ""
    found = values(
        ["values", *(["--catalogue", "flag"] if "flag" in given_by else [])],
        {"RECOGNIZE_CATALOGUE": "variable"} if "variable" in given_by else {},
        top + ('[values]\ncatalogue = "table"\n' if "table" in given_by else ""),
        tmp_path_factory.getbasetemp(),
    )
    strongest = next((origin for origin in CATALOGUE if origin in given_by), None)
    assert found["catalogue"] == strongest if strongest else found["catalogue"].endswith("catalogue.sqlite3")


def test_every_kind_of_value_comes_out_of_a_file(tmp_path: Path) -> None:
    config = """
        offline = true
        [values]
        size = "8MiB"
        wait-for = "1h30m"
        full = true
        exclude = ["*.tmp", "cache dir"]
        backend = ["small", "faces=auto"]
        jobs = 3
        kind = "audio"
        file = "~/x"
        catalogue = "~nobody-of-that-name/y"
    """
    found = values(["values"], {}, config, tmp_path)
    assert found == {
        "names": "()",
        "size": str(8 * 1024**2),
        "patience": "5400.0",
        "full": "True",
        "exclude": "('*.tmp', 'cache dir')",
        "backend": "((None, 'small'), ('faces', 'auto'))",
        "jobs": "3",
        "kind": "audio",
        "file": str(tmp_path / "x"),
        "catalogue": "~nobody-of-that-name/y",
        "offline": "True",
    }


def test_sizes_in_a_file_may_be_bare_numbers(tmp_path: Path) -> None:
    assert values(["values"], {}, "[values]\nsize = 1000\n", tmp_path)["size"] == "1000"


@pytest.mark.parametrize(
    ("arguments", "env", "config"),
    [
        (["--backend", "small", "--backend", "faces=auto"], {}, "[values]\nbackend = 'auto'"),
        ([], {"RECOGNIZE_VALUES_BACKEND": "small faces=auto"}, "[values]\nbackend = 'auto'"),
        ([], {}, "[values]\nbackend = ['small', 'faces=auto']"),
    ],
    ids=["flags", "variable", "file"],
)
def test_values_by_name_come_from_everywhere(
    tmp_path: Path, arguments: list[str], env: dict[str, str], config: str
) -> None:
    found = values(["values", *arguments], env, config, tmp_path)
    assert found["backend"] == "((None, 'small'), ('faces', 'auto'))"


def test_a_file_may_hold_one_value_without_a_list(tmp_path: Path) -> None:
    assert values(["values"], {}, "[values]\nbackend = 'small'", tmp_path)["backend"] == "((None, 'small'),)"


def test_an_empty_variable_says_nothing(tmp_path: Path) -> None:
    assert values(["values"], {"RECOGNIZE_VALUES_JOBS": ""}, "", tmp_path)["jobs"] == "2"


def failing(
    arguments: list[str],
    config: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    env: dict[str, str] | None = None,
) -> str:
    """What the program says on stderr when it ends with 2."""
    file = folder / "config.toml"
    file.write_text(config, encoding="utf-8")
    with patch.dict(os.environ, {"RECOGNIZE_CONFIG": str(file), **(env or {})}):
        assert run(root, arguments) == 2
    return capsys.readouterr().err.replace(str(file), "FILE")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("catalog = 'x'", "FILE: the key 'catalog' is not known; did you mean 'catalogue'?"),
        ("values = 3", "FILE: the key 'values' must be a table, not a whole number"),
        ("[valeus]\n", "FILE: the key 'valeus' is not known; did you mean 'values'?"),
        ("[values]\njob = 3", "FILE [values]: the key 'job' is not known; did you mean 'jobs'?"),
        ("[values]\njobs = '3'", "FILE [values]: the key 'jobs' must be a whole number, not a string"),
        ("[values]\njobs = 99", "FILE [values]: the key 'jobs' is refused: 99 is not in the range 1<=x<=8."),
        (
            "[values]\nkind = 'video'",
            "FILE [values]: the key 'kind' is refused: 'video' is not one of 'image', 'audio'.",
        ),
        ("[values]\nsize = '8 apples'", "FILE [values]: the key 'size' is refused: '8 apples' is not a size"),
        ("[values]\nexclude = '*'", "FILE [values]: the key 'exclude' must be a list, not a string"),
        (
            "[values]\nbackend = ['auto', 'musik=auto']",
            "FILE [values]: the key 'backend' is refused: there is no recognizer 'musik'; there are actions",
        ),
        ("[values]\nbackend = 1", "FILE [values]: the key 'backend' must be a string, not a whole number"),
        ("offline = 'yes'", "FILE: the key 'offline' must be true or false, not a string"),
        ("config = 'other.toml'", "FILE: the key 'config' is not known"),
        ("[values]\nverbose = 1", "FILE [values]: the key 'verbose' is not known"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], config: str, message: str
) -> None:
    assert failing(["values"], config, tmp_path, capsys).startswith(f"recognize: error: {message}")


def test_the_tables_of_other_commands_are_not_read(tmp_path: Path) -> None:
    assert values(["values"], {}, "[models.fetch]\nnonsense = 1\n", tmp_path)["jobs"] == "2"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("[models.fetch]\nnonsense = 1", "FILE [models.fetch]: the key 'nonsense' is not known"),
        ("[models]\nfetsh = {}", "FILE [models]: the key 'fetsh' is not known; did you mean 'fetch'?"),
        ("[models]\nfetch = 1", "FILE [models]: the key 'fetch' must be a table, not a whole number"),
    ],
)
def test_tables_of_commands_in_a_group(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], config: str, message: str
) -> None:
    assert failing(["models", "fetch"], config, tmp_path, capsys).startswith(f"recognize: error: {message}")


def test_a_command_in_a_group_takes_its_table_and_returns_its_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.toml"
    file.write_text("offline = true\n[models.fetch]\nsize = '1k'\n")
    assert run(root, ["--config", str(file), "models", "fetch"]) == 3
    assert capsys.readouterr().out == "size=1024 offline=True\n"


def test_a_bad_variable_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    messages = failing(["values"], "", tmp_path, capsys, {"RECOGNIZE_VALUES_JOBS": "many"})
    assert "error: Invalid value for RECOGNIZE_VALUES_JOBS: 'many' is not a valid integer" in messages


def test_a_bad_flag_is_named_even_if_the_variable_is_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = failing(["values", "--jobs", "x"], "", tmp_path, capsys, {"RECOGNIZE_VALUES_JOBS": "3"})
    assert "error: Invalid value for '--jobs': 'x' is not a valid integer" in messages
