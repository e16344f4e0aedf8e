from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from recognize_cli.catalogue import SqliteCatalogue
from recognize_cli.review.render import render
from tests.review.browser import FOUND, Browser, Tab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from recognize_cli.review.page import ReviewPage


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[SqliteCatalogue]:
    """An empty catalogue."""
    with SqliteCatalogue.open(tmp_path / "catalogue.sqlite3") as opened:
        yield opened


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A running Chromium."""
    if FOUND is None:
        pytest.skip("no Chromium here")
    started = Browser(tmp_path_factory.mktemp("chromium"))
    yield started
    started.close()


@pytest.fixture(scope="session")
def common_tab(browser: Browser) -> Tab:
    """A window for all tests that leave no trace in it; a new one costs a third of a second."""
    return Tab(browser)


@pytest.fixture
def show(browser: Browser, common_tab: Tab, tmp_path: Path) -> Iterator[Callable[..., Tab]]:
    """``show(page)`` opens a page; with ``own=True`` or ``width=360`` in a window of its own.

    What one test has the browser remember is not there for the next: each page is of another catalogue.
    """
    tabs: list[Tab] = []

    def shown(page: ReviewPage, *, own: bool = False, **size: int) -> Tab:
        path = tmp_path / "review" / "index.html"
        path.parent.mkdir(exist_ok=True)
        path.write_text(render(replace(page, catalogue=f"{page.catalogue} {tmp_path}")), encoding="utf-8")
        if not own and not size:
            return common_tab.open(path)
        tabs.append(Tab(browser, **size))
        return tabs[-1].open(path)

    yield shown
    for tab in tabs:
        tab.close()
