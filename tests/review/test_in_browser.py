"""The page in a real browser: what it asks for, what it looks like, what its keys and buttons do."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from recognize_cli.review.page import Pair
from recognize_cli.review.render import render
from tests.review.making import cell, page, person
from tests.review.test_render import EVIL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recognize_cli.review.page import PersonCard, ReviewPage
    from tests.review.browser import Tab

    Show = Callable[..., Tab]


def faces(person: int, count: int, name: str | None = None) -> PersonCard:
    """A person whose faces are numbered from a thousand times the person's number on."""
    cells = [cell(person * 1000 + n, f"{n}.jpg", person=person, person_name=name) for n in range(count)]
    return _person(person, name, *cells)


_person = person
ANN, BOB, THREE, FOUR = faces(1, 30, "Ann"), faces(2, 5, "Bob"), faces(3, 4), faces(4, 2)
SOME = page(
    ANN,
    BOB,
    THREE,
    FOUR,
    pairs=(Pair(ANN, THREE, 0.3), Pair(THREE, FOUR, 0.4)),
    unsure=(replace(ANN.cells[29], doubts=("blurred",)),),
    nobody=tuple(cell(id, "somebody.jpg") for id in range(1, 300)),
)


def commands(tab: Tab) -> list[str]:
    """What the tray has."""
    lines: list[str] = tab.js(
        "[...document.querySelectorAll('#commands code')].map(each => each.textContent)"
    )
    assert tab.js("document.getElementById('text').value") == "".join(f"{line}\n" for line in lines)
    assert tab.js("document.getElementById('collected').hidden") == (not lines)
    return lines


def tick(tab: Tab, *ids: int) -> Tab:
    for id in ids:
        tab.js(f"document.querySelector('.faces input[value=\"{id}\"]').click()")
    return tab


def click(tab: Tab, selector: str) -> Tab:
    tab.js(f"document.querySelector({selector!r}).click()")
    return tab


def name(tab: Tab, person: int, text: str) -> Tab:
    tab.js(f"document.querySelector('#person-{person} .name').select()")
    return tab.type(text) if text else tab.press("Backspace") and tab


def give(tab: Tab, to: str) -> Tab:
    tab.js("document.getElementById('owner').focus()")
    return tab.type(to).press("Enter")


def run_by_a_shell(line: str, tmp_path: Path) -> list[str]:
    """The arguments that a `recognize` gets from a line."""
    stub = tmp_path / "bin" / "recognize"
    stub.parent.mkdir(exist_ok=True)
    stub.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
    stub.chmod(0o755)
    path = {"PATH": f"{stub.parent}:/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", line], capture_output=True, env=path, check=True)
    return done.stdout.decode().split("\0")[:-1]


def trouble(tab: Tab) -> list[object]:
    """What the browser complained of; pictures that are not there do not count."""
    logged = [each["entry"] for each in tab.events("Log.entryAdded")]
    refused = [each["text"] for each in logged if "ERR_FILE_NOT_FOUND" not in each["text"]]
    return [*tab.events("Runtime.exceptionThrown"), *refused]


def requests(tab: Tab) -> list[str]:
    return [each["request"]["url"] for each in tab.events("Network.requestWillBeSent")]


# ---- what it asks for ----


def test_it_asks_for_nothing_but_files(show: Show) -> None:
    evil = faces(9, 3, EVIL)
    hostile = replace(SOME, people=(*SOME.people, evil), catalogue=EVIL, catalogue_option=EVIL)
    tab = show(hostile)
    name(tab, 3, "<img src=http://127.0.0.1/>")
    assert commands(tab) != []
    schemes = {url.split(":")[0] for url in requests(tab)}
    assert schemes <= {"file", "data"}
    assert trouble(tab) == []


def test_the_policy_stops_a_request_that_a_script_would_make(show: Show) -> None:
    tab = show(SOME)
    assert tab.js("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')") == "refused"
    assert any("Content Security Policy" in str(each) for each in trouble(tab))


