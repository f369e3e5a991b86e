"""``kit models list``: what is pinned, what is here, what this machine can hold, and how long."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import NamedTuple

from kit.cli import console
from kit.cli.progress import duration as words_for
from kit.engine.build import BuildKind
from kit.errors import KitError, ModelError, OutputError
from kit.gguf import Header, read_model
from kit.models.store import State, Store, home
from kit.runner.advice import Fit, Machine, Verdict, context_for, fit, missing_bytes, need, survey
from kit.runner.demand import NO_STUDY, Demand, Duration, at_most, demand, duration
from kit.runner.resolve import resolve, study_path
from kit.runner.speed import (
    ActiveWeights,
    Measurement,
    active_weights,
    is_busy,
    predict,
    recall,
    record_path,
    remember,
    time_model,
)
from kit.runner.weights import load_weights, model_sha256
from kit.spec.library import library_file
from kit.spec.pins import Attention, ModelPin, Tier, find_pin, load_pins
from kit.spec.study import EngineSettings

ID_COLUMN = 36
"""A longer id takes a line of its own: the table keeps to 80 columns, and ids stay whole."""
STUDIES = ("demo", "study1", "study2", "study3", "study4")
MAIN_STUDY = "study1"
CONTEXTS = (2048, 4096, 8192, 16384)
UNITS = (("y", 31_536_000), ("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
HELD = (State.PRESENT, State.UNKNOWN)
NEVER_TIMED = (Verdict.TOO_LARGE, Verdict.TOO_SHORT, Verdict.WEIGHTS_ONLY)
"""Such a model cannot be run here, and a time would say that it can."""


class _Place(NamedTuple):
    """Everything that advice on any model depends on."""

    store: Store
    machine: Machine
    known: tuple[Measurement, ...]


def show_models(ids: tuple[str, ...], study: str | None, *, measure: bool) -> None:
    """The table of all pins, or all about those that are named."""
    pins = load_pins(library_file("models.yaml"))
    chosen = [find_pin(pins, model_id) for model_id in ids]
    store = Store()
    machine = survey(store)
    wanted = [study] if study else STUDIES if ids else [MAIN_STUDY]
    asked = _demands(wanted, next(iter(pins)), required=study is not None)
    known = _recalled(machine)
    if measure:
        embedded = [pin for pin in pins.values() if pin.tier is Tier.EMBEDDED]
        known = _measure(chosen or embedded, machine, known)
    place = _Place(store, machine, known)
    for pin in chosen:
        _say_details(pin, asked, place)
    if not chosen:
        _say_table(pins.values(), asked[0] if asked else NO_STUDY, place)


def _demands(names: Iterable[str], model: str, *, required: bool) -> list[Demand]:
    """What the named studies ask; of those that were not asked for by name, the sound ones."""
    found = []
    for name in names:
        try:
            found.append(demand(resolve(study_path(name), model=model)))
        except KitError as error:
            if required:
                raise
            console.note(f"not judged by {name}: {error.message}")
    return found


def _recalled(machine: Machine) -> tuple[Measurement, ...]:
    return () if machine.build is None else recall(record_path(home(), machine.build))


def _measure(
    pins: Iterable[ModelPin], machine: Machine, known: tuple[Measurement, ...]
) -> tuple[Measurement, ...]:
    """Time models of the store; what was known of them before is replaced."""
    on_gpu = machine.build is not None and machine.build.kind is BuildKind.GPU
    settings = EngineSettings(gpu_layers=999 if on_gpu else 0)
    if is_busy():
        console.note("this machine is busy with other work: what is measured now is too slow")
    for pin in pins:
        weights = load_weights(pin, fast=True, settings=settings)
        try:
            active = active_weights(read_model(weights.model.path))
            if active is None:
                raise ModelError(
                    "its metadata does not say how many experts there are", where=pin.id
                )
            found = time_model(weights, active, settings)
        finally:
            weights.model.close()
        speed = found.speed
        console.note(
            f"{pin.id}: reads {speed.read:,.0f}, speaks {speed.speak:,.0f} tokens a second, "
            "ten agents together"
        )
        known = (*(one for one in known if one.sha256 != found.sha256), found)
        try:
            remember(record_path(home(), weights.model.build), found)
        except OutputError as error:
            console.error(error)
    return known


def _say_table(pins: Iterable[ModelPin], asked: Demand, place: _Place) -> None:
    console.say(_row("ID", "SIZE", "STATE", "FIT", "TIME"))
    for pin in pins:
        needed = need(pin, pin.attention, asked.k_type)
        found = fit(pin, needed, asked, place.machine.room)
        short = _disk_short(pin, place)
        words = "lacks disk" if short and found.verdict is Verdict.FITS else _fit_words(found)
        time = _time_words(_duration(pin, asked, found, place, ()), found)
        console.say(_row(pin.id, size_words(pin.total_bytes), place.store.state(pin), words, time))
    for line in _legend(asked, place):
        console.note(line)


def _legend(asked: Demand, place: _Place) -> Iterable[str]:
    yield f"store: {place.store.root}"
    yield f"this machine: {_machine_words(place.machine)}"
    kind = "Q8_0" if asked.k_type == "q8_0" else "F16"
    name = asked.study or "any study"
    yield f"FIT: {name} with ten agents of up to {asked.context:,} tokens, keys in {kind}"
    if not asked.runs:
        return
    if not place.known:
        yield "TIME: nothing was measured here yet; kit models list --measure"
    else:
        yield f"TIME: an estimate for kit run {name} --model ID; < where only the size is known"


def _say_details(pin: ModelPin, studies: Iterable[Demand], place: _Place) -> None:
    store, machine = place.store, place.machine
    state = store.state(pin)
    headers = _headers(pin, store) if state in HELD else ()
    trained = f", trained for {pin.context_length:,} tokens" if pin.context_length else ""
    console.say(pin.id)
    console.say(f"  family {pin.family}, tier {pin.tier}, licence {pin.license}{trained}")
    for line in textwrap.wrap(pin.note or "", 76):
        console.say(f"  {line}")
    missing = missing_bytes(store, pin)
    console.say(f"  {state} in the store" + (f"; {size_words(missing)} to pull" if missing else ""))
    if short := _disk_short(pin, place):
        console.say(f"  disk: lacks {size_words(short)} at {store.root}")
    for file in pin.files:
        console.say(f"    {file.name}")
        console.say(f"      {file.bytes:,} bytes, sha256 {file.sha256[:12]}")
    console.say(f"  memory for ten agents, keys in F16; {_machine_words(machine)}")
    needed = need(pin, _attention(pin, headers), "f16", headers)
    for context in CONTEXTS:
        if context > (pin.context_length or context):
            break
        total = needed.total(context)
        amount = "?" if total is None else size_words(total)
        fits = "" if total is None or machine.room is None or total <= machine.room else "too large"
        console.say(f"    {context:>6,} tokens each  {amount:>9}  {fits}".rstrip())
    console.say("  study")
    for asked in studies:
        needed = need(pin, _attention(pin, headers), asked.k_type, headers)
        found = fit(pin, needed, asked, machine.room)
        time = _duration(pin, asked, found, place, headers)
        line = f"    {asked.study:<18}  {_fit_words(found):<13}  {_time_words(time, found):<10}"
        if time is not None and time.likely is not None:
            line += f"  about {words_for(time.likely)}"
        console.say(line.rstrip())
    if not place.known:
        console.note("no times: nothing was measured here yet; kit models list --measure")


def _headers(pin: ModelPin, store: Store) -> tuple[Header, ...]:
    try:
        return read_model(store.path(pin))
    except ModelError as error:
        console.error(error)
        return ()


def _attention(pin: ModelPin, headers: tuple[Header, ...]) -> Attention | None:
    from kit.models.pinning import attention_of

    return attention_of(headers[0]) if headers else pin.attention


def _duration(
    pin: ModelPin, asked: Demand, found: Fit, place: _Place, headers: tuple[Header, ...]
) -> Duration | None:
    if found.verdict in NEVER_TIMED or not asked.runs:
        return None
    sha256 = model_sha256(pin)
    weights = active_weights(headers)
    if weights is None and pin.active is not None:
        weights = ActiveWeights(**pin.active.model_dump())
    measured = any(one.sha256 == sha256 for one in place.known)
    speeds = predict(place.known, sha256, weights or at_most(pin))
    if speeds is None:
        return None
    bounded = weights is None and not measured
    return duration(speeds, asked, context_for(pin, asked), bounded=bounded)


def _disk_short(pin: ModelPin, place: _Place) -> int:
    """Bytes that the store's disk lacks for ``pin``."""
    free = place.machine.disk
    return 0 if free is None else max(0, missing_bytes(place.store, pin) - free)


