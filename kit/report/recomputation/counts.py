"""Counts: runs planned and done, lines, characters, outcomes, sums and shares."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping

from kit.report.recomputation.indices import SCORINGS, ratio, scores, shares
from kit.report.recomputation.logs import CHANNELS, CONDITION, RunCount, legality
from kit.report.recomputation.sources import Rows, Sources
from kit.report.recomputation.tables import Row, Scalar

NOT_SUMMED = frozenset({"run_id", *CONDITION, "replicate", "agent", "channel"})


def plan(sources: Sources) -> Rows:
    """Runs of every cell by what became of them, from the study and the names of the logs."""
    study = sources.study
    absent = sources.spec["missing_languages"]
    found: Rows = {}
    names = {path.name for path in (sources.folder / "runs").glob("*.jsonl")}
    for where in itertools.product(
        study["models"]["value"],
        (code for code in study["languages"]["value"] if code not in absent),
        tuple(study["variants"]) or (None,),
        study["individuated"]["value"],
        study["aligned"]["value"],
    ):
        runs = [_file(study, where, n + 1) for n in range(int(study["replicates"]["value"]))]
        complete = sum(f"{name}.jsonl" in names for name in runs)
        begun = sum(
            f"{name}.partial.jsonl" in names and f"{name}.jsonl" not in names for name in runs
        )
        found[where] = {
            "planned": len(runs),
            "complete": complete,
            "incomplete": begun,
            "missing": len(runs) - complete - begun,
        }
    return found


def _file(study: Mapping[str, Mapping[str, list[int]]], where: tuple[Scalar, ...], n: int) -> str:
    """The name of a run's log."""
    model, language, variant, individuated, aligned = where
    name = f"{language}-a{aligned}"
    if study["individuated"]["value"] != [0]:
        name += f"-i{individuated}"
    if variant is not None:
        name += f"-v{variant}"
    if len(study["models"]["value"]) > 1:
        name += f"-m{model}"
    return f"{name}-r{n}"


def channels(sources: Sources) -> Rows:
    """Lines and characters by channel, from the logs."""
    found: Rows = {}
    for run_id, run in sources.logs.items():
        for agent, count in run.agents.items():
            for channel in CHANNELS:
                found[run_id, agent, channel] = {
                    "lines": count.lines.get(channel, 0),
                    "characters": count.characters.get(channel, 0),
                }
    return found


def agents(sources: Sources) -> Rows:
    """Sums over channels, shares of them, and turns and tags from the logs."""
    groups: dict[tuple[Scalar, ...], list[Row]] = defaultdict(list)
    for row in sources.tables["channels"]:
        groups[row["run_id"], row["agent"]].append(row)
    return {
        key: {**_speech(rows), **_agent(sources.logs.get(str(key[0])), str(key[1]))}
        for key, rows in groups.items()
    }


def runs(sources: Sources) -> Rows:
    """The same for whole groups."""
    groups: dict[tuple[Scalar, ...], list[Row]] = defaultdict(list)
    for row in sources.tables["channels"]:
        groups[(row["run_id"],)].append(row)
    return {
        key: {**_speech(rows), **_group(sources.logs.get(str(key[0])))}
        for key, rows in groups.items()
    }


def _speech(rows: list[Row]) -> dict[str, Scalar]:
    total = _sums(rows)
    monologue = _sums([row for row in rows if row["channel"] == "monologue"])
    return {**total, **shares(total, monologue)}


def _sums(rows: list[Row]) -> dict[str, int | None]:
    names = [name for name in rows[0] if name not in NOT_SUMMED]
    return {
        name: None if any(row[name] is None for row in rows) else sum(row[name] for row in rows)
        for name in names
    }


def _agent(run: RunCount | None, agent: str) -> dict[str, Scalar]:
    if run is None or agent not in run.agents:
        return {}
    count = run.agents[agent]
    return _turns(count.turns, count.inward, count.masses)


def _group(run: RunCount | None) -> dict[str, Scalar]:
    if run is None:
        return {}
    return _turns(
        sum(count.turns for count in run.agents.values()),
        sum(count.inward for count in run.agents.values()),
        tuple(mass for count in run.agents.values() for mass in count.masses),
    )


def _turns(turns: int, inward: int, masses: tuple[float, ...]) -> dict[str, Scalar]:
    mass = legality(masses)
    return {
        "turns": turns,
        "monologue_share_turns": ratio(inward, turns),
        "tag_decisions": mass.decisions,
        "legal_mass_mean": mass.mean,
        "legal_mass_min": mass.minimum,
        "legal_mass_below_half": mass.below_half,
    }


def outcomes(sources: Sources) -> Rows:
    """How answers and lines ended, by cell."""
    cells: dict[tuple[Scalar, ...], Counter[tuple[str, str]]] = defaultdict(Counter)
    for run in sources.logs.values():
        cells[_condition(run)].update(run.outcomes)
    return {
        (*where, *kind): {"number": number}
        for where, kinds in cells.items()
        for kind, number in kinds.items()
    }


def tags(sources: Sources) -> Rows:
    """How freely channel tags were chosen, by cell."""
    cells: dict[tuple[Scalar, ...], tuple[float, ...]] = defaultdict(tuple)
    for run in sources.logs.values():
        cells[_condition(run)] += tuple(
            mass for agent in run.agents.values() for mass in agent.masses
        )
    return {where: legality(masses)._asdict() for where, masses in cells.items()}


def _condition(run: RunCount) -> tuple[Scalar, ...]:
    return tuple(run.header[name] for name in CONDITION)


def indices(sources: Sources) -> Rows:
    """Z scores and indices of every run by every scoring."""
    found: Rows = {}
    for scoring in SCORINGS:
        for row, score in zip(sources.runs, scores(sources.runs, scoring), strict=True):
            key = (row["run_id"], scoring.reference, scoring.unit, scoring.without_echo)
            found[key] = score._asdict()
    return found
