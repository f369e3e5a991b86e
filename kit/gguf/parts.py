"""Model files on disk: one, or the parts of a split model beside each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from kit.errors import ModelError
from kit.gguf.header import Header, read_header

_PART_NAME = re.compile(r"(?P<stem>.+)-00001-of-(?P<parts>\d{5})\.gguf", re.DOTALL)


def read_file(path: Path) -> Header:
    """Read and check the header of the file at ``path``.

    Raises:
        ModelError: it cannot be read, or is no sound GGUF file.
    """
    try:
        with path.open("rb", buffering=0) as file:
            return read_header(file, size=path.stat().st_size, where=path)
    except OSError as error:
        raise ModelError(
            f"the model file cannot be read: {error.strerror or error}",
            where=path,
            hint="kit models verify",
        ) from error


def read_model(path: Path) -> tuple[Header, ...]:
    """Read and check the headers of all parts of the model whose first file is ``path``.

    Raises:
        ModelError: a part is missing or not sound, or the parts do not belong together.
    """
    first = read_file(path)
    if first.parts == 1:
        return (first,)
    named = _PART_NAME.fullmatch(path.name)
    if named is None or int(named["parts"]) != first.parts:
        raise ModelError(
            f"is the first of {first.parts} parts, and must be named "
            f"NAME-00001-of-{first.parts:05}.gguf for the others to be found",
            where=path,
            hint="kit models verify",
        )
    paths = [
        path.with_name(f"{named['stem']}-{number:05}-of-{first.parts:05}.gguf")
        for number in range(1, first.parts + 1)
    ]
    headers = (first, *map(read_file, paths[1:]))
    check_parts(headers, paths)
    return headers


def check_parts(headers: Sequence[Header], paths: Sequence[Path | str]) -> None:
    """Refuse parts that are not all parts of one model, in their order.

    Args:
        headers: of each part.
        paths: names them in errors.

    Raises:
        ModelError: a part is of another model, missing or out of order.
    """
    seen: set[str] = set()
    for number, (header, path) in enumerate(zip(headers, paths, strict=True)):
        said = _place(header.part, header.parts, header.all_tensors)
        wanted = _place(number, len(headers), headers[0].all_tensors)
        if said != wanted:
            raise ModelError(
                f"says that it is {said}; wanted is {wanted}",
                where=path,
                hint="kit models verify --full",
            )
        names = {tensor.name for tensor in header.tensors}
        if twice := sorted(seen & names):
            raise ModelError(
                f"holds tensor {twice[0]!r}, as an earlier part does",
                where=path,
                hint="kit models verify --full",
            )
        seen |= names
    total = headers[0].all_tensors
    if total is not None and len(seen) != total:
        raise ModelError(
            f"the parts hold {len(seen):,} tensors together, and the model has {total:,}",
            where=paths[0],
            hint="kit models verify --full",
        )


def _place(part: int, parts: int, tensors: int | None) -> str:
    return f"part {part + 1} of {parts} of a model with {tensors or 'unknown'} tensors"
