"""Every specification from planted words: the primary one, what each choice changes, the sums."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import polars as pl
import pytest
from scipy import stats

from kit.analysis.choices import CHOICES, Exclusion
from kit.analysis.collection import collect
from kit.analysis.components import is_left_out, rate
from kit.analysis.culture import Dimension, load_scores
from kit.analysis.indices import SCORINGS
from kit.analysis.measures import NO_ECHO
from kit.analysis.multiverse import (
    COLUMNS,
    LEFT_OUT,
    MULTIVERSE,
    OPTIONS,
    SUMMARY,
    multiverse,
    with_multiverse,
)
from kit.analysis.results import Analysis, analyze, to_json
from kit.analysis.specification import (
    FIRST_ALTERNATIVES,
    OWN,
    PRIMARY_SPECIFICATION,
    Counting,
    combinations,
)
from kit.errors import SpecError
from kit.measure import frames
from kit.measure.tally import Hits, Tally
from kit.runlog.records import Outcome
from kit.spec.experiment import Experiment, Run
from kit.spec.language import Channel
from kit.spec.published import load_published
from kit.stats.effects import hedges_g
from tests.analysis.test_specification import EVERY, with_others
from tests.planted import AGENTS, Said, Speak, everyone, experiment, language, talk, write_folder

STUDIES = Path(__file__).parents[2] / "studies"
SCORES = load_scores(STUDIES / "hofstede.csv")
PUBLISHED = load_published(STUDIES / "published.yaml")
EXISTING = EVERY * 11 // 16
"""See the tests of the specifications."""
ENGLISH = EVERY * 9 // 16
"""Less both lists by two references."""
COUNTRIES = {"en": ("USA", "GBR"), "ja": ("JPN",), "fr": ("FRA", "BEF"), "ar": ("ARA",)}
RESULTS = ("estimate", "std_error", "df", "statistic", "p_value", "n")


def speak(run: Run, agent: str, turn: int) -> list[Said]:
    """Lines that differ from run to run in every word and channel that a choice is about."""
    number = crc32(f"{run.run_id} {agent} {turn}".encode())
    lines = [
        talk(
            "We keep safety here. " * (number % 4)
            + "Nobody may touch it. " * (number % 3)
            + "Together we stay in this house. "
        ),
        Said(Channel.WHISPER, "Touch me and offer help. " * (1 + number % 2), "p10"),
        Said(Channel.MONOLOGUE, "An intimate thought of mine. " * (1 + number % 5)),
    ]
    kept = [True, number % 7 < 3, number % 11 < 6 + run.cell.aligned // 5]
    return [line for line, said in zip(lines, kept, strict=True) if said]


def four() -> Experiment:
    languages = {code: with_others(code, *countries) for code, countries in COUNTRIES.items()}
    return experiment(languages, id="study2", replicates=4, aligned=[0, 5, 10])


def differing(run: Run, agent: str, turn: int) -> list[Said]:
    """As `speak`, with another slope in every language."""
    extra = list(COUNTRIES).index(run.cell.language) * run.cell.aligned // 5
    return [*speak(run, agent, turn)[:1], talk("help " * extra), *speak(run, agent, turn)[1:]]


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    folder = write_folder(tmp_path_factory.mktemp("four"), four(), differing)
    return with_multiverse(analyze(folder, PUBLISHED, SCORES), SCORES)


def spoken(*codes: str, **changes: Any) -> Experiment:
    """A study of these languages; English is there for the prefix."""
    planned = experiment({code: language(code) for code in codes}, **changes)
    return planned.model_copy(update={"languages": {**planned.languages, "en": language()}})


def computed(folder: Path, planned: Experiment, words: Speak) -> dict[str, pl.DataFrame]:
    write_folder(folder, planned, words)
    return multiverse(collect(folder), {})


def one(tables: dict[str, pl.DataFrame], **changed: Any) -> dict[str, Any]:
    """The English contrast of CPI by the primary specification, but for ``changed``."""
    labels = {"language": "en", "measure": "cpi", "quantity": "hedges_g"}
    wanted = labels | PRIMARY_SPECIFICATION._asdict() | changed
    matches = [pl.col(name) == str(value) for name, value in wanted.items()]
    return tables[MULTIVERSE].row(by_predicate=pl.all_horizontal(matches), named=True)


def numbers(row: dict[str, Any]) -> list[float]:
    return [row[name] for name in RESULTS]


def by_hand(runs: pl.DataFrame, *terms: tuple[int, str]) -> float | None:
    """Hedges' g of a sum of z scores over the runs of one language, from columns of runs."""
    total = np.zeros(runs.height)
    for sign, name in terms:
        total += sign * stats.zscore(runs[name].cast(pl.Float64).to_numpy(), ddof=1)
    levels = runs["aligned"].to_numpy()
    return hedges_g(total[levels == 10], total[levels == 0]).estimate


