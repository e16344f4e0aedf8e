from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from recognize_cli.cli.app import root

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Called

    Call = Callable[..., Called]


def shown(call: Call, *arguments: str, env: dict[str, str] | None = None) -> dict[tuple[str, str], Any]:
    done = call(root, *arguments, "config", "show", "--format", "json", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert (document["type"], document["schema"]) == ("settings", 1)
    return {(each["command"], each["option"]): each for each in document["settings"]}


def test_each_setting_says_where_it_comes_from(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("catalogue = '/c'\n[doctor]\nformat = 'json'\n[config.show]\nformat = 'json'\n")
    found = shown(call, "-v", "--config", str(file), env={"RECOGNIZE_OFFLINE": "1"})
    assert found["doctor", "catalogue"] == {
        "command": "doctor",
        "option": "catalogue",
        "value": "/c",
        "origin": "file",
        "where": str(file),
        "variable": "RECOGNIZE_CATALOGUE",
    }
    assert found["doctor", "format"]["origin"] == "file"
    assert found["doctor", "offline"]["origin"] == "environment"
    assert found["doctor", "offline"]["where"] == "RECOGNIZE_OFFLINE"
    assert found["doctor", "store"] == {
        "command": "doctor",
        "option": "store",
        "value": None,
        "origin": "default",
        "where": None,
        "variable": "RECOGNIZE_MODELS",
    }
    assert (found["", "verbose"]["value"], found["", "verbose"]["origin"]) == (1, "flag")
    assert found["config show", "format"]["origin"] == "file"


def test_the_default_file_is_found(call: Call, tmp_path: Path) -> None:
    file = tmp_path / ".config" / "recognize" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("offline = true\n")
    assert shown(call)["doctor", "offline"]["where"] == str(file)
    elsewhere = tmp_path / "xdg"
    assert shown(call, env={"XDG_CONFIG_HOME": str(elsewhere)})["doctor", "offline"]["value"] is False


def test_text_for_people_and_one_command_only(call: Call) -> None:
    done = call(root, "config", "show", "doctor")
    assert done.stdout.startswith("config file: none\n\nrecognize doctor\n  format = text  (default)\n")
    assert "recognize config" not in done.stdout
    done = call(root, "config", "show", "config")
    assert "\nrecognize config show\n" in done.stdout


def test_a_command_that_is_none(call: Call) -> None:
    done = call(root, "config", "show", "doc")
    assert done.returncode == 2
    assert "Invalid value for COMMAND: no command 'doc' has settings" in done.stderr


def test_all_tables_are_checked(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[doctor]\nfromat = 'json'\n")
    done = call(root, "--config", str(file), "config", "show")
    assert done.returncode == 2
    assert done.stderr == (
        f"recognize: error: {file} [doctor]: the key 'fromat' is not known; did you mean 'format'?\n"
    )


def test_a_bad_variable_of_another_command_is_an_error(call: Call) -> None:
    done = call(root, "config", "show", env={"RECOGNIZE_DOCTOR_FORMAT": "xml"})
    assert done.returncode == 2
    assert done.stderr.startswith("recognize: error: RECOGNIZE_DOCTOR_FORMAT: 'xml' is not one of")


def test_variables_that_mean_nothing_are_named(call: Call) -> None:
    done = call(root, "config", "show", env={"RECOGNIZE_CATALOG": "x"})
    assert done.returncode == 0
    assert "the variable RECOGNIZE_CATALOG means nothing to recognize; did you mean RECOGNIZE_CATALOGUE?" in (
        done.stderr
    )


def test_path(call: Call, tmp_path: Path) -> None:
    done = call(root, "config", "path")
    assert done.stdout == f"{tmp_path}/.config/recognize/config.toml\n"
    assert call(root, "--config", "/x", "config", "path").stdout == "/x\n"
