"""Bring a model into the store."""

from __future__ import annotations

import shutil
from pathlib import Path

from kit.errors import ModelCorrupt, ModelError
from kit.models.part import Part
from kit.models.progress import Count, Progress, Report, Step, unheard
from kit.models.sources import Source, source_of
from kit.models.store import Store
from kit.spec.pins import ModelPin, PinnedFile


def pull(
    pin: ModelPin, store: Store, *, source: Source | None = None, report: Report = unheard
) -> Path:
    """Make sure the store holds the pinned bytes of ``pin``; what it holds already is kept.

    Args:
        source: where to take missing files from; by default the place the pin names.

    Returns:
        The model's first file, as :meth:`Store.path` gives it.

    Raises:
        ModelCorrupt: the source gave other bytes; nothing of them entered the store.
        ModelError: the source fails, the disk is too small, or the store is read-only.
    """
    missing = [file for file in pin.files if not _held(store, pin, file, report)]
    if missing:
        source = source or source_of(pin)
        store.prepare()
        _check_space(store, pin, missing, source)
        for file in missing:
            _bring(store, pin, file, source, report)
    return store.path(pin)


def _held(store: Store, pin: ModelPin, file: PinnedFile, report: Report) -> bool:
    if not store.object_path(file).exists():
        return False
    try:
        store.check(pin, file, report=report)
    except ModelCorrupt:
        report(Progress(Step.REPLACING, pin.id, file.name, 0, file.bytes))
        return False
    report(Progress(Step.PRESENT, pin.id, file.name, file.bytes, file.bytes))
    return True


def _bring(store: Store, pin: ModelPin, file: PinnedFile, source: Source, report: Report) -> None:
    def heard(step: Step) -> Count:
        return lambda done: report(
            Progress(step, pin.id, file.name, done, file.bytes, source.origin)
        )

    with store.writing(pin, file, report):
        # Whoever held the lock before may have brought the very file.
        if _held(store, pin, file, unheard):
            report(Progress(Step.PRESENT, pin.id, file.name, file.bytes, file.bytes))
            return
        try:
            with Part(
                store.part_path(file), count=heard(Step.FETCHING), hashed=heard(Step.HASHING)
            ) as part:
                heard(Step.FETCHING)(part.size)
                source.fetch(file, part, report)
                store.admit(pin, file, part, origin=source.origin)
        except OSError as error:
            raise ModelError(
                f"'{file.name}' cannot be written: {error.strerror or error}",
                where=store.root,
                hint=f"make room there or set KIT_HOME, then kit models pull {pin.id}",
            ) from error
    report(Progress(Step.STORED, pin.id, file.name, file.bytes, file.bytes))


def _check_space(store: Store, pin: ModelPin, files: list[PinnedFile], source: Source) -> None:
    begun = sum(
        store.part_path(file).stat().st_size for file in files if store.part_path(file).exists()
    )
    needed = sum(file.bytes for file in files) - begun + max(source.scratch(file) for file in files)
    free = shutil.disk_usage(store.root).free
    if needed > free:
        raise ModelError(
            f"'{pin.id}' needs {needed / 1e9:,.1f} GB of disk and {free / 1e9:,.1f} GB are free",
            where=store.root,
            hint="make room there, or set KIT_HOME to a larger disk",
        )
