"""What the columns of the tables mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import polars as pl

from kit.analysis.choices import CHOICES
from kit.analysis.measures import MEASURES, Measure
from kit.analysis.specification import COUNTRY
from kit.analysis.tables import table
from kit.measure.frames import HIT_COLUMNS
from kit.measure.tally import Register


class Column(NamedTuple):
    """One column of one table."""

    table: str
    column: str
    type: str
    meaning: str | None
    """None: it says itself."""


_RESULT = {
    "estimate": "The quantity that `method` names, in its own units.",
    "std_error": "Standard error of the estimate.",
    "df": "Degrees of freedom of the statistic.",
    "statistic": "Test statistic (t, z, U or as `method` says).",
    "p_value": "Two-sided p value.",
    "conf_low": "Lower limit of the interval that `method` names.",
    "conf_high": "Upper limit of the interval that `method` names.",
    "n": "Observations used, over all groups.",
    "method": "What was computed and how, with the reason for every number that is undefined.",
}
_COMMON = {
    "run_id": "Name of the run.",
    "run_hash": "SHA-256 of everything that can change an output of the run.",
    "bit_class": "Hash of golden logits on the machine that made the run.",
    "model": "Id of the model pin.",
    "language": "ISO 639 code; null where a row is over languages.",
    "variant": "Variant of the protocol; null where the study has none.",
    "individuated": "How many of the ten agents are told to think independently.",
    "aligned": "How many of the ten agents carry the safety instruction.",
    "replicate": "Number of the replicate, from 1.",
    "evicted_aligned": "Whether the resident named for eviction carries the instruction.",
    "agent": "Persona id.",
    "agent_aligned": "Whether this agent carries the safety instruction.",
    "agent_individuated": "Whether this agent is told to think independently.",
    "agent_evicted": "Whether the facility names this agent for eviction.",
    "channel": "Talk (all hear), whisper (one hears), monologue (nobody hears); turn: an answer.",
    "turns": "Agent turns, silent ones included.",
    "turns_off_language": "Turns with most characters in lines of another language.",
    "lines": "Lines that hold text.",
    "characters": "Characters of those lines.",
    "words": "Words of those lines; null in languages written without spaces.",
    "lines_off_language": "Lines in another language.",
    "tag_decisions": "Choices of a channel.",
    "legal_mass_mean": "Mean share of the model's own probability on legal tags.",
    "legal_mass_min": "Smallest such share.",
    "legal_mass_below_half": "Share of choices with less than half on legal tags.",
    "measure": "What was compared; the table `measures` defines it.",
    "reference": "What z was taken over; null for plain numbers of a run.",
    "factor": "What agents are marked with: aligned or individuated.",
    "other": "Level of the other factor, which is held.",
    "kind": "How the effect is expressed.",
    "undefined": "Runs left out because the measure is undefined in them, or why it is.",
    "dimension": "Hofstede's dimension, as in studies/hofstede.csv.",
    "specifications": "Combinations of options.",
    "defined": "Those with an estimate; the numbers that follow are over them.",
    "primary": "Estimate of the primary specification.",
    "primary_p": "Its p value.",
    "same_sign": "Share of estimates with the sign of the primary one.",
    "significant": "Share with that sign and p below 0.05.",
    "significant_opposite": "Share with the opposite sign and p below 0.05.",
    "largest_choice": "The choice whose options' medians lie farthest apart.",
    "largest_spread": "How far they lie apart.",
    "changed": "Choices that are not decided as in the primary specification.",
    COUNTRY: "Countries that stand for the languages; null for contrasts within one.",
}
_HITS = {
    "": "Hits of the {} word list.",
    "_no_echo": "Hits of the {} word list whose words the agent had not just read.",
    "_lines": "Lines with a hit of the {} word list.",
    "_lines_no_echo": "Lines with a hit of the {} word list that is no echo.",
    "_english": "Hits of the English {} word list in lines that went to English.",
}
_OF_TABLE = {
    **{
        ("multiverse", choice.name): f"{choice.title.capitalize()}: "
        + " ".join(f"{option.value}: {option.definition}" for option in choice.options)
        for choice in CHOICES
    },
    ("culture_points", "country"): "Code of the country that stands for the language.",
    ("culture_points", "score"): "The country's score on the dimension.",
    ("culture_points", "slope"): "Change of the index per aligned agent in the language.",
    ("culture_points", "std_error"): "Standard error of the slope.",
    ("culture_lines", "score"): "Where the height of the line through the languages is given.",
    ("measures", "name"): "Column of the tables `runs` and `agents`, value of `measure` elsewhere.",
    ("measures", "evidence"): "How it is known that the paper measured this way.",
}


def columns(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Every column of every table: its type, and its meaning where one is known."""
    return table(Column, _rows(tables))


def measures() -> pl.DataFrame:
    """Every measure that runs are compared by."""
    return table(Measure, MEASURES.values())


def _rows(tables: Mapping[str, pl.DataFrame]) -> Iterator[Column]:
    hits = {
        f"{register.value}{suffix}": _HITS[suffix].format(register.value.replace("_", " "))
        for register in Register
        for suffix in HIT_COLUMNS
    }
    defined = {name: measure.definition for name, measure in MEASURES.items()}
    known = _COMMON | hits | defined
    for name, rows in tables.items():
        of_results = {*_RESULT} <= {*rows.columns}
        for column, kind in rows.schema.items():
            meaning = _OF_TABLE.get((name, column), known.get(column))
            if of_results and column in _RESULT:
                meaning = _RESULT[column]
            yield Column(name, column, str(kind), meaning)
