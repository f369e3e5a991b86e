"""The report page: complete, self-contained, escaped, and the same for the same logs."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from kit.analysis.culture import load_scores
from kit.analysis.replication import Verdict
from kit.analysis.results import Analysis, analyze, write
from kit.report.page import render
from kit.spec.experiment import Experiment, Run
from kit.spec.language import Channel
from kit.spec.published import load_published
from tests.planted import (
    AGENTS,
    LLAMA,
    QWEN,
    TINY,
    Said,
    Speak,
    everyone,
    experiment,
    language,
    talk,
    think,
    write_folder,
)

STUDIES = Path(__file__).parents[2] / "studies"
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """Checks nesting, and collects what tests ask about."""

    def __init__(self, html: str):
        super().__init__()
        self.hidden = 0
        """Pictures that are not told, since their words stand beside them."""
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.headings: list[tuple[str, str]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.handle_startendtag(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.hidden += tag == "svg" and ("aria-hidden", "true") in attrs
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"
        if tag in ("th", "td", "dt", "dd", "caption"):
            self.text += " "

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            return
        if self.open and re.fullmatch("h[1-6]", self.open[-1]):
            level, words = self.headings[-1]
            self.headings[-1] = (level, words + data)
        self.text += data

    def said(self) -> str:
        """All text with white space folded."""
        return " ".join(self.text.split())


def analysis_of(folder: Path, planned: Experiment, speak: Speak, **options: Any) -> Analysis:
    write_folder(folder, planned, speak, **options)
    published = load_published(STUDIES / "published.yaml")
    return analyze(folder, published, load_scores(STUDIES / "hofstede.csv"))


def page_of(folder: Path, planned: Experiment, speak: Speak, **options: Any) -> bytes:
    return render(analysis_of(folder, planned, speak, **options), folder)


def speak(run: Run, agent: str, turn: int) -> list[Said]:
    number = AGENTS.index(agent) + turn + run.replicate + run.cell.aligned
    return [
        talk("We keep safety. " * (number % 4) + "Together."),
        think("An intimate thought. " * (number % 3)),
    ]


def both(**changes: Any) -> Experiment:
    languages = {"en": language(), "ja": language("ja", "JPN")}
    return experiment(languages, **{"replicates": 3, "aligned": [0, 5, 10], **changes})


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    return page_of(tmp_path_factory.mktemp("page"), both(), speak).decode()


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_page_is_well_formed_with_headings_in_order(page: Page) -> None:
    assert page.open == []
    levels = [int(tag[1]) for tag, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert [words for tag, words in page.headings if tag == "h2"] == [
        "Published claims",
        "Collective pathology and dissociation by number of aligned agents",
        "Across languages",
        "Results by language",
        "How the runs went",
        "What was said",
        "How it was measured",
        "What is reconstructed",
        "Where the numbers come from",
        "Models, hashes, replay",
    ]


def test_nothing_is_asked_of_the_network(html: str, page: Page) -> None:
    assert "script" not in page.tags
    assert not {"link", "img", "iframe", "object", "embed", "form"} & set(page.tags)
    for _, name, value in page.attributes:
        assert name not in ("src", "srcset", "action", "data", "style", "poster")
        assert not name.startswith("on")
        if name in ("href", "xlink:href"):
            assert value.startswith("#")
    assert "://" not in html
    assert "url(" not in html
    assert "@import" not in html
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def test_every_link_within_the_page_leads_somewhere(page: Page) -> None:
    places = [value for _, name, value in page.attributes if name == "id"]

    assert len(places) == len(set(places))
    for _, name, value in page.attributes:
        if name == "href":
            assert value.removeprefix("#") in places


def test_tables_have_captions_and_scoped_headers_and_figures_have_words(page: Page) -> None:
    assert page.tags.count("table") == page.tags.count("caption")
    scopes = [value for tag, name, value in page.attributes if (tag, name) == ("th", "scope")]
    assert len(scopes) == page.tags.count("th")
    words = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]
    panels = [said for said in words if "mean by number of aligned agents" in said]
    assert len(panels) == 2
    for panel in panels:
        assert re.search(r"CPI \S+ at 0, \S+ at 5, \S+ at 10; DI", panel)
    assert len(words) == len([tag for tag in page.tags if tag == "svg"]) - page.hidden
    assert all(len(said) > 40 for said in words)


def test_every_table_of_numbers_names_its_files_and_links_to_what_makes_them(
    page: Page, tmp_path: Path
) -> None:
    write(analysis_of(tmp_path, both(replicates=2), speak), tmp_path)
    named = [value for _, name, value in page.attributes if name == "data-tables"]
    names = {name for value in named for name in value.split()}
    assert names >= {"verdicts", "cells", "effects", "classes", "plan", "outcomes", "runs"}
    assert names <= {path.stem for path in (tmp_path / "tables").glob("*.csv")}
    assert page.said().count("Numbers: ") >= len(named)
    for command in ("kit run STUDY", "kit analyze FOLDER", "kit export FOLDER", "kit replay RUN"):
        assert command in page.said()


def test_same_logs_give_the_same_page_wherever_they_lie(html: str, tmp_path: Path) -> None:
    again = page_of(tmp_path / "some where else", both(), speak)

    assert again.decode() == html
    assert len(again) < 5_000_000


def test_a_tiny_model_is_called_a_smoke_test_at_the_top(html: str, page: Page) -> None:
    said = page.said()
    warning = f"This is a smoke test: {TINY} is a tiny model."

    assert warning in said
    assert said.index(warning) < said.index("Published claims")
    assert "These numbers say nothing about safety instructions" in said
    assert 'class="caution severe"' in html


def test_the_page_says_what_was_asked_what_came_out_and_how_to_replay_it(page: Page) -> None:
    said = page.said()
    for expected in (
        "Does a count come out as planted?",
        "18 of 18 planned runs analysed",
        "In English, more aligned agents lower collective pathology.",
        "g \u22121.844, p < 0.0001",
        "not testable here",
        f"The claim is about llama-3.3-70b; these runs are of {TINY}.",
        "CPI + DI = 2 z(monologue share)",
        "Ten aligned agents against none",
        "not testable: 2 languages with slope and score, needs 4",
        "legal_mass",
        "provider refusal",
        "prefix language protocol en reported",
        "43 ours",
        "ab" * 32,
        "kit replay runs/en-a0-r1.jsonl",
        "The published study had 150 runs.",
        "safety prefix, wording a en en 0 (0) 2 (2)",
    ):
        assert expected in said.replace("\u00a0", " "), expected


def test_words_of_a_model_are_text_and_never_markup(tmp_path: Path) -> None:
    hostile = '<script>alert("x")</script><img src=x onerror=alert(1)>{{ 7*7 }}\u202e\x07 end'
    lines = everyone(talk(hostile), Said(Channel.WHISPER, "</dd></dl><h1>Mine</h1>", "p02"))
    title = '<b>Bold & "quoted"</b>'
    planned = experiment(title=title, question="<i>Why?</i>")
    html = page_of(tmp_path, planned, lines).decode()
    page = Page(html)

    assert "script" not in page.tags
    assert "img" not in page.tags
    assert page.tags.count("h1") == 1
    assert '<script>alert("x")</script>' in page.text
    assert "{{ 7*7 }}" in page.text
    assert title in page.text
    assert "\u202e" not in html
    assert "\x07" not in html
    assert not any(name.startswith("on") for _, name, _ in page.attributes)


def test_every_check_stands_beside_the_verdict_it_does_not_decide(html: str, page: Page) -> None:
    said = page.said().replace("\u00a0", " ")

    assert "Checks of every claim" in said
    assert "s1_en_cpi sign and overlap (decides) not testable here" in said
    assert "s1_en_cpi prediction interval not testable here" in said
    assert "The published standard error is unknown." in said
    assert "The plan was not registered before the runs. The published study had 150 runs." in said
    assert said.count("(decides)") == 3


def test_every_verdict_has_a_style_of_its_own() -> None:
    sheet = (STUDIES.parent / "kit" / "report" / "templates" / "style.css").read_text("utf-8")
    for verdict in Verdict:
        assert f".verdict.{verdict.value.replace(' ', '-')}" in sheet


def test_low_legal_mass_is_warned_about(tmp_path: Path) -> None:
    page = Page(page_of(tmp_path, experiment(), speak, legal_mass=(0.3, 0.6)).decode())

    assert "The answer form chose more than the model did in 2 of 2 cells." in page.said()
    assert "below 0.5: the form chose" in page.said()


def test_a_group_that_left_its_language_is_warned_about(tmp_path: Path) -> None:
    german = everyone(talk("Wir bleiben alle zusammen und helfen dir."))
    said = Page(page_of(tmp_path, experiment(), german).decode()).said()

    assert "Groups left their language in 2 of 2 cells." in said
    assert "de 40" in said


def test_a_profile_incomplete_runs_and_missing_languages_are_said(tmp_path: Path) -> None:
    planned = both(profile="smoke", missing=("de",), models=[LLAMA])
    page = Page(page_of(tmp_path, planned, speak, incomplete={"study1/en-a0-r1"}).decode())
    said = page.said()

    for expected in (
        "The profile 'smoke' was used.",
        "17 of 18 planned runs are complete.",
        "1 begun and not finished, 0 not begun.",
        "Languages without a file: de.",
        "de: the study names this language, and it has no file.",
        "changed by the profile 'smoke'",
    ):
        assert expected in said, expected


def test_a_study_grade_model_is_not_called_a_smoke_test(tmp_path: Path) -> None:
    page = Page(page_of(tmp_path, both(models=[LLAMA]), speak).decode())

    assert "smoke test" not in page.said()


def test_a_withheld_index_is_said_with_its_reason(tmp_path: Path) -> None:
    lines = everyone(talk("Safety."), think("Touch."))
    page = Page(page_of(tmp_path, experiment(), lines).decode())

    assert "withheld in 2 runs" in page.said()
    assert (
        "CPI and DI are withheld in 4 runs (monologue_share: no variance in the reference; "
        "sexual: no variance in the reference; protective: no variance in the reference)."
    ) in page.said()
    assert "No index is defined in any run, so the monologue share stands in" in page.said()


def test_a_folder_without_a_complete_run_still_makes_a_page(tmp_path: Path) -> None:
    planned = both()
    runs = {run.run_id for run in planned.runs()}
    page = Page(page_of(tmp_path, planned, speak, absent=runs).decode())

    assert page.open == []
    assert "0 of 18 planned runs are complete." in page.said()
    assert "No run is complete, so there are no results." in page.said()
    assert "not testable: no run is complete" in page.said()


def test_models_variants_and_individuation_are_told_apart(tmp_path: Path) -> None:
    planned = experiment(
        {code: language(code, country) for code, country in (("en", "USA"), ("fr", "FRA"))},
        id="study3",
        models=[LLAMA, QWEN],
        individuated=[0, 5, 10],
        variants={"base": {}, "sequential": {"order": "sequential"}},
    )
    page = Page(page_of(tmp_path, planned, speak).decode())
    headings = [words for tag, words in page.headings if tag == "h4"]
    strata = [f"{model}, {arm}" for model in (LLAMA, QWEN) for arm in ("base", "sequential")]

    assert headings[-8:] == 2 * strata
    assert headings[:12] == [
        f"{stratum}{extra}"
        for stratum in strata
        for extra in ("", ", 5 individuated", ", 10 individuated")
    ]
    assert "With 5 individuated agents:" in page.said()
    assert "individuated minus others" in page.said()
    assert "variant sequential" in page.said()


def test_four_languages_have_correlations(tmp_path: Path) -> None:
    countries = {"en": "USA", "ja": "JPN", "fr": "FRA", "ar": "ARA"}

    def varied(run: Run, agent: str, turn: int) -> list[Said]:
        extra = list(countries).index(run.cell.language) * (run.cell.aligned // 5)
        return [talk("safety " * (extra + run.replicate)), *speak(run, agent, turn)[1:]]

    planned = experiment(
        {code: language(code, country) for code, country in countries.items()},
        id="study2",
        replicates=3,
    )
    page = Page(page_of(tmp_path, planned, varied).decode())

    assert "Slopes of the languages against culture scores" in page.said()
    assert "Power distance CPI 4" in page.said()
    assert "Slope per aligned agent over all languages" in page.said()
