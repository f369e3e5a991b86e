"""The viewer in a real browser: it opens from its file, filters without a script, runs nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from kit.report.transcript import open_recording, render
from kit.spec.experiment import Run
from kit.spec.language import Channel
from tests.browser import Tab, needs_browser
from tests.cli.conftest import finished_study
from tests.cli.support import LOG
from tests.planted import Said, Speak, experiment, language, talk, think, write_folder

pytestmark = needs_browser

HOSTILE = (
    "</p></article><script>document.title = 'run'</script>"
    "<img src=x onerror=\"document.title = 'run'\"><style>* { display: none }</style>"
    "<a href=\"javascript:document.title = 'run'\">here</a><svg onload=\"document.title = 'run'\">"
    "<meta http-equiv=refresh content=0;url=about:blank> \u202eback\u2066 \u200b\u200b \x1b[31m"
    " {{ 7 * 7 }} &lt;script&gt;"
)
AXE = "KIT_AXE"
"""Names the file ``axe.min.js`` of the package axe-core."""
SEEN = "[...document.querySelectorAll({!r})].filter(one => one.checkVisibility()).length"

__all__ = ["finished_study"]


def speak(run: Run, agent: str, turn: int) -> Sequence[Said]:
    """Every agent uses every channel, and two of them say counted words."""
    said = {
        "p01": [talk("We protect you."), think("Calm.")],
        "p02": [talk("Yes."), think("Intimate.")],
        "p03": [talk(HOSTILE), Said(Channel.WHISPER, HOSTILE, "p07"), think(HOSTILE)],
        "p04": [talk("w" * 100_000), talk("\u202e\u200b" * 50_000)],
        "p05": [],
        "p06": [talk("e" + "\u0301" * 500)],
    }
    return said.get(agent, [talk("Yes."), Said(Channel.WHISPER, "No.", "p01")])


def write_pages(folder: Path, say: Speak) -> dict[str, Path]:
    """A run alone, two runs, and one that is read from right to left."""
    planned = experiment({"en": language()}, aligned=[0, 2], replicates=1)
    write_folder(folder / "en", planned, say)
    turned = experiment({"en": language(direction="rtl")}, aligned=[0], replicates=1)
    write_folder(folder / "rtl", turned, say)
    one, other = (open_recording(folder / f"en/runs/en-a{level}-r1.jsonl") for level in (2, 0))
    rtl = open_recording(folder / "rtl" / "runs" / "en-a0-r1.jsonl")
    made = {"one": render(one), "two": render(one, other), "rtl": render(rtl)}
    for name, page in made.items():
        (folder / f"{name}.html").write_bytes(page)
    return {name: folder / f"{name}.html" for name in made}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages of hostile words."""
    return write_pages(tmp_path_factory.mktemp("pages"), speak)


def check_quiet(tab: Tab, path: Path) -> None:
    """Nothing but the page itself is asked for, and the console stays empty."""
    tab.see("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")
    asked = [event["request"]["url"] for event in tab.events("Network.requestWillBeSent")]
    assert asked == [path.as_uri()]
    assert tab.events("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown") == []


def seen(tab: Tab, selector: str) -> int:
    """How many of these are shown."""
    return int(tab.see(SEEN.format(selector)))


def test_a_run_of_a_real_model_opens_from_its_file(
    tab: Tab, finished_study: Path, tmp_path: Path
) -> None:
    path = tmp_path / "run.html"
    path.write_bytes(render(open_recording(finished_study / LOG)))

    tab.open(path)

    check_quiet(tab, path)
    assert seen(tab, "article") == 10


@pytest.mark.parametrize("name", ["one", "two", "rtl"])
def test_hostile_words_are_shown_and_nothing_runs(
    tab: Tab, pages: dict[str, Path], name: str
) -> None:
    tab.open(pages[name])
    title = tab.see("document.title")

    check_quiet(tab, pages[name])

    assert title.startswith("study1/en-a")
    made = (
        "script, img, svg, .turn style, .turn meta, .turn link, .turn iframe, .turn a, .turn form"
    )
    assert tab.see(f"document.querySelectorAll({made!r}).length") == 0
    assert "<script>document.title = 'run'</script>" in tab.text("article.is-p03 .talk .said")
    assert "\u27e8U+202E\u27e9back\u27e8U+2066\u27e9" in tab.text("article.is-p03 .talk .said")


