from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.errors import ConfigError
from recognize_cli.ignore import ALL_KINDS, MARKERS, Filters, Rule, Why, allowed
from recognize_cli.records import Kind
from tests.sources import oracle

MANUAL = Path(__file__).parent.parent / "docs" / "filters.md"

SEGMENTS = st.sampled_from(["a", "b", "ab", "a.jpg", "b.jpg", ".x", "new\nline", "\udcff", "é"])
GLOBS = st.sampled_from(["a", "b", "*", "**", "?", "a*", "*.jpg", "*b*", "a?", ".*", "?\n*", "\udcff", "**b"])
PATHS = st.lists(SEGMENTS, min_size=1, max_size=5).map("/".join)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    glob = "/".join(draw(st.lists(GLOBS, min_size=1, max_size=4)))
    return Rule(
        draw(st.booleans()), draw(st.sampled_from(["", "/"])) + glob + draw(st.sampled_from(["", "/"]))
    )


def decided(filters: Filters, path: str, size: int = 0) -> Why:
    """What a walk would make of a file, were no directory passed over."""
    names = path.split("/")
    rule = filters.unmatched
    for depth in range(1, len(names)):
        rule = filters.first_for_directory(rule, "/".join(names[:depth]))
    return filters.judge(filters.first_for_file(rule, path), size)


def is_in(path: str, *options: str) -> bool:
    """Whether a file is in with options like ``+*.jpg`` and ``-/private/``."""
    filters = Filters([Rule(option[0] == "+", option[1:]) for option in options])
    return decided(filters, path) is Why.SELECTED


class TestMarkers:
    def test_each_marker_covers_its_kinds(self) -> None:
        assert allowed(ALL_KINDS, [".nomedia"]) == frozenset()
        assert allowed(ALL_KINDS, [".noimage"]) == {Kind.AUDIO, Kind.VIDEO}
        assert allowed(ALL_KINDS, [".nomusic"]) == {Kind.IMAGE, Kind.VIDEO}
        assert allowed(ALL_KINDS, [".novideo"]) == {Kind.IMAGE, Kind.AUDIO}

    def test_markers_add_up(self) -> None:
        assert allowed(ALL_KINDS, ["a.jpg", ".noimage", "b", ".nomusic"]) == {Kind.VIDEO}
        assert allowed(ALL_KINDS, [".noimage", ".nomusic", ".novideo"]) == frozenset()

    @pytest.mark.parametrize(
        "name", [".NoMedia", ".NOMEDIA", "nomedia", ".nomedia ", ".nomedia.txt", ".nomedi", ""]
    )
    def test_only_the_exact_name_counts(self, name: str) -> None:
        assert allowed(ALL_KINDS, [name]) == ALL_KINDS

    @given(st.frozensets(st.sampled_from(Kind)), st.lists(st.sampled_from([*MARKERS, "a.jpg"])))
    def test_nothing_below_is_allowed_that_is_not_allowed_above(
        self, above: frozenset[Kind], names: list[str]
    ) -> None:
        below = allowed(above, names)
        assert below <= above
        assert allowed(below, reversed(names)) == below