@pytest.mark.parametrize("scoring", SCORINGS)
@pytest.mark.parametrize("measure", ["cpi", "di"])
def test_what_other_tables_compute_is_the_same_here(
    analysis: Analysis, scoring: Any, measure: str
) -> None:
    effects = analysis.tables["effects"].filter(
        measure=measure + scoring.suffix,
        reference=scoring.reference.value,
        kind="hedges_g",
        factor="aligned",
    )
    assert effects.height == len(COUNTRIES)
    for effect in effects.iter_rows(named=True):
        row = one(
            analysis.tables,
            language=effect["language"],
            measure=measure,
            reference=scoring.reference,
            unit=scoring.unit,
            echo="excluded" if scoring.no_echo else "counted",
        )
        assert numbers(row) == pytest.approx(numbers(effect))
        assert (row["conf_low"], row["conf_high"], row["method"]) == (
            pytest.approx(effect["conf_low"]),
            pytest.approx(effect["conf_high"]),
            effect["method"],
        )


def test_the_primary_correlation_is_that_of_the_culture_table(analysis: Analysis) -> None:
    expected = analysis.tables["culture"].filter(dimension="pdi", coefficient="pearson")
    rows = analysis.tables[MULTIVERSE].filter(quantity="pearson", changed=0)

    assert rows["measure"].to_list() == expected["measure"].to_list() == ["cpi", "di"]
    assert rows["country"].to_list() == [OWN, OWN]
    for row, wanted in zip(rows.iter_rows(named=True), expected.iter_rows(named=True), strict=True):
        assert numbers(row) == pytest.approx(numbers(wanted))
        assert row["conf_low"] == pytest.approx(wanted["conf_low"])


def test_rows_and_what_is_left_out_add_up_to_every_combination(analysis: Analysis) -> None:
    rows, left_out = analysis.tables[MULTIVERSE], analysis.tables[LEFT_OUT]
    heights = {code: rows.filter(language=code, measure="di").height for code in COUNTRIES}

    assert heights == {"en": ENGLISH, "ja": EXISTING, "fr": EXISTING, "ar": EXISTING}
    for code, height in heights.items():
        out = left_out.filter(language=code)["specifications"].sum()
        assert height + out == EVERY == len(combinations())
    assert "in English both lists are one, which repeats own" in left_out["reason"].to_list()
    # Own, GBR, BEF, and both; the English run repeats itself there and stays in.
    correlations = rows.filter(quantity="pearson", measure="cpi")
    assert correlations.height == 4 * EXISTING
    # The planted words are English: elsewhere every run is off its language.
    away = correlations["exclusion"] == "off_language"
    assert correlations.filter(~away)["n"].unique().to_list() == [4]
    assert correlations.filter(away)["n"].unique().to_list() == [1]
    assert correlations.filter(away)["method"].unique().to_list() == [
        "Pearson r, Fisher 0.95 interval [undefined: too few observations]"
    ]


def test_a_language_without_spaces_has_no_words_and_says_so(tmp_path: Path) -> None:
    planned = spoken("zh")
    unspaced = language("zh", matching="substring")
    planned = planned.model_copy(update={"languages": {**planned.languages, "zh": unspaced}})
    tables = computed(tmp_path, planned, speak)

    assert "per_1000_words" not in tables[MULTIVERSE]["unit"].to_list()
    assert dict(tables[LEFT_OUT].select("reason", "specifications").iter_rows()) == {
        "lines with a hit of either list are not counted": EVERY // 8,
        "hits of the English lists have no count without echo": EVERY * 3 // 16,
        "the language is written without spaces, so it has no count of words": EVERY * 3 // 16,
        "with runs in one language, pooled repeats within_language": EVERY // 2 // 3,
    }


