"""Fonts that cover a text, found among those installed by rule, never by a list of paths.

The first choice is DejaVu Sans, which comes with matplotlib: Latin, Vietnamese and Arabic look the
same on every machine. Thai, Chinese, Japanese and Korean need an installed font. A text that no
font covers is not drawn, so that there is never a row of boxes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Self

from matplotlib import cbook, font_manager
from matplotlib.font_manager import FontPath, FontProperties
from matplotlib.ft2font import FT2Font

DEFAULT = "DejaVu Sans"
PREFERRED = ("notosans", "sourcehansans", "notoserif", "sourcehanserif", "notonaskh")
"""How the files of fonts begin that are made for many scripts, the best first."""
NO_LETTERS = ("lastresort", "adobeblank", "adobenotdef")
"""Fonts that claim every character and draw a box for it."""
REGIONS = {"ja": "JP", "ko": "KR", "zh": "SC"}
"""Han characters differ by country; these faces of a collection are for the kit's languages."""


class Uncovered(NamedTuple):
    """A language's own name that no font here can draw; the English name stands alone."""

    language: str
    text: str


class Label(NamedTuple):
    """A text with a font that covers it."""

    text: str
    font: FontProperties


class Fonts:
    """Font files, asked for the first that covers a text.

    Args:
        files: of fonts; those made for many scripts are tried first, then all by name.
    """

    def __init__(self, files: Iterable[str | Path] = ()):
        self._files = sorted({str(file) for file in files}, key=_rank)
        # The file itself and not its family, so that a font of the user's with that name is not it.
        self._default = str(cbook._get_data_path("fonts", "ttf", "DejaVuSans.ttf"))  # noqa: SLF001
        self._found: dict[tuple[str, str], FontProperties | None] = {}

    @classmethod
    def installed(cls) -> Self:
        """The fonts of this machine."""
        return cls(font_manager.findSystemFonts())

    def covering(self, text: str, language: str = "") -> FontProperties | None:
        """The first font with every character of ``text``; None if there is none.

        Args:
            text: to be drawn with one font.
            language: its code, for the face of a collection that draws it as its readers write.
        """
        key = (text, language)
        if key not in self._found:
            self._found[key] = next(
                (
                    FontProperties(fname=found)
                    for file in (self._default, *self._files)
                    if (found := _face(file, text, REGIONS.get(language, ""))) is not None
                ),
                None,
            )
        return self._found[key]

    def label(self, text: str, instead: str, language: str = "") -> Label:
        """The text with its font; ``instead``, in plain letters, where no font covers it."""
        font = self.covering(text, language)
        if font is not None:
            return Label(text, font)
        return Label(instead, FontProperties(fname=self._default))

    def own_name(self, row: dict[str, str]) -> Label | None:
        """The language's name for itself, unless it is the English name or cannot be drawn.

        Args:
            row: with ``language``, ``name`` and ``endonym``.
        """
        if row["endonym"] == row["name"]:
            return None
        font = self.covering(row["endonym"], row["language"])
        return Label(row["endonym"], font) if font is not None else None


def _rank(file: str) -> tuple[int, bool, str, str]:
    """Fonts for many scripts first, upright and regular ones before others."""
    name = Path(file).stem.lower()
    place = next((at for at, start in enumerate(PREFERRED) if name.startswith(start)), 99)
    plain = not any(word in name for word in ("bold", "italic", "oblique", "black", "thin"))
    return place, not plain, name, file


def _face(file: str, text: str, region: str) -> FontPath | None:
    """The face of a font file that covers ``text``; that of ``region`` before the others."""
    if Path(file).stem.lower().startswith(NO_LETTERS):
        return None
    try:
        faces = [FT2Font(file)]
        if not _covers(faces[0], text):
            return None  # the faces of a collection share their characters
        faces += [FT2Font(file, face_index=at) for at in range(1, faces[0].num_faces)]
    except (OSError, RuntimeError):  # a file that is no font, or that may not be read
        return None
    own = (face for face in faces if region and face.family_name.endswith(region))
    found = next(own, faces[0])
    return FontPath(file, found.face_index) if _covers(found, text) else None


def _covers(face: FT2Font, text: str) -> bool:
    return all(face.get_char_index(ord(character)) for character in text if character != " ")