class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "matching", "other"),
        [
            (
                "a.jpg",
                ["a.jpg", "x/a.jpg", "x/y/a.jpg", "a.jpg/b.jpg"],
                ["aa.jpg", "x/ba.jpg", "A.jpg", "a.jpg2"],
            ),
            (
                "*.jpg",
                ["a.jpg", ".jpg", ".a.jpg", "x/a.jpg", "new\nline.jpg"],
                ["a.JPG", "a.jpg.txt", "a.jpg\n"],
            ),
            ("@eaDir", ["@eaDir/a.jpg", "x/@eaDir/y/a.jpg", "@eaDir"], ["@eaDir2/a.jpg", "x@eaDir/a.jpg"]),
            (
                "/private",
                ["private", "private/a.jpg", "private/x/a.jpg"],
                ["x/private/a.jpg", "private2/a.jpg"],
            ),
            ("private/", ["private/a.jpg", "x/private/y/a.jpg"], ["private", "x/private"]),
            ("/x/*.jpg", ["x/a.jpg", "x/b.jpg/c.jpg"], ["a.jpg", "x/y/a.jpg", "y/x/a.jpg"]),
            ("x/y", ["x/y", "x/y/a.jpg", "z/x/y/a.jpg"], ["x/z/y", "xx/y", "x"]),
            ("/x/**", ["x/a.jpg", "x/y/a.jpg"], ["x", "y/x/a.jpg"]),
            ("/x/**/a.jpg", ["x/a.jpg", "x/y/a.jpg", "x/y/z/a.jpg"], ["a.jpg", "xx/a.jpg", "z/x/a.jpg"]),
            ("**/a.jpg", ["a.jpg", "x/a.jpg", "x/y/a.jpg"], ["x/ba.jpg"]),
            ("**", ["a.jpg", "x/y/a.jpg"], []),
            ("**/", ["x/a.jpg"], ["a.jpg"]),
            ("/*", ["a.jpg", "x/y/a.jpg"], []),
            ("/*/", ["x/a.jpg"], ["a.jpg"]),
            ("IMG_????.jpg", ["IMG_0001.jpg", "x/IMG_äöüß.jpg"], ["IMG_001.jpg", "IMG_00/1.jpg"]),
            ("[ab]?[!c-e].jpg", ["axx.jpg", "b\nf.jpg"], ["cxx.jpg", "axd.jpg", "a/x.jpg"]),
            ("*.{jpg,png}", ["a.jpg", "x/b.png"], ["a.gif", "a.{jpg,png}"]),
            ("/{x,y/}", ["x", "x/a.jpg", "y/a.jpg"], ["y", "z/x", "z/y/a.jpg"]),
            ("\\*.jpg", ["*.jpg"], ["a.jpg", "\\*.jpg"]),
            ("a\\[1].jpg", ["a[1].jpg"], ["a1.jpg"]),
            ("caf\udce9.*", ["caf\udce9.jpg"], ["café.jpg", "cafe.jpg"]),
            ("caf?.jpg", ["caf\udce9.jpg", "café.jpg"], ["caf\udcc3\udca9.jpg"]),
            ("👨‍👩‍👧*", ["👨‍👩‍👧.jpg"], ["👨.jpg"]),
            ("/x//y/", ["x/y/a.jpg"], ["x/y"]),
            ("!a", ["!a"], ["b", "a"]),
            ("# a ", ["# a "], ["# a"]),
            ("a**b", ["ab", "axxb"], ["a/b"]),
        ],
    )
    def test_a_pattern_matches_a_file_or_a_directory_above_it(
        self, pattern: str, matching: list[str], other: list[str]
    ) -> None:
        assert [path for path in matching if not is_in(path, f"+{pattern}")] == []
        assert [path for path in other if is_in(path, f"+{pattern}")] == []

    def test_the_table_in_the_manual_is_right(self) -> None:
        rows = [row for row in MANUAL.read_text(encoding="utf-8").splitlines() if row.startswith("| `")]
        tried = 0
        for row in rows:
            pattern, *columns = (re.findall("`([^`]+)`", cell) for cell in row.strip("| ").split(" | "))
            if len(columns) == 2:
                matching, other = columns
                assert [path for path in matching if not is_in(path, f"+{pattern[0]}")] == []
                assert [path for path in other if is_in(path, f"+{pattern[0]}")] == []
                tried += 1
        assert tried > 10

    @pytest.mark.parametrize("pattern", ["", "/", "//", "{,}"])
    def test_an_empty_pattern_is_refused(self, pattern: str) -> None:
        with pytest.raises(ConfigError, match=r"--exclude '.*': the pattern is empty"):
            Filters([Rule(False, pattern)])

    @pytest.mark.parametrize("pattern", ["./private", "private/..", "/a/./b", "../x"])
    def test_a_pattern_that_climbs_is_refused(self, pattern: str) -> None:
        with pytest.raises(ConfigError, match=r"--include '.*': a pattern has no"):
            Filters([Rule(True, pattern)])

    def test_braces_that_stand_for_too_much_are_refused(self) -> None:
        with pytest.raises(ConfigError, match="too many"):
            Filters([Rule(True, "{1..100000}.jpg")])

    @given(st.text(st.characters(exclude_characters="\0"), max_size=20), PATHS)
    def test_any_pattern_is_understood_or_refused(self, pattern: str, path: str) -> None:
        try:
            filters = Filters([Rule(True, pattern)])
        except ConfigError:
            return
        assert decided(filters, path) in {Why.SELECTED, Why.NO_RULE}