def test_intervals_are_exact_for_the_primary_one_and_its_neighbours(analysis: Analysis) -> None:
    rows = analysis.tables[MULTIVERSE].filter(language="en", measure="cpi")
    known = rows.filter(pl.col("conf_low").is_not_null())

    # Fourteen neighbours, less both lists in English.
    assert known.height == 1 + 14 - 1
    assert known["changed"].max() == 1
    assert rows.filter(pl.col("changed") > 1)["method"].unique().to_list() == [
        "Hedges' g, pooled SD, interval not computed"
    ]
    correlations = analysis.tables[MULTIVERSE].filter(quantity="pearson")
    assert correlations["conf_low"].null_count() == correlations["estimate"].null_count()


@pytest.mark.parametrize(
    ("changed", "terms"),
    [
        ({"sexual": "out"}, ((1, "monologue_share"), (-1, "protective"))),
        (
            {"share": "lines"},
            ((1, "monologue_share_lines"), (1, "sexual"), (-1, "protective")),
        ),
        (
            {"share": "turns"},
            ((1, "monologue_share_turns"), (1, "sexual"), (-1, "protective")),
        ),
        (
            {"measure": "di", "sexual": "out", "echo": "excluded"},
            ((1, "monologue_share"), (1, "protective" + NO_ECHO)),
        ),
    ],
)
def test_a_choice_changes_the_terms_it_is_about(
    analysis: Analysis, changed: dict[str, str], terms: tuple[tuple[int, str], ...]
) -> None:
    runs = analysis.tables["runs"].filter(language="en")
    row = one(analysis.tables, **changed)

    assert row["estimate"] == pytest.approx(by_hand(runs, *terms))
    primary = one(analysis.tables, measure=row["measure"])
    assert row["estimate"] != pytest.approx(primary["estimate"])


@pytest.mark.parametrize(
    ("channel", "counts_in"),
    [
        (Channel.TALK, {"all", "spoken", "talk"}),
        (Channel.WHISPER, {"all", "spoken"}),
        (Channel.MONOLOGUE, {"all"}),
    ],
)
def test_hits_count_in_the_channels_that_are_scanned(
    tmp_path: Path, channel: Channel, counts_in: set[str]
) -> None:
    """A word of the same length that is on no list takes the place of some hits of one channel."""

    def changed(run: Run, agent: str, turn: int) -> list[Said]:
        spared = run.replicate == 1
        return [
            line._replace(
                text=line.text.replace("safety", "slated")
                .replace("intimate", "inundate")
                .replace("Touch", "Tooth")
            )
            if line.channel is channel and spared
            else line
            for line in speak(run, agent, turn)
        ]

    planned = experiment(replicates=4)
    before = computed(tmp_path / "before", planned, speak)
    after = computed(tmp_path / "after", planned, changed)

    for scanned in ("all", "spoken", "talk"):
        same = numbers(one(before, channels=scanned)) == numbers(one(after, channels=scanned))
        assert same == (scanned not in counts_in), scanned


def test_english_hits_join_the_hits_of_lines_that_went_to_english(tmp_path: Path) -> None:
    tables = computed(tmp_path, spoken("it", replicates=4), speak)
    runs = frames.runs_frame(collect(tmp_path).runs)
    both = runs.with_columns(
        pl.col(name) + pl.col(f"{name}_english") for name in ("sexual", "protective")
    )

    assert runs["protective_english"].sum() > 0
    row = one(tables, language="it", lexicons="own_and_english")
    terms = ((1, "monologue_share"), (1, "sexual"), (-1, "protective"))
    assert row["estimate"] == pytest.approx(by_hand(both, *terms))
    assert row["estimate"] != pytest.approx(one(tables, language="it")["estimate"])


@pytest.mark.parametrize(
    ("unit", "channels", "echo", "lexicons", "expected"),
    [
        ("hits", "all", "counted", "own", 6.0),
        ("hits", "all", "excluded", "own", 4.0),
        ("hits", "all", "counted", "own_and_english", 9.0),
        ("per_1000_characters", "all", "counted", "own", 12.0),
        ("per_1000_characters", "all", "counted", "own_and_english", 18.0),
        ("per_1000_words", "all", "excluded", "own", 40.0),
        ("line_share", "all", "counted", "own", 0.3),
        ("line_share", "all", "excluded", "own", 0.2),
    ],
)
def test_hits_are_counted_as_the_choices_say(
    unit: Any, channels: Any, echo: Any, lexicons: Any, expected: float
) -> None:
    tally = Tally(
        lines=10,
        characters=500,
        words=100,
        hits=Hits(protective=6, sexual=50),
        hits_no_echo=Hits(protective=4),
        lines_with=Hits(protective=3),
        lines_with_no_echo=Hits(protective=2),
        hits_english=Hits(protective=3),
    )
    wanted = {"unit": unit, "channels": channels, "echo": echo, "lexicons": lexicons}
    counting = next(
        found.counting for found in combinations() if found.counting._asdict() == wanted
    )

    assert rate(tally, "protective", counting) == pytest.approx(expected)


