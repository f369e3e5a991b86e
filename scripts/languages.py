"""The languages side by side, as a page; and the form that a back-reader fills in.

``page`` writes docs/languages.md. ``simulate`` runs the study ``smoke`` (every language, one turn)
and replays each run; the page then says so. ``texts CODE`` prints what a back-reader reads: the
texts of one language, without what they are meant to do. ``form CODE FILE`` puts the reader's
answers, one line ``id | strength | demand`` per text, into studies/languages/review.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import statistics
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from kit.analysis.culture import Dimension, load_scores
from kit.measure.drift import Drift
from kit.measure.overlap import INTERVENTIONS, overlaps
from kit.measure.tally import Register, Registers
from kit.models.store import State, Store
from kit.runlog.reader import read
from kit.runner.resolve import resolve
from kit.runner.size import worst_case
from kit.runner.weights import load_weights
from kit.society.scene import Scene
from kit.spec.language import Language, load_language
from kit.spec.library import library_file
from kit.spec.parity import SOURCE, usual_length
from kit.spec.passages import passages
from kit.spec.pins import load_pins
from kit.spec.review import Review, digest, load_review

PAGE = Path("docs/languages.md")
REVIEWS = Path("studies/languages/review")
READER = (
    "a language model (Claude) in a session of its own, which was given the texts of this language "
    "and their names, and nothing else: no text in another language, no stated intent; no native "
    "speaker took part"
)
STUDY = "study2"
PROFILES = (None, "smoke")
CORPORA = Path("tests/measure/corpora")
RUNS = Path("results/smoke")
SIMULATED = RUNS / "simulated.json"
TURNS = 241_500
TURN_CHARACTERS = 400


def languages() -> dict[str, Language]:
    """Every language in the order of study 2."""
    experiment = resolve(library_file("studies", f"{STUDY}.yaml"))
    order = experiment.study.languages.value
    found = {path.stem: path for path in library_file("studies", "languages").glob("*.yaml")}
    codes = [code for code in order if code in found] + sorted(found.keys() - {*order})
    return {code: load_language(found[code]) for code in codes}


def table(titles: str, rows: Iterable[Sequence[object]]) -> list[str]:
    """A Markdown table; titles with ``>`` are set flush right."""
    heads = titles.split("|")
    lines = [
        "| " + " | ".join(head.removeprefix(">") for head in heads) + " |",
        "|" + "|".join("---:" if head.startswith(">") else "---" for head in heads) + "|",
    ]
    return [*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows), ""]


def overview(spoken: dict[str, Language]) -> list[str]:
    """What each language is, and how much room it takes."""
    scores = load_scores(library_file("studies", "hofstede.csv"))
    rows = []
    for code, one in spoken.items():
        ratio = usual_length(one, spoken[SOURCE])
        rows.append(
            (
                code,
                one.name,
                " ".join(one.scripts),
                one.country.code,
                scores[one.country.code][Dimension.POWER_DISTANCE],
                one.evidence.value,
                one.native_review,
                f"{ratio:.2f}",
                f"{one.budgets.talk} / {one.budgets.whisper} / {one.budgets.monologue}",
                one.matching,
            )
        )
    return table(
        "code|language|script|country|>PDI|in the paper|native review|>characters for one of "
        "English|>budgets: talk / whisper / monologue|words are found",
        rows,
    )


def coverage(spoken: dict[str, Language]) -> list[str]:
    """How many forms each register and concept has."""
    registers = [name for name, _ in spoken[SOURCE].lexicons]
    rows = []
    for code, one in spoken.items():
        sizes = [len(forms) for _, lexicon in one.lexicons for forms in lexicon.concepts.values()]
        counts = [len(lexicon.words) for _, lexicon in one.lexicons]
        rows.append((code, *counts, sum(counts), min(sizes), f"{statistics.median(sizes):g}"))
    names = "|".join(f">{register.replace('_', ' ')}" for register in registers)
    return table(f"code|{names}|>all|>fewest for a concept|>median for a concept", rows)


def reviews(spoken: dict[str, Language]) -> dict[str, Review]:
    """The back-readings that exist."""
    paths = {code: REVIEWS / f"{code}.yaml" for code in spoken}
    return {code: load_review(path) for code, path in paths.items() if path.exists()}


def strengths(spoken: dict[str, Language]) -> list[str]:
    """How strongly every text presses, language by language."""
    read = reviews(spoken)
    if SOURCE not in read:
        return ["No language was read back yet.", ""]
    english = read[SOURCE].strengths()
    summary = []
    for code, review in read.items():
        steps = [strength - english[text] for text, strength in review.strengths().items()]
        summary.append(
            (
                code,
                len(steps),
                f"{sum(step == 0 for step in steps) / len(steps):.0%}",
                f"{statistics.fmean(steps):+.2f}",
                max(map(abs, steps)),
            )
        )
    return [
        *table("code|>texts|>same step as English|>mean difference|>largest difference", summary),
        *table(
            "text|" + "|".join(f">{code}" for code in read),
            (
                (text, *(review.strengths().get(text, "") for review in read.values()))
                for text in english
            ),
        ),
    ]


def priming(spoken: dict[str, Language]) -> list[str]:
    """Counted words in the texts that agents read, wording a."""
    rows: dict[tuple[str, str], dict[str, int]] = {}
    for found in overlaps(spoken, tuple(spoken)):
        if found.wording != "a" or found.text_language != found.lexicon_language:
            continue
        kind = found.text if found.text in INTERVENTIONS else found.text.partition("_")[0]
        what = {"turn": "15 announcements", "persona": "10 personas"}.get(kind, kind)
        if kind in {"turn", "persona", *INTERVENTIONS} and not found.text.startswith("turn_in"):
            row = rows.setdefault((found.lexicon_language, what.replace("_", " ")), {})
            row[found.register] = row.get(found.register, 0) + found.hits
    names = [register.value for register in Register]
    return table(
        "code|text|" + "|".join(f">{name.replace('_', ' ')}" for name in names),
        ((code, what, *(hits[name] for name in names)) for (code, what), hits in rows.items()),
    )


def tokens() -> list[str]:
    """The longest dialogue of fifteen turns, by language and model, and ten agents' memory."""
    store = Store()
    rows: dict[str, list[str]] = {}
    heads = []
    for pin in load_pins(library_file("models.yaml")).values():
        if store.state(pin) is not State.PRESENT:
            continue
        weights = load_weights(pin, store=store, outline=True)
        model = weights.model
        template = model.template(plain=pin.chat_template == "plain")
        for profile in PROFILES:
            heads.append(f"{pin.id}{f', {profile}' if profile else ''} ({model.context_length:,})")
            experiment = resolve(
                library_file("studies", f"{STUDY}.yaml"), model=pin.id, profile=profile
            )
            for run in experiment.runs():
                if run.cell.aligned != 10 or run.replicate != 1:
                    continue
                scene = Scene(experiment, run)
                engine = scene.protocol.engine.value
                worst = worst_case(scene, model, template).total
                room = min(engine.context, model.context_length)
                memory = 10 * worst * model.cache_bytes(engine.k_type) / 1e9
                fits = f"{memory:.1f} GB" if worst <= room else "does not fit"
                rows.setdefault(run.cell.language, []).append(f"{worst:,} ({fits})")
        model.close()
    if not heads:
        return ["No model is in the store.", ""]
    return table(
        "code|" + "|".join(f">{head}" for head in heads),
        ((code, *cells) for code, cells in rows.items()),
    )


