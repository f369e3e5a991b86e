"""From a study's name to everything it refers to."""

from __future__ import annotations

from pathlib import Path

from kit.errors import PlanError
from kit.spec.experiment import Experiment
from kit.spec.language import Language, load_language
from kit.spec.library import library_file, named_file
from kit.spec.pins import find_pin, load_pins
from kit.spec.study import Study, load_study

_NO_STUDIES = frozenset({"concepts", "published"})
"""Files beside the studies that are none."""


def study_path(name: str) -> Path:
    """The file of a study given by path or by name.

    Raises:
        SpecError: there is none; the message names the nearest.
    """
    return named_file(library_file("studies"), name, "study", apart=_NO_STUDIES)


def resolve(path: Path, *, model: str | None = None, profile: str | None = None) -> Experiment:
    """Read a study and every language and model it names.

    Args:
        path: the study file.
        model: run with this model instead of the study's.
        profile: one of the study's profiles.

    Raises:
        SpecError: a file is wrong.
        PlanError: no language of the study has a file, or there is no such profile.
        ModelError: no such model.
    """
    study = load_study(path)
    if model is not None:
        study = study.model_copy(
            update={
                "models": study.models.model_copy(update={"value": (model,), "note": "--model"})
            }
        )
    if profile is not None and profile not in study.profiles:
        known = ", ".join(study.profiles) or "none"
        raise PlanError(
            f"study '{study.id}' has no profile '{profile}'",
            where=path,
            hint=f"its profiles: {known}",
        )
    pins = load_pins(library_file("models.yaml"))
    languages, missing = _languages(study, path)
    return Experiment(
        study=study,
        profile=profile,
        languages=languages,
        missing_languages=missing,
        models={name: find_pin(pins, name) for name in study.models.value},
    )


def _languages(study: Study, path: Path) -> tuple[dict[str, Language], tuple[str, ...]]:
    folder = library_file("studies", "languages")
    if (path.parent / "languages").is_dir():
        folder = path.parent / "languages"
    languages: dict[str, Language] = {}
    missing: list[str] = []
    for code in study.languages.value:
        file = folder / f"{code}.yaml"
        if file.is_file():
            languages[code] = load_language(file)
        else:
            missing.append(code)
    if not languages:
        raise PlanError(
            f"no language of study '{study.id}' has a file: {', '.join(missing)}",
            where=folder,
            hint=f"write {folder / (missing[0] + '.yaml')}, or name other languages in the study",
        )
    if "en" not in languages:
        # The intervention may be read in English whatever the group speaks.
        languages["en"] = load_language(folder / "en.yaml")
    return languages, tuple(missing)
