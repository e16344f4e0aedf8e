"""The documentation says what is so."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from recognize_cli.errors import ExitCode
from recognize_cli.records import Gone, Reason

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.glob("*.md")])
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_every_page_is_named_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [page.name for page in DOCS.glob("*.md") if f"docs/{page.name}" not in readme] == []


def test_the_examples_of_records_are_json_with_the_fields_that_all_have() -> None:
    text = (DOCS / "json.md").read_text("utf-8")
    records = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    of_scans = {"file", "error", "removed", "push", "summary"}
    assert {record["type"] for record in records} == of_scans | {"face", "person", "faces-cluster"}
    assert all(record["schema"] == 1 for record in records)


def test_every_reason_is_explained() -> None:
    text = (DOCS / "json.md").read_text("utf-8")
    assert [reason for reason in Reason if f"| `{reason}` |" not in text] == []
    assert [why for why in Gone if f"`{why}`" not in text] == []


def test_every_exit_code_that_a_user_may_see_is_explained() -> None:
    text = (DOCS / "unattended.md").read_text("utf-8")
    listed = {
        int(code) for row in re.findall(r"^\| ([\d, ]+) \|", text, re.MULTILINE) for code in row.split(",")
    }
    assert listed == {code.value for code in ExitCode}


@pytest.mark.parametrize("name", ["recognize.service", "recognize.timer"])
def test_the_systemd_units_can_be_read(name: str) -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read(DOCS / "systemd" / name)
    assert "Unit" in parser
    if name.endswith(".service"):
        codes = {int(code) for code in parser["Service"]["SuccessExitStatus"].split()}
        assert codes == {ExitCode.SOME_FAILED, ExitCode.TIME_LIMIT}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in (DOCS / "systemd").iterdir():
        text = unit.read_text("utf-8").replace("/usr/local/bin/recognize", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "recognize.service")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if "recognize." in line]
    assert complaints == []


def test_no_package_index_is_named() -> None:
    """Mirrors that a user has configured must keep working, so no host is written down anywhere."""
    hosts = ["pypi." + "org", "pythonhosted." + "org", "registry.npmjs." + "org", "deb.debian." + "org"]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this is no checkout")
    files = [ROOT / name.decode() for name in listed.stdout.split(b"\0") if name]
    named = [
        (path.name, host)
        for path in files
        if path.is_file()
        for host in hosts
        if host.encode() in path.read_bytes()
    ]
    assert named == []