def _machine_words(machine: Machine) -> str:
    memory = "?" if machine.memory is None else size_words(machine.memory)
    gpu = "" if machine.gpu is None else f", {size_words(machine.gpu)} on GPUs"
    disk = "?" if machine.disk is None else size_words(machine.disk)
    return f"{memory} of memory free{gpu}, {disk} of disk"


def _fit_words(found: Fit) -> str:
    match found.verdict:
        case Verdict.SHORTER:
            return f"{found.tokens:,} tokens"
        case Verdict.TOO_LARGE:
            return f"lacks {size_words(found.lacking)}"
        case Verdict.TOO_SHORT:
            return "short context"
        case Verdict.UNKNOWN:
            return "?"
        case _:
            return str(found.verdict)


def _time_words(time: Duration | None, found: Fit) -> str:
    """A range in one unit, of which there are at least four at the upper end."""
    if found.verdict in NEVER_TIMED:
        return "-"
    if time is None:
        return "?"
    unit, length = next(((u, n) for u, n in UNITS if time.high >= 4 * n), UNITS[-1])
    high = f"{time.high / length:,.0f} {unit}"
    return f"< {high}" if time.low is None else f"{_brief(time.low / length)}-{high}"


def _brief(number: float) -> str:
    return f"{number:,.0f}" if number >= 1 else f"{number:.1g}"


def size_words(size: int) -> str:
    """Bytes in GB, or in MB below one; three digits or so."""
    if size < 1e9:
        return f"{size / 1e6:.0f} MB"
    return f"{size / 1e9:,.{1 if size < 1e11 else 0}f} GB"


def _row(model_id: str, size: str, state: str, fit_words: str, time: str) -> str:
    rest = f"{size:>7}  {state:<7}  {fit_words:<13}  {time}".rstrip()
    if len(model_id) > ID_COLUMN:
        return f"{model_id}\n{'':<{ID_COLUMN}} {rest}"
    return f"{model_id:<{ID_COLUMN}} {rest}"
