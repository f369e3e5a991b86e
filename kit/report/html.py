"""How pages are made from templates: escaped, strict about what is undefined, of one style."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that reorder what stands around them."""


def environment() -> Environment:
    """Templates that escape all they are given."""
    return Environment(
        loader=PackageLoader("kit.report"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )


def style() -> Markup:
    """The style sheet that stands in every page."""
    path = Path(__file__).parent.joinpath("templates", "style.css")
    return Markup(path.read_text(encoding="utf-8"))  # noqa: S704 - the kit's own file


def printable(text: str) -> str:
    """``text`` with every character that would change the page replaced, one for one."""
    return "".join(
        "\ufffd" if unicodedata.category(char) in {"Cc", "Cs"} or char in _BIDI else char
        for char in text
    )
