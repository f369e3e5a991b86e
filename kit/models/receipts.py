"""Receipts: proof that a file was hashed, good for as long as its size and time stand.

A receipt makes the check of a 48 GB file instant. It does not see an edit that restores both size
and time; ``verify(full=True)`` does.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import NamedTuple

from kit.models.progress import Count, uncounted

CHUNK = 1 << 22


class Receipt(NamedTuple):
    """What a file looked like when it was hashed."""

    size: int
    mtime_ns: int
    sha256: str

    @classmethod
    def now(cls, path: Path, sha256: str) -> Receipt:
        """The receipt of ``path`` as it stands."""
        found = path.stat()
        return cls(found.st_size, found.st_mtime_ns, sha256)


def read_receipt(path: Path) -> Receipt | None:
    """The receipt kept at ``path``; an unreadable or foreign one counts as none."""
    try:
        data = json.loads(path.read_bytes())
        return Receipt(int(data["size"]), int(data["mtime_ns"]), str(data["sha256"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_receipt(path: Path, receipt: Receipt) -> bool:
    """Keep ``receipt`` at ``path``; False where the store cannot be written."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(receipt._asdict()) + "\n", encoding="ascii")
        temporary.replace(path)
    except OSError:
        return False
    return True


def drop_receipt(path: Path) -> None:
    """Forget the receipt at ``path``, where the store can be written."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def sha256_of(path: Path, count: Count = uncounted) -> str:
    """SHA-256 of a file's bytes, in lowercase hexadecimal digits."""
    digest = hashlib.sha256()
    done = 0
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            count(done)
    return digest.hexdigest()