def test_of_ten_thousand_faces_only_the_visible_ones_are_loaded(show: Show) -> None:
    people = [faces(id, 40) for id in range(1, 251)]
    tab = show(page(*people))
    assert tab.js("document.querySelectorAll('.faces li').length") == 10_000
    tab.js("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    pictures = [url for url in requests(tab) if url.endswith(".jpg")]
    assert 10 < len(pictures) < 800
    assert trouble(tab) == []


def test_without_javascript_it_can_be_read(show: Show, tmp_path: Path) -> None:
    tab = show(SOME, own=True)
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.open(tmp_path / "review" / "index.html")
    shown = "[...document.querySelectorAll({})].filter(each => each.checkVisibility()).length"
    assert tab.js(shown.format("'.card h3'")) == 4
    assert tab.js(shown.format("'.card img'")) > 10
    assert tab.js(shown.format("'input, button, .tray'")) == 0
    assert tab.js(shown.format("'noscript p'")) == 1


# ---- commands ----


def test_a_name_becomes_a_command_and_no_name_none(show: Show) -> None:
    tab = name(show(SOME), 3, "Cleo")
    assert commands(tab) == ["recognize faces name 3 Cleo"]
    assert commands(name(tab, 3, "")) == []
    assert tab.js("document.getElementById('tray').hidden")


AWKWARD = [
    *(
        "Ann O'Neil",
        "$(reboot) `reboot` ; reboot",
        '"quoted" \\ back',
        "-v",
        "--help",
        "Zoë ☃ 姓名",
        "!!",
        "*",
    ),
    *("''", "#", "~", "a\u00a0b"),
]


def test_a_shell_gets_every_name_as_it_was_typed(show: Show, tmp_path: Path) -> None:
    tab = show(SOME)
    for text in AWKWARD:
        (line,) = commands(name(tab, 3, text))
        got = run_by_a_shell(line, tmp_path)
        assert [word for word in got if word != "--"] == ["faces", "name", "3", text]
        assert ("--" in got) == text.startswith("-")


def test_a_catalogue_of_one_s_own_is_named_in_every_command(show: Show) -> None:
    tab = show(replace(SOME, catalogue_option="--catalogue 'a b'"))
    name(tab, 3, "Cleo")
    click(tick(tab, 1000), "#split")
    give(tick(tab, 1001), "Bob")
    assert commands(tab) == [
        "recognize faces split --catalogue 'a b' 1000",
        "recognize faces merge --catalogue 'a b' 2 \"$(recognize faces split --catalogue 'a b' 1001)\"",
        "recognize faces name --catalogue 'a b' 3 Cleo",
    ]


def test_ticked_faces_are_split_removed_or_given(show: Show, tmp_path: Path) -> None:
    tab = show(SOME)
    click(tick(tab, 1003, 2001), "#split")
    click(tick(tab, 1004, 7), "#remove")
    give(tick(tab, 1005, 8), "bob")
    assert commands(tab) == [
        "recognize faces split 1003 2001",
        'recognize faces merge 2 "$(recognize faces split 1005 8)"',
        "recognize faces remove 1004",
    ]
    assert run_by_a_shell("recognize faces merge 2 7", tmp_path) == ["faces", "merge", "2", "7"]
    click(tick(tab, 1003), "#remove")
    assert commands(tab)[0] == "recognize faces split 2001"
    assert commands(tab)[-1] == "recognize faces remove 1004 1003"


def test_nobody_cannot_be_taken_out_and_a_stranger_be_given_anything(show: Show) -> None:
    tab = tick(show(SOME), 7)
    assert tab.js("document.getElementById('remove').disabled")
    assert commands(give(tab, "Nadia")) == []
    assert tab.js("document.getElementById('owner').validationMessage") == "Nobody has this name or number."
    tab.js("document.getElementById('owner').select()")
    assert commands(give(tab, "3")) == ['recognize faces merge 3 "$(recognize faces split 7)"']


def test_faces_are_not_given_to_whom_they_belong(show: Show) -> None:
    tab = give(tick(show(SOME), 1003), "ann")
    assert commands(tab) == []
    assert commands(give(tick(tab, 1003, 2000), "1")) == [
        'recognize faces merge 1 "$(recognize faces split 2000)"'
    ]


def test_a_face_that_is_in_three_places_is_one_face(show: Show) -> None:
    tab = tick(show(SOME), 1029)
    assert (
        tab.js("[...document.querySelectorAll('input[value=\"1029\"]')].map(each => each.checked)")
        == [True] * 3
    )
    click(tab, "#split")
    assert (
        tab.js("[...document.querySelectorAll('[data-plan]')].map(each => each.dataset.plan)")
        == ["new person"] * 3
    )


def test_pairs_that_hang_together_make_one_merge(show: Show) -> None:
    tab = show(SOME)
    click(tab, ".pair:nth-child(2) .merge")
    assert commands(tab) == ["recognize faces merge 3 4"]
    click(tab, ".pair:nth-child(1) .merge")
    assert commands(tab) == ["recognize faces merge 1 3 4"]
    click(tab, ".pair:nth-child(2) .merge")
    assert commands(tab) == ["recognize faces merge 1 3"]


@pytest.mark.parametrize("text", ["Bob", "  bob ", "BOB"])
def test_the_name_of_somebody_else_means_that_they_are_one(show: Show, text: str) -> None:
    assert commands(name(show(SOME), 3, text)) == ["recognize faces merge 2 3"]


def test_one_new_name_for_two_names_one_and_merges(show: Show) -> None:
    tab = name(name(show(SOME), 3, "Cleo"), 4, "Cleo")
    assert commands(tab) == ["recognize faces name 3 Cleo", "recognize faces merge 3 4"]


def test_a_name_is_free_before_it_is_given_again(show: Show) -> None:
    tab = name(name(show(page(faces(7, 2, "Bob"), THREE)), 3, "Bob"), 7, "Robert")
    assert commands(tab) == ["recognize faces name 7 Robert", "recognize faces name 3 Bob"]


def test_each_command_can_be_dropped_and_all_at_once(show: Show) -> None:
    tab = name(show(SOME), 3, "Cleo")
    click(tick(tab, 1003), "#split")
    click(tab, ".merge")
    click(tab, "#commands li:nth-child(2) button")
    assert commands(tab) == ["recognize faces split 1003", "recognize faces merge 1 3"]
    assert tab.js("document.querySelector('#person-3 .name').value") == ""
    click(tab, "#clear")
    assert commands(tab) == []
    assert tab.js("document.querySelectorAll('[data-plan], [aria-pressed=true]').length") == 0


def test_a_dropped_merge_takes_its_own_names_along_and_no_other(show: Show) -> None:
    tab = name(name(name(show(SOME), 1, "Anna"), 3, "Bob"), 4, "Dora")
    click(tab, ".merge")
    assert commands(tab) == [
        "recognize faces name 1 Anna",
        "recognize faces name 4 Dora",
        "recognize faces merge 1 2 3",
    ]
    click(tab, "#commands li:nth-child(3) button")
    assert commands(tab) == ["recognize faces name 1 Anna", "recognize faces name 4 Dora"]


# ---- copying and remembering ----


def test_copy_hands_all_lines_to_the_clipboard(show: Show) -> None:
    tab = click(name(show(SOME), 3, "Cleo"), ".merge")
    tab.js("navigator.clipboard.writeText = async text => { window.taken = text }")
    click(tab, "#copy")
    assert tab.js("window.taken") == "\n".join([*commands(tab), ""])
    assert tab.js("document.getElementById('plain').checkVisibility()") is False


def test_without_a_clipboard_the_lines_are_there_to_be_taken(show: Show) -> None:
    tab = name(show(SOME), 3, "Cleo")
    tab.js("navigator.clipboard.writeText = async () => { throw new DOMException('no') }")
    click(tab, "#copy")
    tab.js("Promise.resolve()")
    assert tab.js("document.activeElement.id") == "text"
    assert tab.js("document.getElementById('plain').checkVisibility()")
    assert tab.js("getSelection().toString()") == "recognize faces name 3 Cleo\n"


def test_what_was_decided_is_there_when_the_page_is_opened_again(show: Show, tmp_path: Path) -> None:
    tab = name(show(SOME), 3, "Cleo")
    click(tick(tab, 1003), "#split")
    give(tick(tab, 1005), "Bob")
    click(tick(tab, 1006), "#remove")
    click(tab, ".merge")
    before = commands(tab)
    assert len(before) == 5
    tab.open(tmp_path / "review" / "index.html")
    assert commands(tab) == before
    assert tab.js("document.querySelector('#person-3 .name').value") == "Cleo"


def test_what_was_done_meanwhile_is_forgotten(show: Show, tmp_path: Path) -> None:
    tab = name(show(SOME), 4, "Dora")
    click(tick(tab, 1003), "#split")
    click(click(tab, ".pair:nth-child(1) .merge"), ".pair:nth-child(2) .merge")
    assert len(commands(tab)) == 3
    done = page(faces(1, 3, "Ann"), faces(4, 2, "Dora"), _person(5, None, cell(1003, person=5)))
    rewrite(replace(done, catalogue=f"{SOME.catalogue} {tmp_path}"), tmp_path)
    assert commands(tab.open(tmp_path / "review" / "index.html")) == []


def rewrite(page: ReviewPage, tmp_path: Path) -> None:
    (tmp_path / "review" / "index.html").write_text(render(page), encoding="utf-8")


@pytest.mark.parametrize(
    "storage",
    ["throw new DOMException('denied')", "return {getItem: () => '{\"names\": 5}', setItem() { throw 1 }}"],
)
def test_it_works_where_it_may_remember_nothing(show: Show, tmp_path: Path, storage: str) -> None:
    tab = show(SOME, own=True)
    script = f"Object.defineProperty(window, 'localStorage', {{get() {{ {storage} }}}})"
    tab.call("Page.addScriptToEvaluateOnNewDocument", source=script)
    tab.open(tmp_path / "review" / "index.html")
    assert commands(name(tab, 3, "Cleo")) == ["recognize faces name 3 Cleo"]
    assert trouble(tab) == []


# ---- keys ----

FOCUS = "(document.activeElement.value || document.activeElement.id || document.activeElement.textContent)"
FOCUS_LEFT = "document.activeElement === document.body"


def test_arrows_go_from_face_to_face_and_tab_leaves(show: Show) -> None:
    tab = show(SOME)
    tab.js("document.querySelector('#person-1 .name').focus()")
    columns = tab.js(
        "getComputedStyle(document.querySelector('.faces')).gridTemplateColumns.split(' ').length"
    )
    steps = {"Tab": 1000, "ArrowRight": 1001, "ArrowDown": 1001 + columns, "ArrowLeft": 1000 + columns}
    for key, face in steps.items():
        assert tab.press(key).js(FOCUS) == str(face)
    assert tab.press("ArrowUp").js(FOCUS) == "1000"
    assert tab.press("ArrowUp", "ArrowLeft").js(FOCUS) == "1000"
    assert tab.press("End").js(FOCUS) == "1023"
    assert tab.press("Home", "ArrowRight").js(FOCUS) == "1001"
    assert tab.press("Tab").js(FOCUS) == "6 more"
    tab.js("document.querySelector('#person-1 .name').focus()")
    assert tab.press("Tab").js(FOCUS) == "1001"


def test_space_ticks_and_enter_opens_the_photo(show: Show) -> None:
    tab = show(SOME)
    tab.js("document.querySelector('.faces input').focus()")
    tab.press(" ")
    assert tab.js("document.querySelector('.faces input').checked")
    tab.js(
        "addEventListener('click', event => { window.opened = event.target.href; event.preventDefault() })"
    )
    tab.press("Enter")
    assert tab.js("window.opened") == "file:///data/a.jpg"


def test_the_focus_goes_to_the_commands_and_back_and_is_never_lost(show: Show) -> None:
    tab = show(SOME)
    tab.js("document.querySelector('.faces input').focus()")
    tab.press("t").press("ArrowRight", " ", "t")
    assert tab.js(FOCUS) == "owner"
    tab.press("Escape")
    assert tab.js(FOCUS) == "1001"
    tab.press("t", "Tab", "Tab", "Enter")
    assert commands(tab) == ["recognize faces split 1001"]
    assert tab.js(FOCUS) == "1001"
    tab.press("t", "Enter", "Tab", "Enter")
    assert commands(tab) == []
    assert tab.js(FOCUS) == "1001"


def test_a_click_with_shift_ticks_all_between(show: Show) -> None:
    tab = tick(show(SOME), 1002)
    tab.js(
        "document.querySelector('input[value=\"1005\"]')"
        ".dispatchEvent(new MouseEvent('click', {shiftKey: true, bubbles: true, cancelable: true}))"
    )
    assert tab.js("document.getElementById('ticked-count').textContent") == "4 faces ticked"


def test_slash_finds_people_and_escape_shows_all(show: Show) -> None:
    tab = show(page(faces(1, 1, "Zoë"), faces(2, 1, "Bob"), faces(13, 1), faces(3, 1)))
    visible = "[...document.querySelectorAll('.card')].filter(each => !each.hidden).map(each => each.id)"
    tab.press("/")
    assert tab.js(FOCUS) == "search"
    assert tab.type("ZOE").js(visible) == ["person-1"]
    assert tab.js("document.getElementById('found').textContent") == "1 person found"
    assert len(tab.press("Escape").js(visible)) == 4
    assert tab.type("person 13").js(visible) == ["person-13"]
    assert tab.press("/").js("document.getElementById('search').value") == "person 13/"


def test_a_question_mark_shows_the_keys(show: Show) -> None:
    tab = show(SOME).press("?")
    assert tab.js("document.getElementById('keys').open")
    assert tab.press("Escape").js("document.getElementById('keys').open") is False
    name(tab, 3, "")
    tab.press("?")
    assert tab.js("document.querySelector('#person-3 .name').value") == "?"


def test_tab_reaches_every_name_group_and_button_and_the_focus_is_seen(show: Show) -> None:
    tab = click(tick(show(SOME), 1000), ".merge")
    reached = set()
    for _ in range(80):
        tab.press("Tab")
        reached.add(tab.js("document.activeElement.outerHTML"))
        assert tab.js("getComputedStyle(document.activeElement).outlineStyle") == "solid" or tab.js(
            FOCUS_LEFT
        )
    wanted = tab.js(
        "[...document.querySelectorAll('button, summary, .name, input[tabindex=\"0\"], #search, #owner')]"
        ".filter(each => each.checkVisibility()).map(each => each.outerHTML)"
    )
    assert set(wanted) <= reached


# ---- looks ----

CONTRASTS = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let each = element; each; each = each.parentElement) {
      const colour = rgba(getComputedStyle(each).backgroundColor);
      if (colour[3] === 255) return colour;
    }
  };
  const found = {};
  for (const each of document.querySelectorAll('body, body *')) {
    const own = [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!each.checkVisibility() || !(own || each.matches('input:not([type=checkbox])'))) continue;
    const [a, b] = [light(rgba(getComputedStyle(each).color)), light(ground(each))].sort().reverse();
    found[each.className || each.id || each.tagName] = (a + 0.05) / (b + 0.05);
  }
  return found;
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_scheme_and_all_text_can_be_read(show: Show, scheme: str) -> None:
    tab = click(tick(show(SOME, own=True), 1000), ".merge").press("?")
    tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    tab.js("document.getElementById('details').open = true")
    background = tab.js("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (sum(background) < 200) == (scheme == "dark")
    contrasts = tab.js(CONTRASTS)
    assert len(contrasts) > 12
    assert {name: value for name, value in contrasts.items() if value < 4.5} == {}


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_it_moves_only_where_that_is_welcome(show: Show, motion: str) -> None:
    tab = show(SOME, own=True)
    tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": motion}])
    smooth = tab.js("getComputedStyle(document.documentElement).scrollBehavior")
    assert smooth == ("auto" if motion == "reduce" else "smooth")


@pytest.mark.parametrize("width", [360, 768, 1920])
def test_it_fits_any_width(show: Show, width: int) -> None:
    long = faces(8, 30, "Maximiliane" * 9)
    wide = replace(SOME, people=(*SOME.people, long), pairs=(Pair(long, THREE, 0.2),), catalogue="/data" * 60)
    tab = click(tick(show(wide, width=width, height=740), 1000), ".merge")
    tab.js("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert tab.js("document.documentElement.scrollWidth") == width
    over = "[...document.querySelectorAll('.tray, .tray *')].filter(each => each.checkVisibility())"
    assert tab.js(f"{over}.every(each => each.getBoundingClientRect().right <= {width})")


def test_a_face_without_a_picture_tells_its_file(show: Show) -> None:
    tab = show(page(_person(1, None, cell(5, "lost.jpg", thumbnail="", link=""))))
    assert tab.js("document.querySelector('.missing').textContent") == "lost.jpg"
    assert tab.js("document.querySelector('.faces a') === null")