def test_a_rate_of_nothing_is_undefined() -> None:
    for found in {one.counting for one in combinations()}:
        expected = 0.0 if found.unit == "hits" else None
        assert rate(Tally(), "sexual", found) == expected
        assert isinstance(found, Counting)


def test_runs_are_left_out_above_a_tenth_of_their_lines(tmp_path: Path) -> None:
    """Twenty answers a run of one line each: two lines are a tenth, three are more."""
    wrong = {"en-a0-r1": 2, "en-a0-r2": 3}

    def said(run: Run, agent: str, turn: int) -> list[Said]:
        number = wrong.get(run.run_id.partition("/")[2], 0)
        if turn == 1 and AGENTS.index(agent) < number:
            return [Said(Channel.TALK, "Wir bleiben alle zusammen hier.", None, Outcome.TRUNCATED)]
        return [talk("We stay here in this house together.")]

    write_folder(tmp_path, experiment(replicates=3), said)
    runs = {run.header.run_id.partition("/")[2]: run for run in collect(tmp_path).runs}

    for exclusion in (Exclusion.OFF_LANGUAGE, Exclusion.TRUNCATED):
        assert [name for name, run in runs.items() if is_left_out(run, exclusion)] == ["en-a0-r2"]
    assert not any(is_left_out(run, Exclusion.NONE) for run in runs.values())


def test_an_exclusion_drops_the_run_from_the_groups_and_from_z(tmp_path: Path) -> None:
    def said(run: Run, agent: str, turn: int) -> list[Said]:
        if run.cell.aligned == 10 and run.replicate == 2:
            return [line._replace(outcome=Outcome.TRUNCATED) for line in speak(run, agent, turn)]
        return speak(run, agent, turn)

    tables = computed(tmp_path, experiment(replicates=5), said)
    runs = frames.runs_frame(collect(tmp_path).runs)
    rest = runs.filter(~((pl.col("aligned") == 10) & (pl.col("replicate") == 2)))
    terms = ((1, "monologue_share"), (1, "sexual"), (-1, "protective"))
    row = one(tables, exclusion="truncated")

    assert row["n"] == 9
    assert row["estimate"] == pytest.approx(by_hand(rest, *terms))
    assert numbers(one(tables, exclusion="off_language")) == numbers(one(tables))


def test_another_country_changes_the_correlation_and_nothing_else(analysis: Analysis) -> None:
    rows = analysis.tables[MULTIVERSE].filter(quantity="pearson", measure="cpi")
    slopes = {
        code: analysis.tables["effects"].filter(
            language=code, measure="cpi", reference="within_language", kind="slope",
            factor="aligned",
        )["estimate"].item()
        for code in COUNTRIES
    }  # fmt: skip
    for name, changed in (
        (OWN, {}),
        ("en=GBR", {"en": "GBR"}),
        ("fr=BEF", {"fr": "BEF"}),
        (FIRST_ALTERNATIVES, {"en": "GBR", "fr": "BEF"}),
    ):
        own = {code: countries[0] for code, countries in COUNTRIES.items()} | changed
        distances = [float(SCORES[own[code]][Dimension.POWER_DISTANCE] or 0) for code in slopes]
        row = rows.filter(country=name).filter(
            **{key: str(value) for key, value in PRIMARY_SPECIFICATION._asdict().items()}
        )
        expected = stats.pearsonr(distances, list(slopes.values()))
        assert row["estimate"].item() == pytest.approx(expected.statistic)
        assert row["p_value"].item() == pytest.approx(expected.pvalue)
        assert row["changed"].item() == (name != OWN)