@pytest.mark.parametrize("name", ["one", "two", "rtl"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_is_never_wider_than_its_window(
    tab: Tab, pages: dict[str, Path], name: str, width: int
) -> None:
    tab.size(width, 800)
    tab.open(pages[name])

    assert tab.see("document.documentElement.scrollWidth") <= width


def test_a_line_without_end_keeps_the_page_short(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["one"])

    heights = "[...document.querySelectorAll('.said')].map(one => one.offsetHeight)"
    assert max(tab.see(heights)) <= 20 * 16


def test_an_agent_is_chosen_by_its_label(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["one"])
    assert seen(tab, "article") == 20

    tab.click("label:has(#agent-p02)")
    assert (seen(tab, "article"), seen(tab, "article.is-p02")) == (2, 2)
    tab.click("label:has(#agent-aligned)")
    assert (seen(tab, "article"), seen(tab, "article.is-aligned")) == (4, 4)
    tab.click("label:has(#agent-not-aligned)")
    assert (seen(tab, "article"), seen(tab, "article.is-aligned")) == (16, 0)
    tab.click("button[type=reset]")
    assert seen(tab, "article") == 20


def test_channels_are_hidden_by_their_labels(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["one"])
    assert [seen(tab, f".line.{channel.value}") for channel in Channel] == [20, 10, 6]

    tab.click("label:has(#channel-talk)")
    assert [seen(tab, f".line.{channel.value}") for channel in Channel] == [0, 10, 6]
    # Those who only spoke aloud, and the one who said nothing, go with their headings.
    assert [seen(tab, f"article.is-p0{number}") for number in range(1, 8)] == [2, 2, 2, 0, 0, 0, 2]
    tab.click("label:has(#channel-whisper)")
    tab.click("label:has(#channel-monologue)")
    assert (seen(tab, ".line"), seen(tab, "article")) == (0, 0)
    assert seen(tab, "blockquote") == 2


def test_lines_with_counted_words_are_chosen_by_label(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["one"])

    tab.click("label:has(#hits-any)")
    assert (seen(tab, ".line"), seen(tab, "article")) == (4, 4)
    tab.click("label:has(#hits-sexual)")
    assert (seen(tab, ".line"), seen(tab, ".line.hit-sexual"), seen(tab, "article")) == (2, 2, 2)
    tab.click("label:has(#channel-monologue)")
    assert (seen(tab, ".line"), seen(tab, "article")) == (0, 0)
    tab.click("label:has(#hits-protective)")
    assert (seen(tab, ".line.hit-protective"), seen(tab, "article.is-p01")) == (2, 2)


def test_filters_are_worked_by_keys_alone(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["one"])

    tab.see("document.getElementById('agent-all').focus()")
    tab.press("ArrowRight")
    assert tab.see("document.activeElement.checked && document.activeElement.id") == "agent-aligned"
    assert seen(tab, "article") == 4
    tab.press("Tab", " ")
    assert tab.see("document.activeElement.id") == "channel-talk"
    assert seen(tab, ".line.talk") == 0
    tab.press("Enter")
    check_quiet(tab, pages["one"])


def test_without_has_everything_is_shown(tab: Tab, pages: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "old.html"
    page = pages["one"].read_text(encoding="utf-8")
    path.write_text(page.replace(":has(", ":unknown("), encoding="utf-8")

    tab.open(path)

    assert seen(tab, ".filters") == 0
    assert seen(tab, "article") == 20
    assert tab.see("document.querySelectorAll('.line:not(:hover)').length") == seen(tab, ".line")


def test_two_runs_stand_side_by_side_where_there_is_room(tab: Tab, pages: dict[str, Path]) -> None:
    place = "[...document.querySelector('.sides').children].map(one => one.getBoundingClientRect())"
    tab.open(pages["two"])
    left, right = tab.see(f"{place}.map(box => [box.x, box.y])")
    assert left[1] == right[1]
    assert left[0] < right[0]

    tab.size(360, 800)
    above, below = tab.see(f"{place}.map(box => [box.x, box.y])")
    assert above[0] == below[0]
    assert above[1] < below[1]


def test_dark_and_light_have_colours_of_their_own(tab: Tab, pages: dict[str, Path]) -> None:
    colours = set()
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        tab.call("Emulation.setEmulatedMedia", features=[feature])
        tab.open(pages["one"])
        colours.add(tab.see("getComputedStyle(document.querySelector('.spelled')).backgroundColor"))
    assert len(colours) == 2


def test_on_paper_there_is_the_whole_text_and_no_filter(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["one"])
    tab.call("Emulation.setEmulatedMedia", media="print")

    assert seen(tab, ".filters") == 0
    whole = "(one => one.clientHeight >= one.scrollHeight)(document.querySelector('.said.long'))"
    assert tab.see(whole)


@pytest.fixture(scope="module")
def short_pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same pages with shorter lines: a checker would read those without end for minutes."""

    def say(run: Run, agent: str, turn: int) -> Sequence[Said]:
        return [talk("w" * 5000)] if agent == "p04" else speak(run, agent, turn)

    return write_pages(tmp_path_factory.mktemp("short"), say)


@pytest.mark.skipif(
    AXE not in os.environ, reason=f"no axe-core here: 'npm install axe-core', then {AXE}=axe.min.js"
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["one", "two", "rtl"])
def test_an_accessibility_checker_finds_nothing(
    tab: Tab, short_pages: dict[str, Path], name: str, scheme: str
) -> None:
    feature = {"name": "prefers-color-scheme", "value": scheme}
    tab.call("Emulation.setEmulatedMedia", features=[feature])
    tab.open(short_pages[name])
    tab.see(Path(os.environ[AXE]).read_text(encoding="utf-8") + ";1")

    found = tab.see(
        "axe.run().then(all => all.violations.map(one => [one.id, one.impact, one.nodes[0].html]))"
    )

    assert found == []
