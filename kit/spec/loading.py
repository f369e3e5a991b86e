"""YAML files to frozen types, with errors that name file, line, key and the likely intention."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from kit.errors import SpecError

SCHEMA_VERSION = 1
"""Version of the file formats this release reads."""

MAX_FILE_BYTES = 4_000_000
MAX_DEPTH = 32

Model = TypeVar("Model", bound=BaseModel)
Path_ = tuple[str | int, ...]


class Frozen(BaseModel):
    """Base of every type read from a file: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class _Located(yaml.SafeLoader):
    """A safe loader that refuses duplicate keys and aliases (no billion-laughs files)."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.MarkedYAMLError(
                problem="aliases are not allowed here", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)


def read_yaml(path: Path) -> tuple[dict[str, Any], dict[Path_, int]]:
    """Read one YAML mapping.

    Returns:
        The mapping, and for each key path the 1-based line where it stands.

    Raises:
        SpecError: unreadable, too large, not YAML, not a mapping, or a key given twice.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise SpecError(f"{size:,} bytes is too large for a spec file", where=path)
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror}", where=path) from error
    except UnicodeDecodeError as error:
        raise SpecError(f"is not UTF-8 text (byte {error.start})", where=path) from error
    try:
        loader = _Located(text)
        try:
            node = loader.get_single_node()
            if not isinstance(node, yaml.MappingNode):
                raise SpecError("is not a mapping of keys to values", where=path)
            lines = dict(_lines(node, (), path))
            data = loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SpecError(f"not valid YAML: {error.problem}", where=f"{path}:{line}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SpecError(f"not valid YAML: {error}", where=path) from error
    return data, lines


def _lines(node: yaml.Node, at: Path_, path: Path) -> Iterator[tuple[Path_, int]]:
    if len(at) > MAX_DEPTH:
        raise SpecError("is nested too deeply", where=f"{path}:{node.start_mark.line + 1}")
    yield at, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise SpecError("a key must be a plain word", where=f"{path}:{line}")
            if key.value in seen:
                raise SpecError(f"key '{key.value}' is given twice", where=f"{path}:{line}")
            seen.add(key.value)
            here = (*at, key.value)
            yield from _lines(value, here, path)
            yield here, line
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(item, (*at, index), path)


def load(model: type[Model], path: Path) -> Model:
    """Read ``path`` as ``model``.

    Raises:
        SpecError: with ``file:line: key``, the first problem found, and a likely intended key.
    """
    data, lines = read_yaml(path)
    found = data.pop("kit_schema", None)
    if found != SCHEMA_VERSION:
        said = "is missing" if found is None else f"is {found!r}"
        raise SpecError(
            f"kit_schema {said}; this release reads kit_schema: {SCHEMA_VERSION}",
            where=f"{path}:{lines.get(('kit_schema',), 1)}",
            hint=f"write 'kit_schema: {SCHEMA_VERSION}' as the first line",
        )
    return validate(model, data, path, lines)


def validate(
    model: type[Model], data: Mapping[str, Any], path: Path, lines: Mapping[Path_, int]
) -> Model:
    """Check already-read data against ``model``; ``lines`` places the error."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _spec_error(model, error, path, lines) from error


def _spec_error(
    model: type[BaseModel], error: ValidationError, path: Path, lines: Mapping[Path_, int]
) -> SpecError:
    problems = error.errors(include_url=False)
    first = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    # pydantic adds synthetic parts (a union member's name) to `loc`: keep those that exist.
    at: Path_ = ()
    for part in first["loc"]:
        step = (*at, str(part) if isinstance(part, str) else part)
        if step in lines or part == first["loc"][-1]:
            at = step
    line = next((lines[at[:n]] for n in range(len(at), -1, -1) if at[:n] in lines), 1)
    key = ".".join(str(part) for part in at) or "(top level)"
    hint = None
    if first["type"] == "extra_forbidden":
        message = "unknown key"
        near = difflib.get_close_matches(str(at[-1]), _known_keys(model), n=1, cutoff=0.6)
        if near:
            message += f"; did you mean '{near[0]}'?"
    elif first["type"] == "missing":
        message = "is required and missing"
    else:
        message = first["msg"].removeprefix("Value error, ")
        given = first.get("input")
        if isinstance(given, str | int | float | bool):
            message += f" (found {given!r})"
    more = len(problems) - 1
    if more:
        hint = f"mend this, then 'kit validate {path}' shows the other {more}"
    return SpecError(message, where=f"{path}:{line}: {key}", hint=hint)


def _known_keys(model: type[BaseModel]) -> set[str]:
    keys: set[str] = set()
    todo: list[Any] = [model]
    seen: set[Any] = set()
    while todo:
        kind = todo.pop()
        if kind in seen:
            continue
        seen.add(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            for name, field in kind.model_fields.items():
                keys.add(field.alias or name)
                todo.append(field.annotation)
        elif isinstance(kind, types.UnionType) or typing.get_origin(kind) is not None:
            todo.extend(typing.get_args(kind))
    return keys
