"""``README.txt`` of a bundle: for the person at the other side."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from kit.models.bundle.island import Platform
from kit.models.bundle.licences import is_free
from kit.spec.pins import ModelPin

FIRST_LINE = "A kit bundle: everything for a machine without a network"

_TEXT = """\
{first_line}
{rule}

This folder holds the alignment-backfire-kit {version}, the Python packages it
needs, and these models:

{models}

The kit replicates the study "Alignment Backfire" (arXiv 2603.04904) with
models that run on this machine. Nothing in this folder needs a network.

What you need
-------------

{needs}

Three commands
--------------

Stand in a folder of your own, not in this one. BUNDLE is this folder.

    python3 BUNDLE/install.py
    cd alignment-backfire-kit
    .venv/bin/kit doctor

The first one checks every file here and installs into the folder
./alignment-backfire-kit; name another one behind it if you like. If it is
interrupted, start it again, and it continues. Files that you changed there
are not overwritten. "kit doctor" tests the installation; ".venv/bin/kit demo"
then runs a small study to the end.

The models go to ~/.cache/kit, or to the folder that KIT_HOME names.

What is checked
---------------

SHA256SUMS names every file of this folder with its SHA-256.

    python3 BUNDLE/install.py verify

compares them all and names each file that is missing, changed, cut short or
not part of the bundle. "sha256sum -c SHA256SUMS" does the first half of that.

The sums show that nothing was damaged on the way. They do not show who made
the bundle. For that there may be a signature beside them, SHA256SUMS.sig or
SHA256SUMS.minisig. Get the maker's public key by another way than this disk,
and add it:

    python3 BUNDLE/install.py verify --key PUBLIC_KEY

sbom.cdx.json lists every package and model with version, hash and licence,
in the format CycloneDX 1.6.

If it came on several discs
---------------------------

Copy all of them into one folder, with their subfolders. A large file of a
model is in pieces, NAME.001, NAME.002 and so on; they need not be joined.
"verify" names what is missing, so you know which disc to ask for.

Licences
--------

The kit is under the MIT License, see licenses/alignment-backfire-kit. Each
Python package holds its own licence. The folder licenses has one folder for
each model: the licence's text as far as it was at hand, a notice where the
licence asks for one, and in TERMS.txt where the terms are.
{conditions}"""


def readme(
    version: str, platform: Platform, pins: Sequence[ModelPin], lacking: Sequence[str]
) -> bytes:
    """The text, in lines of at most 80 columns.

    Args:
        version: of the kit.
        platform: what the wheels need.
        pins: the models.
        lacking: ids of models whose licence has a text that is not in the bundle.
    """
    avx2 = ", with a processor that has AVX2" if platform.machine in {"x86_64", "AMD64"} else ""
    needs = [
        f"{platform.system} on {platform.machine}{avx2}",
        f"Python {platform.python}, with its venv module",
    ]
    if platform.glibc:
        needs.append(f"glibc {platform.glibc} or later")
    if platform.libraries:
        needs.append(f"the system libraries {', '.join(platform.libraries)}")
    conditions = ""
    if bound := [pin for pin in pins if not is_free(pin.license)]:
        names = ", ".join(f"{pin.id} ({pin.license})" for pin in bound)
        conditions += "\n" + _filled(
            "These models have conditions for whoever uses them or passes them on: "
            f"{names}. Read them before you do."
        )
    if lacking:
        conditions += "\n" + _filled(
            f"The full licence text is not in this bundle for: {', '.join(lacking)}. Ask whoever "
            "made the bundle for it: the licence wants it passed on with the files."
        )
    text = _TEXT.format(
        first_line=FIRST_LINE,
        rule="=" * len(FIRST_LINE),
        version=version,
        models=_items([f"{pin.id}, {pin.total_bytes / 1e9:,.2f} GB, {pin.license}" for pin in pins])
        or "    none",
        needs=_items(needs),
        conditions=conditions,
    )
    return text.encode("utf-8")


def _items(lines: Sequence[str]) -> str:
    return "\n".join(
        textwrap.fill(line, 78, initial_indent="  - ", subsequent_indent="    ") for line in lines
    )


def _filled(text: str) -> str:
    return textwrap.fill(text, 78, break_on_hyphens=False) + "\n"