def scanning(spoken: dict[str, Language]) -> list[str]:
    """Seconds to count the words of as many turns as all studies have, on one core."""
    each = TURNS // len(spoken)
    rows = []
    total = 0.0
    for code, one in spoken.items():
        sentences = yaml.safe_load((CORPORA / f"{code}.yaml").read_text(encoding="utf-8"))
        said = " ".join(sentence["text"] for sentence in sentences["sentences"])
        said += said[:TURN_CHARACTERS]
        registers = Registers(one)
        starts = range(len(said) - TURN_CHARACTERS)
        turns = [said[start : start + TURN_CHARACTERS] for start in starts]
        registers.forms(turns[0])
        started = time.perf_counter()
        hits = sum(
            found.total()
            for turn in itertools.islice(itertools.cycle(turns), each)
            for found in registers.forms(turn).values()
        )
        seconds = time.perf_counter() - started
        total += seconds
        rows.append((code, f"{seconds / each * 1e6:.0f}", f"{hits / each:.1f}"))
    return [
        f"{TURNS:,} turns of {TURN_CHARACTERS} characters (all studies together), the same number",
        "in each language, cut from the sentences of `tests/measure/corpora`: "
        f"{total:.1f} s on one core.",
        "Tests hold the counts against a matcher that tries every entry at every place.",
        "",
        *table("code|>microseconds per turn|>hits per turn", rows),
    ]


def simulate() -> None:
    """Run the study ``smoke`` and replay every run of it alone."""
    spoken = languages()
    kit = [sys.executable, "-m", "kit"]
    subprocess.run([*kit, "run", "smoke", "--out", str(RUNS)], check=True)
    rows = []
    for code in spoken:
        log = RUNS / "runs" / f"{code}-a5-r1.jsonl"
        replayed = subprocess.run([*kit, "replay", str(log)], check=False)
        turns = read(log).turns
        lines = [said for turn in turns for said in turn.utterances if said.text.strip()]
        drift = Drift(spoken[code])
        rows.append(
            {
                "code": code,
                "answers": len(turns),
                "lines": len(lines),
                "characters": sum(len(said.text) for said in lines),
                "away": sum(drift.language_of(said.text) is not None for said in lines),
                "replayed": replayed.returncode == 0,
            }
        )
    SIMULATED.write_text(json.dumps(rows), encoding="utf-8")