class TestRules:
    def test_without_rules_everything_is_in(self) -> None:
        assert is_in("a.jpg")

    def test_with_excludes_only_the_rest_is_in(self) -> None:
        assert is_in("a.jpg", "-*.png")
        assert not is_in("a.png", "-*.png")

    def test_with_an_include_the_rest_is_out(self) -> None:
        assert is_in("a.png", "+*.png")
        assert not is_in("a.jpg", "+*.png")
        assert not is_in("a.jpg", "-*.gif", "+*.png")

    def test_the_first_that_matches_decides(self) -> None:
        assert is_in("trip/best/a.jpg", "+/trip/best/", "-/trip/")
        assert not is_in("trip/a.jpg", "+/trip/best/", "-/trip/")
        assert not is_in("trip/best/a.jpg", "-/trip/", "+/trip/best/")

    def test_a_rule_for_a_directory_comes_before_a_later_one_for_the_file(self) -> None:
        assert is_in("trip/a.png", "+/trip/", "-*.png")
        assert not is_in("trip/a.png", "-*.png", "+/trip/")

    def test_too_large_is_more_than_the_limit(self) -> None:
        filters = Filters(max_size=100)
        assert filters.judge(filters.unmatched, 100) is Why.SELECTED
        assert filters.judge(filters.unmatched, 101) is Why.TOO_LARGE

    def test_the_reason_tells_a_rule_from_the_lack_of_one(self) -> None:
        filters = Filters([Rule(False, "*.png"), Rule(True, "/x/")], max_size=1)
        assert decided(filters, "x/a.png", 2) is Why.RULE
        assert decided(filters, "y/a.jpg", 2) is Why.NO_RULE
        assert decided(filters, "x/a.jpg", 2) is Why.TOO_LARGE

    @given(st.lists(rules(), max_size=4), PATHS)
    def test_they_decide_as_the_manual_says(self, rules: list[Rule], path: str) -> None:
        assert (decided(Filters(rules), path) is Why.SELECTED) == oracle.ruled_in(path, rules)


class TestDirectoriesPassedOver:
    @staticmethod
    def closes(directory: str, *options: str) -> bool:
        filters = Filters([Rule(option[0] == "+", option[1:]) for option in options])
        return filters.closes(filters.first_for_directory(filters.unmatched, directory), directory)

    @pytest.mark.parametrize(
        ("directory", "options"),
        [
            ("trip", ["-trip"]),
            ("trip", ["-/trip/", "+*.jpg"]),
            ("trip", ["-/trip/**"]),
            ("trip", ["+/other/", "-/trip"]),
            ("2023", ["+/2024/"]),
            ("2023", ["+/2024/**/*.jpg"]),
            ("2024/b", ["+/2024/a/"]),
            ("2023", ["+/202[45]/x", "+/2026"]),
            ("a", ["+/{b,c/d}/*.jpg"]),
            ("a/b", ["+/a/*.jpg"]),
        ],
    )
    def test_where_no_file_can_be_in(self, directory: str, options: list[str]) -> None:
        assert self.closes(directory, *options)

    @pytest.mark.parametrize(
        ("directory", "options"),
        [
            ("trip", []),
            ("trip", ["-/trip/*.jpg"]),
            ("trip", ["+*.jpg"]),
            ("trip", ["+*.jpg", "-/trip/"]),
            ("trip", ["+/trip/best/", "-/trip/"]),
            ("2024", ["+/2024/a/b/"]),
            ("2024", ["+/**/b.jpg"]),
            ("2024", ["+/*/b.jpg"]),
            ("2024", ["+/2024/"]),
        ],
    )
    def test_where_one_may_be(self, directory: str, options: list[str]) -> None:
        assert not self.closes(directory, *options)

    @given(st.lists(rules(), max_size=4), PATHS, PATHS)
    def test_nothing_below_them_is_in(self, rules: list[Rule], directory: str, below: str) -> None:
        filters = Filters(rules)
        rule = filters.unmatched
        names = directory.split("/")
        for depth in range(1, len(names) + 1):
            rule = filters.first_for_directory(rule, "/".join(names[:depth]))
        if filters.closes(rule, directory):
            assert decided(filters, f"{directory}/{below}") is not Why.SELECTED


def test_no_glob_library_is_loaded_where_there_are_no_rules() -> None:
    code = "import sys; from recognize_cli.ignore import Filters; Filters(); print('wcmatch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
