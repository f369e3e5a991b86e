"""Where the data files are: a researcher's checkout, else the copies that came with the kit."""

from __future__ import annotations

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