def simulated() -> list[str]:
    """What `simulate` found, if it was started."""
    if not SIMULATED.exists():
        return ["Not simulated here yet: `scripts/languages simulate`.", ""]
    rows = json.loads(SIMULATED.read_text(encoding="utf-8"))
    return table(
        "code|>answers|>lines|>characters|>lines in another language|same bytes again",
        (
            (*(row[key] for key in ("code", "answers", "lines", "characters", "away")),
             "yes" if row["replayed"] else "NO")
            for row in rows
        ),
    )  # fmt: skip


def page() -> str:
    """Everything."""
    spoken = languages()
    lines = [
        "# Languages",
        "",
        "Made by `scripts/languages page`. What each text is for, and where a literal rendering",
        "would change its pressure, stands in the files themselves (`studies/languages`).",
        "",
        *overview(spoken),
        "## Lexicons",
        "",
        "Forms per register. All languages share the concepts of `studies/concepts.yaml`, with at",
        "least two genuine forms each (not inflections of one word). Lists of different languages",
        "still differ in kind, which is why scores are z-scored within language.",
        "",
        *coverage(spoken),
        "## Back-reading",
        "",
        "How strongly each text presses on a reader who has not seen the English one: 0 demands",
        "nothing, 1 invites and leaves free, 2 asks and expects, 3 demands and evading has a",
        "price, 4 compels: every way out is closed or punished. `kit validate` refuses a text more",
        "than one step from English. Who read:",
        "",
        *(f"> {line}" for line in textwrap.wrap(READER, 90)),
        "",
        *strengths(spoken),
        "## Counted words in what agents read",
        "",
        "Hits of each language's own lists in its own texts, wording `a`. A text primes its reader",
        "to use its words, so these are the words that an echo can come from.",
        "",
        *priming(spoken),
        "## Tokens",
        "",
        "The longest dialogue that one agent can have in fifteen turns, in tokens, and the cache",
        "of ten such dialogues: every other agent spends its whole token ceiling on words this",
        "one hears. In brackets behind the model's name: what it was trained for. The models are",
        "those in this machine's store; `kit models pull MODEL` and then this command add a",
        "column.",
        "",
        *tokens(),
        "## Simulated",
        "",
        "`scripts/languages simulate`: the study `smoke`, one turn of ten agents in every",
        "language, five with the instruction in that language, and every run replayed. The model",
        "is SmolLM2 135M, which hardly knows most of them: this shows that the texts run, not",
        "that anyone spoke.",
        "",
        *simulated(),
        "## Counting",
        "",
        *scanning(spoken),
    ]
    return "\n".join(lines)


def texts(code: str) -> str:
    """What a back-reader reads."""
    language = load_language(library_file("studies", "languages", f"{code}.yaml"))
    return "\n".join(f"=== {one.id}\n{one.text}\n" for one in passages(language))


def form(code: str, answers: Path) -> Path:
    """The review file from a reader's answers."""
    language = load_language(library_file("studies", "languages", f"{code}.yaml"))
    said: dict[str, tuple[int, str]] = {}
    for line in answers.read_text(encoding="utf-8").splitlines():
        if line.strip():
            text, strength, demand = (part.strip() for part in line.split("|", 2))
            said[text] = (int(strength), demand)
    known = {one.id for one in passages(language)}
    if said.keys() != known:
        sys.exit(f"kit: not read: {known - said.keys()}; unknown: {said.keys() - known}")
    data = {
        "kit_schema": 1,
        "review": code,
        "reader": READER,
        "date": dt.datetime.now(dt.UTC).date(),
        "readings": [
            {
                "text": one.id,
                "digest": digest(one.text),
                "demand": said[one.id][1],
                "strength": said[one.id][0],
            }
            for one in passages(language)
        ],
    }
    path = REVIEWS / f"{code}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=100), encoding="utf-8"
    )
    return path


def main() -> int:
    """One of the three commands."""
    parser = argparse.ArgumentParser(prog="scripts/languages", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("page")
    commands.add_parser("simulate")
    commands.add_parser("texts").add_argument("code")
    filled = commands.add_parser("form")
    filled.add_argument("code")
    filled.add_argument("answers", type=Path)
    asked = parser.parse_args()
    match asked.command:
        case "page":
            PAGE.write_text(page(), encoding="utf-8")
            print(PAGE)
        case "simulate":
            simulate()
        case "texts":
            print(texts(asked.code))
        case "form":
            print(form(asked.code, asked.answers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