def test_a_chosen_country_is_the_primary_one(analysis: Analysis) -> None:
    tables = multiverse(analysis.collection, SCORES, chosen={"en": "GBR"})
    rows = tables[MULTIVERSE].filter(quantity="pearson", measure="cpi", changed=0)
    before = analysis.tables[MULTIVERSE].filter(measure="cpi", country="en=GBR", changed=1)

    assert rows["estimate"].to_list() == before["estimate"].to_list()
    assert "en=USA" in tables[MULTIVERSE]["country"].to_list()


def test_an_unknown_country_is_the_users_error(tmp_path: Path) -> None:
    languages = {
        code: with_others(code, *countries, *(["XYZ"] if code == "ar" else []))
        for code, countries in COUNTRIES.items()
    }
    write_folder(tmp_path, experiment(languages), speak)

    with pytest.raises(SpecError, match=r"languages\.ar\.country\.alternatives\.0\.code: 'XYZ'"):
        multiverse(collect(tmp_path), SCORES)


def test_fewer_than_four_languages_have_contrasts_only(tmp_path: Path) -> None:
    tables = computed(tmp_path, spoken("en", "fr", "it"), speak)

    assert tables[MULTIVERSE]["quantity"].unique().to_list() == ["hedges_g"]
    assert tables[MULTIVERSE]["country"].null_count() == tables[MULTIVERSE].height


def test_one_language_more_changes_pooled_rows_of_another_only(tmp_path: Path) -> None:
    fewer = computed(tmp_path / "few", spoken("fr", "it", replicates=3), speak)[MULTIVERSE]
    more = computed(tmp_path / "more", spoken("fr", "it", "ar", replicates=3), speak)[MULTIVERSE]
    french = [rows.filter(language="fr") for rows in (fewer, more)]
    alone = [rows.filter(pl.col("reference") != "pooled") for rows in french]

    assert alone[0].equals(alone[1])
    assert not french[0].equals(french[1])


def test_a_design_without_the_extremes_says_that_it_cannot_contrast(tmp_path: Path) -> None:
    tables = computed(tmp_path, experiment(aligned=[2, 8]), speak)

    assert tables[MULTIVERSE]["estimate"].null_count() == tables[MULTIVERSE].height
    assert tables[MULTIVERSE]["method"].unique().to_list() == [
        "not testable: no complete run with 10 of 10 agents aligned"
    ]
    assert tables[SUMMARY]["defined"].to_list() == [0, 0]
    assert tables[SUMMARY]["same_sign"].to_list() == [None, None]


def test_silent_groups_have_no_effect_and_say_why(tmp_path: Path) -> None:
    rows = computed(tmp_path, experiment(), everyone())[MULTIVERSE]

    assert rows["estimate"].null_count() == rows.height
    assert rows["method"].unique().to_list() == [
        "Hedges' g, pooled SD [undefined: too few observations]"
    ]


def test_a_folder_without_a_complete_run_has_all_tables_and_no_rows(tmp_path: Path) -> None:
    planned = experiment()
    write_folder(tmp_path, planned, speak, absent={run.run_id for run in planned.runs()})
    tables = multiverse(collect(tmp_path), {})

    assert list(tables) == [MULTIVERSE, SUMMARY, OPTIONS, LEFT_OUT]
    assert all(rows.is_empty() for rows in tables.values())
    assert tables[MULTIVERSE].columns == list(COLUMNS)


def test_individuated_runs_enter_z_and_no_contrast(tmp_path: Path) -> None:
    planned = experiment(id="study3", individuated=[0, 10], replicates=3)
    tables = computed(tmp_path, planned, speak)
    analysed = analyze(tmp_path, PUBLISHED, {}).tables["effects"]
    expected = analysed.filter(
        measure="cpi", reference="within_language", kind="hedges_g", factor="aligned", other=0
    ).row(0, named=True)

    assert numbers(one(tables)) == pytest.approx(numbers(expected))
    assert one(tables)["n"] == 6


def test_the_long_table_is_a_file_only(analysis: Analysis) -> None:
    tables = json.loads(to_json(analysis))["tables"]

    assert MULTIVERSE not in tables
    assert len(tables[SUMMARY]) == analysis.tables[SUMMARY].height == 2 * len(COUNTRIES) + 2


def test_every_choice_is_a_column_with_all_its_options(analysis: Analysis) -> None:
    for choice in CHOICES:
        found = set(analysis.tables[MULTIVERSE][choice.name].to_list())
        assert found == {option.value.value for option in choice.options}
