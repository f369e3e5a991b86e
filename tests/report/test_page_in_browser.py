"""The report in a real browser: it opens from its file, asks for nothing and complains not."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.report.page import render_programme, study_part
from kit.spec.study import load_study
from tests.browser import Tab, needs_browser
from tests.report.test_page import STUDIES, analysis_of, both, page_of, speak

pytestmark = needs_browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A study's page and a page of two studies."""
    folder = tmp_path_factory.mktemp("pages")
    one = folder / "study.html"
    one.write_bytes(page_of(folder / "one", both(), speak))
    parts = []
    for name in ("study1", "study3"):
        place = folder / name
        parts.append(study_part(analysis_of(place, both(id=name), speak), place, together=True))
    two = folder / "programme.html"
    two.write_bytes(render_programme(parts, [load_study(STUDIES / "study2.yaml")]))
    return [one, two]


@pytest.mark.parametrize("number", [0, 1])
def test_a_page_asks_for_itself_alone_and_the_console_stays_empty(
    tab: Tab, pages: list[Path], number: int
) -> None:
    tab.open(pages[number])
    tab.see("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")
    asked = [event["request"]["url"] for event in tab.events("Network.requestWillBeSent")]
    assert asked == [pages[number].as_uri()]
    assert tab.events("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown") == []


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_a_page_is_never_wider_than_its_window(
    tab: Tab, pages: list[Path], number: int, width: int
) -> None:
    tab.size(width, 800)
    tab.open(pages[number])
    assert tab.see("document.documentElement.scrollWidth") <= width


def test_every_picture_is_drawn_and_its_words_stay_inside(tab: Tab, pages: list[Path]) -> None:
    tab.open(pages[0])
    outside = tab.see(
        "[...document.querySelectorAll('svg[role=img]')].flatMap(svg => { const box = "
        "svg.getBoundingClientRect(); return [...svg.querySelectorAll('text')].filter(text => { "
        "const at = text.getBoundingClientRect(); return at.left < box.left - 1 || at.right > "
        "box.right + 1 || at.bottom > box.bottom + 1; }).map(text => text.textContent); })"
    )
    assert outside == []
    assert tab.see("document.querySelectorAll('svg[role=img]').length") >= 4


def test_dark_and_light_have_colours_of_their_own(tab: Tab, pages: list[Path]) -> None:
    colours = set()
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        tab.call("Emulation.setEmulatedMedia", features=[feature])
        tab.open(pages[0])
        colours.add(tab.see("getComputedStyle(document.body).backgroundColor"))
    assert len(colours) == 2


def test_on_paper_folded_tables_are_open(tab: Tab, pages: list[Path]) -> None:
    tab.open(pages[0])
    seen = "document.querySelector('details:not([open]) table').checkVisibility()"
    assert not tab.see(seen)
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.see(seen)
