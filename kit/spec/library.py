"""Where the data files are: a researcher's checkout, else the copies that came with the kit."""

from __future__ import annotations

import difflib
from pathlib import Path

import kit
from kit.errors import SpecError

_PACKAGE = Path(kit.__file__).parent


def _is_checkout(folder: Path) -> bool:
    return (folder / "models.yaml").is_file() and (folder / "studies").is_dir()


def checkout(start: Path | None = None) -> Path | None:
    """The nearest folder at or above ``start`` that holds ``models.yaml`` and ``studies/``.

    ``start`` is the working folder unless given.
    """
    here = (start or Path.cwd()).resolve()
    return next((folder for folder in (here, *here.parents) if _is_checkout(folder)), None)


def library_file(*parts: str, start: Path | None = None) -> Path:
    """The data file or folder ``parts``, such as ``("studies", "study1.yaml")``.

    The checkout's copy wins; what it does not hold is looked up among the copies carried in the
    wheel, or in the source tree of an editable install, which carries none.

    Raises:
        SpecError: neither holds it.
    """
    roots = [checkout(start), _PACKAGE / "_data"]
    if _is_checkout(_PACKAGE.parent):
        roots.append(_PACKAGE.parent)
    for root in roots:
        if root is not None and (path := root.joinpath(*parts)).exists():
            return path
    raise SpecError(
        f"'{'/'.join(parts)}' is neither in this checkout nor among the kit's own files",
        hint="change to a folder that holds models.yaml and studies/, or install the kit again",
    )


def named_file(folder: Path, name: str, what: str, *, apart: frozenset[str] = frozenset()) -> Path:
    """A YAML file given by path, or by its name in ``folder``.

    Args:
        folder: where the files with names are.
        name: a path that ends in ``.yaml``, or a name.
        what: what it is called in the message.
        apart: files in ``folder`` that are something else.

    Raises:
        SpecError: there is none; the message names the nearest.
    """
    path = Path(name)
    if path.suffix == ".yaml":
        return path
    found = folder / f"{name}.yaml"
    if found.is_file():
        return found
    names = sorted(file.stem for file in folder.glob("*.yaml") if file.stem not in apart)
    near = difflib.get_close_matches(name, names, n=1)
    meant = f"; did you mean '{near[0]}'?" if near else ""
    raise SpecError(
        f"no {what} '{name}'{meant}", where=folder, hint=f"there are: {', '.join(names)}"
    )
