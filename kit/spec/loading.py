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
from yaml.reader import ReaderError

from kit.errors import SpecError

SCHEMA_VERSION = 1
"""Version of the file formats this release reads."""

MAX_FILE_BYTES = 4_000_000
MAX_DEPTH = 32
_MERGE = "tag:yaml.org,2002:merge"
_SHOWN = 60
"""Characters of a wrong value that a message repeats."""
_PLAIN = {
    "tuple_type": "should be a list",
    "dict_type": "should be a mapping of keys to values",
    "model_type": "should be a mapping of keys to values",
}
"""Pydantic's words for types that a YAML file has other words for."""

Model = TypeVar("Model", bound=BaseModel)
Path_ = tuple[str | int, ...]


class Frozen(BaseModel):
    """Base of every type read from a file: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class _Located(yaml.SafeLoader):
    """A safe loader that refuses aliases (no billion-laughs files) and places every problem."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="aliases are not allowed here", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        try:
            return super().construct_object(node, deep)
        except ValueError as error:  # a date that does not exist, a number of thousands of digits
            raise yaml.MarkedYAMLError(
                problem=f"a value cannot be read: {error}", problem_mark=node.start_mark
            ) from error


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
        line = error.object[: error.start].count(b"\n") + 1
        raise SpecError(
            "is not UTF-8 text", where=f"{path}:{line}", hint="save the file as UTF-8"
        ) from error
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
    except ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise SpecError(
            f"not valid YAML: the character U+{error.character:04X} is not allowed",
            where=f"{path}:{line}",
        ) from error
    except RecursionError as error:
        raise SpecError("is nested too deeply", where=path) from error
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
            if key.tag == _MERGE:
                raise SpecError("merge keys ('<<') are not allowed here", where=f"{path}:{line}")
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
    return _load(model, path)[0]


def load_named(model: type[Model], path: Path, key: str) -> Model:
    """Read ``path`` as ``model``, whose ``key`` must be the file's name without its ending.

    A file is found by its name and recorded by its key: a copy that kept the original's key would
    pass for the original.

    Raises:
        SpecError: as `load`, or the name is another.
    """
    found, lines = _load(model, path)
    said = getattr(found, key)
    if said != path.stem:
        raise SpecError(
            f"'{said}' stands in a file that is named '{path.name}'",
            where=f"{path}:{lines.get((key,), 1)}: {key}",
            hint=f"rename the file to {said}.yaml, or write '{key}: {path.stem}' in it",
        )
    return found


def _load(model: type[Model], path: Path) -> tuple[Model, Mapping[Path_, int]]:
    data, lines = read_yaml(path)
    found = data.pop("kit_schema", None)
    if type(found) is not int or found != SCHEMA_VERSION:  # True equals 1
        said = "is missing" if found is None else f"is {found!r}"
        raise SpecError(
            f"kit_schema {said}; this release reads kit_schema: {SCHEMA_VERSION}",
            where=f"{path}:{lines.get(('kit_schema',), 1)}",
            hint=f"write 'kit_schema: {SCHEMA_VERSION}' as the first line",
        )
    return validate(model, data, path, lines), lines


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
    # pydantic adds synthetic parts to `loc` (a union member's name, the `value` that a bare value
    # leaves out): keep those that exist, and a key that should.
    at: Path_ = ()
    for index, part in enumerate(first["loc"], start=1):
        wanted = first["type"] == "missing" and index == len(first["loc"])
        # A key that YAML read as a number stands in `lines` as it was written.
        step = next((step for step in ((*at, part), (*at, str(part))) if step in lines), None)
        at = step or ((*at, part) if wanted else at)
    line = next((lines[at[:n]] for n in range(len(at), -1, -1) if at[:n] in lines), 1)
    key = ".".join(str(part) for part in at) or "(top level)"
    if first["type"] == "extra_forbidden":
        message = _unknown_key(model, at)
    elif first["type"] == "missing":
        message = "is required and missing"
    else:
        message = _PLAIN.get(first["type"], first["msg"])
        for opening in ("Value error, ", "Input ", "Tuple "):
            message = message.removeprefix(opening)
        given = first["input"]
        if given is None or isinstance(given, str | int | float):
            shown = "nothing" if given is None else repr(given)
            message += f" (found {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '...'})"
    more = len(problems) - 1
    hint = None
    if first["type"] == "string_type" and isinstance(first["input"], bool):
        hint = "YAML reads a bare yes, no, on or off as true or false; put the word in quotes"
    elif more:
        rest = "1 more problem" if more == 1 else f"{more} more problems"
        hint = f"mend this, then run 'kit validate {path}': {rest} may be left"
    return SpecError(message, where=f"{path}:{line}: {key}", hint=hint)


def _unknown_key(model: type[BaseModel], at: Path_) -> str:
    """What to say of the key at ``at``: the likely spelling, in this place before any other."""
    here, elsewhere = _known_keys(model, at[:-1]), _known_keys(model, None)
    name = str(at[-1])
    for keys in (here, elsewhere):
        if name in keys:
            return "unknown key here; it belongs elsewhere in the file"
        if near := difflib.get_close_matches(name, keys, n=1, cutoff=0.6):
            return f"unknown key; did you mean '{near[0]}'?"
    return "unknown key"


def _known_keys(model: type[BaseModel], place: Path_ | None) -> set[str]:
    """Keys that the mapping at ``place`` may have; at any place if None."""
    if place is None:
        found, todo = set[type[BaseModel]](), [model]
        while todo:
            kind = todo.pop()
            if kind not in found:
                found.add(kind)
                for field in kind.model_fields.values():
                    todo.extend(_models_in(field.annotation))
        return {name for one in found for name in one.model_fields}
    kinds = {model}
    for part in place:
        named = [one.model_fields[str(part)] for one in kinds if str(part) in one.model_fields]
        inner = {deeper for field in named for deeper in _models_in(field.annotation)}
        # An index, or a key of the user's choosing, stays within the same types.
        kinds = inner or kinds
    return {name for one in kinds for name in one.model_fields}


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field may hold, through lists, mappings, unions and bare values."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        if "value" in annotation.model_fields:
            yield from _models_in(annotation.model_fields["value"].annotation)
    elif isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        for inner in typing.get_args(annotation):
            yield from _models_in(inner)
