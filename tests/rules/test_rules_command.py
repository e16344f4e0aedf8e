"""`recognize rules`: what a person and a script get to see."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from recognize_cli.cli.rules import command
from recognize_cli.errors import RulesError

if TYPE_CHECKING:
    from pathlib import Path

MINE = "tabby:\n  label: kitty\n  threshold: 0.2\nlynx:\n  label: kitty\nunicorn: {}\n"


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(command, arguments, env=environment, catch_exceptions=False)


@pytest.fixture
def mine(tmp_path: Path) -> str:
    path = tmp_path / "mine.yml"
    path.write_text(MINE)
    return str(path)


def test_check_without_a_file_checks_the_shipped_rules() -> None:
    result = run("check")
    assert result.exit_code == 0
    assert "rules.yml: no errors; " in result.stdout
    assert " of 1650 classes give " in result.stdout


def test_check_reports_what_has_no_effect(mine: str) -> None:
    assert run("check", mine).stdout.splitlines() == [
        f"{mine}:4: `lynx` has no threshold, so it never gives a tag",
        f"{mine}:6: `unicorn` names no class of the model, and no rule points to it",
        f"{mine}: no errors; 2 of 1000 classes give 1 tags",
    ]


def test_check_takes_the_file_from_the_environment_and_speaks_json(mine: str) -> None:
    report = json.loads(run("check", "--format", "json", RECOGNIZE_RULES=mine).stdout)
    assert report.pop("fingerprint").isalnum()
    assert len(report.pop("warnings")) == 2
    assert report == {
        "type": "rules-check",
        "schema": 1,
        "file": mine,
        "classes": 1000,
        "classes_with_tags": 2,
        "tags": 1,
    }


def test_check_of_a_broken_file_names_the_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text("tabby:\n  threshold: 7\n")
    with pytest.raises(RulesError, match=r"broken.yml:2: `threshold` of `tabby` must be"):
        run("check", str(broken))


def test_show_a_class_by_name_id_or_both() -> None:
    for words in (
        ["golden", "retriever"],
        ["GOLDEN RETRIEVER"],
        ["n02099601"],
        ["n02099601 golden retriever"],
    ):
        assert run("show", *words).stdout.startswith(
            "class golden retriever (n02099601): Dog, Animal from 0."
        )


def test_show_a_class_without_tags_and_one_of_two_meanings(mine: str) -> None:
    assert run("show", "revolver").stdout == "class revolver (n04086273): no tag\n"
    assert run("show", "lynx", "--rules", mine).stdout == "class lynx (n02127052): no tag\n"
    assert len(run("show", "crane").stdout.splitlines()) == 2


def test_show_a_tag_with_its_classes(mine: str) -> None:
    assert run("show", "kitty", "--rules", mine).stdout.splitlines() == [
        "tag Kitty: 2 classes",
        "  0.20  tabby (n02123045)",
        "  never  lynx (n02127052)",
    ]


def test_show_what_is_both_a_class_and_a_tag(tmp_path: Path) -> None:
    path = tmp_path / "pizza.yml"
    path.write_text("pizza: {label: pizza, categories: [food], threshold: 0.25}\n")
    assert run("show", "pizza", "--rules", str(path)).stdout.splitlines() == [
        "class pizza (n07873807): Pizza, Food from 0.25",
        "tag Pizza: 1 class",
        "  0.25  pizza (n07873807)",
    ]


def test_show_everything() -> None:
    lines = run("show").stdout.splitlines()
    assert any(line.split() == ["Dog", "122", "classes"] for line in lines)
    assert lines == sorted(lines)


def test_show_as_json(mine: str) -> None:
    shown = json.loads(run("show", "tabby", "--rules", mine, "--format", "json").stdout)
    entry = {"class": "tabby", "id": "n02123045", "threshold": 0.2, "label": "Kitty", "categories": []}
    assert shown == {"type": "rules", "schema": 1, "classes": [entry], "tags": [], "names": []}
    shown = json.loads(run("show", "--rules", mine, "--format", "json").stdout)
    assert len(shown["classes"]) == 1000
    assert [(tag["name"], tag["classes"][1]["threshold"]) for tag in shown["tags"]] == [("Kitty", None)]


def test_show_something_unknown_suggests_what_is_near() -> None:
    result = run("show", "golden", "retreiver")
    assert result.exit_code == 2
    assert "There is no class and no tag 'golden retreiver'. Did you mean golden retriever" in result.stderr


def test_show_what_names_give() -> None:
    line = "any class of landmarks: its name, Landmark from 0.90, for the best one"
    assert run("show", "landmark").stdout.splitlines() == [line]
    assert line in run("show").stdout.splitlines()
    rule = {"recognizer": "landmarks", "threshold": 0.9, "categories": ["Landmark"], "most": 1}
    shown = json.loads(run("show", "Landmark", "--format", "json").stdout)
    assert shown == {"type": "rules", "schema": 1, "classes": [], "tags": [], "names": [rule]}
    assert "Did you mean Landmark" in run("show", "landmrk").stderr


def test_show_names_of_which_several_count(tmp_path: Path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text("version: 1\nlandmarks: {threshold: 0.5, most: 3}\n")
    assert run("show", "--rules", str(path)).stdout == (
        "any class of landmarks: its name from 0.50, for each of the best 3\n"
    )
