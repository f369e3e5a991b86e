"""Excerpts for human raters: one page that needs no network, one spreadsheet, and their answers.

The page asks for nothing from elsewhere, and a content security policy in it forbids that as well.
Its text is data to its script, and is shown as text only. A rater hands in the JSON file that the
page exports, or the filled spreadsheet.

A cell of a spreadsheet that begins with ``=``, ``+``, ``-`` or ``@`` is a formula, and what
residents say may begin so: such a cell gets an apostrophe before it, in the spreadsheet only.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from csv import DictReader, writer
from csv import Error as CsvError
from importlib import resources
from pathlib import Path
from typing import Any, Literal, NamedTuple

from kit.errors import SpecError
from kit.spec.loading import Frozen, Path_, validate

LABELS_VERSION = 1
"""Version of the page's export that this release writes and reads."""
MAX_FILE_BYTES = 64_000_000
"""Largest file of answers that is read."""
COLUMNS = ("excerpt", "language", "about", "text", "question", "options", "answer", "comment")
"""Columns of the spreadsheet."""

_NEEDED = ("excerpt", "question", "answer")
_CANNOT = frozenset({"x", "cannot", "cannot be judged"})
"""What stands in the spreadsheet where no answer can be given; letter case does not matter."""
_FORMULA = re.compile(r"'*\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""What a formula begins with, in plain and full-width forms, and what already has apostrophes."""
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that reorder what stands around them."""
_TABLES = frozenset({".csv", ".tsv"})
_ESCAPED = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})
"""Characters that could end the script that JSON stands in."""
_ANOTHER = "read the answers with the sample that the page or the spreadsheet was made from"
_GAP = re.compile(r"[ \t\r\n,:]*")
_SHOWN = 60
"""Characters of a wrong value that a message repeats."""


class Option(NamedTuple):
    """One answer to a question."""

    value: str
    """What is exported, as "0" or "harmony"."""
    text: str
    """The anchor, as the rater reads it."""


class Question(NamedTuple):
    """What is asked about every excerpt."""

    id: str
    text: str
    """The question as the rater reads it."""
    options: tuple[Option, ...]
    """In the order of the scale; the first nine have keys."""


class Line(NamedTuple):
    """One line of an excerpt."""

    text: str
    """As shown, with who speaks to whom."""
    kind: str
    """``session``, ``announcement``, ``talk``, ``whisper`` or ``monologue``."""


class Sheet(NamedTuple):
    """One excerpt to be rated."""

    id: str
    """Says nothing to the rater, and stays the same."""
    language: str
    """Code of the language, as "ja"."""
    direction: str
    """``ltr`` or ``rtl``."""
    lines: tuple[Line, ...]
    about: str | None
    """Whom the questions are about, as "Resident 4"; None: the group."""


class Assignment(NamedTuple):
    """A sample of excerpts, and what is asked about them.

    Ids of sheets, ids of questions and values of one question differ from each other.
    """

    id: str
    """Ties answers to the sample."""
    judge: str
    """Id of the judge whose scale is used."""
    title: str
    task: str
    """What the rater is asked to do."""
    questions: tuple[Question, ...]
    """At least one."""
    sheets: tuple[Sheet, ...]
    """At least one, in the order in which they are shown."""


class Label(NamedTuple):
    """One answer."""

    excerpt: str
    question: str
    rater: str
    value: str | None
    """A value of the question; None: it cannot be judged."""


class _Answer(Frozen):
    excerpt: str
    question: str
    value: str | None
    comment: str = ""


class _Export(Frozen):
    labels_version: Literal[1]
    assignment: str
    judge: str
    rater: str
    labels: tuple[_Answer, ...]


class _Placed(NamedTuple):
    """An answer and the line of the file where it begins."""

    line: int
    label: Label
    blank: bool = False
    """Not answered yet."""


def page(assignment: Assignment) -> str:
    """The page as HTML, in one file.

    Control characters and characters that reorder text are replaced in all that is shown. The same
    sample gives the same page.
    """
    template = resources.files("kit.judge").joinpath("labelling.html").read_text("utf-8")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(template, 'script')}'",
            f"style-src '{_hash(template, 'style')}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    data = json.dumps(_shown(assignment), ensure_ascii=False, separators=(",", ":"))
    parts = {
        "policy": policy,
        "title": html.escape(_printable(assignment.title)),
        "assignment": data.translate(_ESCAPED),
    }
    return re.sub(r"\{\{ (\w+) \}\}", lambda match: parts[match[1]], template)


def csv(assignment: Assignment) -> str:
    """The sample as a table, one row per excerpt and question, for raters who prefer a spreadsheet.

    A rater writes a value into ``answer``, which is empty, or ``x`` where it cannot be judged. The
    text begins with a byte order mark, by which spreadsheets know that it is UTF-8; ``answer`` and
    ``comment`` are the rater's, and everything else stays as it is. Spreadsheets cut a cell after
    32,767 characters.
    """
    table = io.StringIO(newline="")
    table.write("\ufeff")
    rows = writer(table, lineterminator="\n")
    rows.writerow(COLUMNS)
    for sheet in assignment.sheets:
        text = "\n".join(_printable(line.text) for line in sheet.lines)
        for question in assignment.questions:
            options = [f"{option.value} = {option.text}" for option in question.options]
            cells = (
                sheet.id,
                sheet.language,
                _printable(sheet.about or ""),
                text,
                _asked(question),
                _printable("\n".join([*options, "x = Cannot be judged"])),
                "",
                "",
            )
            rows.writerow(map(_guarded, cells))
    return table.getvalue()


def read_labels(path: Path, assignment: Assignment) -> list[Label]:
    """The answers of a file, in its order.

    Args:
        path: the page's export, or a filled spreadsheet, whose name ends in ``.csv``. A spreadsheet
            is by the rater whom its column ``rater`` names, or else by the one it is named after. A
            blank answer is none yet and is left out; ``x`` or ``cannot`` stands for None, where the
            scale has no such value.
        assignment: the sample the file was made from.

    Raises:
        SpecError: with the line: the file is unreadable, too large, neither of the two kinds, or of
            another assignment; an excerpt, a question or a value that the assignment does not have;
            a rater missing; a question answered twice.
    """
    text = _read(path)
    if path.suffix.casefold() in _TABLES:
        found = _from_csv(text, path, assignment)
    else:
        found = _from_json(text, path, assignment)
    sheets = frozenset(sheet.id for sheet in assignment.sheets)
    values = {q.id: [option.value for option in q.options] for q in assignment.questions}
    labels: list[Label] = []
    lines: dict[Label, int] = {}
    for line, label, blank in found:
        where = f"{path}:{line}"
        _check_question(label, where, sheets, values)
        if blank:
            continue
        _check_answer(label, where, values[label.question])
        key = label._replace(value=None)
        if key in lines:
            raise SpecError(
                f"{label.rater} answered '{label.question}' of excerpt {_quoted(label.excerpt)} "
                f"twice, first on line {lines[key]}",
                where=where,
                hint="keep the answer that counts",
            )
        lines[key] = line
        labels.append(label)
    return labels


def _check_question(
    label: Label, where: str, sheets: frozenset[str], questions: Collection[str]
) -> None:
    if label.excerpt not in sheets:
        raise SpecError(
            f"the assignment has no excerpt {_quoted(label.excerpt)}", where=where, hint=_ANOTHER
        )
    if label.question not in questions:
        raise SpecError(
            f"the assignment does not ask {_quoted(label.question)}; its questions: "
            + ", ".join(questions),
            where=where,
            hint=_ANOTHER,
        )


def _check_answer(label: Label, where: str, values: Sequence[str]) -> None:
    if label.value is not None and label.value not in values:
        raise SpecError(
            f"{_quoted(label.value)} is no answer to '{label.question}' of excerpt "
            f"{_quoted(label.excerpt)}; the answers: {', '.join(values)}",
            where=where,
            hint="write one of them; where it cannot be judged, x in a spreadsheet, null in JSON",
        )
    if not label.rater:
        raise SpecError("the rater is missing", where=where, hint="write who answered into 'rater'")


def _hash(template: str, name: str) -> str:
    """What a content security policy calls the template's script or style sheet."""
    match = re.search(rf"<{name}>(.*?)</{name}>", template, re.DOTALL)
    assert match is not None
    return "sha256-" + base64.b64encode(hashlib.sha256(match[1].encode()).digest()).decode()


def _shown(assignment: Assignment) -> dict[str, Any]:
    """What the page's script reads."""
    return {
        "id": assignment.id,
        "judge": assignment.judge,
        "title": _printable(assignment.title),
        "task": _printable(assignment.task),
        "questions": [
            {
                "id": question.id,
                "text": _printable(question.text),
                "options": [
                    {"value": option.value, "text": _printable(option.text)}
                    for option in question.options
                ],
            }
            for question in assignment.questions
        ],
        "sheets": [
            {
                "id": sheet.id,
                "language": sheet.language,
                "direction": sheet.direction,
                "about": None if sheet.about is None else _printable(sheet.about),
                "lines": [
                    {"text": _printable(line.text), "kind": line.kind} for line in sheet.lines
                ],
            }
            for sheet in assignment.sheets
        ],
    }


def _printable(text: str) -> str:
    """``text`` with every character that would change the page replaced; new lines stay."""
    return "".join(
        "\ufffd"
        if (unicodedata.category(char) in {"Cc", "Cs"} and char not in "\n\t") or char in _BIDI
        else char
        for char in re.sub(r"\r\n?", "\n", text)
    )


def _asked(question: Question) -> str:
    """How the spreadsheet names a question."""
    return f"{question.id}: {_printable(question.text)}"


def _guarded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def _read(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise SpecError(
                f"{size:,} bytes is too large for a file of answers",
                where=path,
                hint="give the page's export, or the filled spreadsheet saved as CSV",
            )
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror}", where=path) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SpecError(
            "is not UTF-8 text",
            where=f"{path}:{line}",
            hint="save the spreadsheet as 'CSV UTF-8'",
        ) from error


def _from_json(text: str, path: Path, assignment: Assignment) -> Iterator[_Placed]:
    kinds = "give the page's export (.json), or the filled spreadsheet (.csv)"
    try:
        data = json.loads(text)
        lines = _lines(text) if isinstance(data, dict) else {}
    except json.JSONDecodeError as error:
        raise SpecError(
            f"is not JSON: {error.msg}", where=f"{path}:{error.lineno}", hint=kinds
        ) from error
    except (RecursionError, ValueError) as error:  # a number of thousands of digits
        raise SpecError("is not JSON that can be read", where=path, hint=kinds) from error
    if not isinstance(data, dict) or "labels_version" not in data:
        raise SpecError("is not an export of the labelling page", where=f"{path}:1", hint=kinds)
    version = data["labels_version"]
    if type(version) is not int or version != LABELS_VERSION:  # True equals 1
        raise SpecError(
            f"labels_version is {_quoted(str(version))}; this release reads {LABELS_VERSION}",
            where=f"{path}:{lines['labels_version',]}",
            hint="read it with the release that made the page",
        )
    if not str(data.get("rater") or "").strip():
        raise SpecError(
            "the rater is missing",
            where=f"{path}:{lines.get(('rater',), 1)}",
            hint="write who answered into 'rater'",
        )
    try:
        export = validate(_Export, data, path, lines)
    except SpecError as error:
        raise SpecError(
            error.message, where=error.where, hint="export from the page once more"
        ) from error
    if export.assignment != assignment.id:
        raise SpecError(
            f"is of assignment {_quoted(export.assignment)}, not of {_quoted(assignment.id)}",
            where=f"{path}:{lines['assignment',]}",
            hint=_ANOTHER,
        )
    for index, given in enumerate(export.labels):
        label = Label(given.excerpt, given.question, export.rater, given.value)
        yield _Placed(lines["labels", index], label)


def _lines(text: str) -> dict[Path_, int]:
    """Lines where the keys of an export and of its labels stand; ``text`` is a JSON object."""
    decode = json.JSONDecoder().raw_decode
    found: dict[Path_, int] = {(): 1}
    line, counted = 1, 0

    def place(*keys: Path_, at: int) -> None:
        nonlocal line, counted
        line, counted = line + text.count("\n", counted, at), at
        found.update(dict.fromkeys(keys, line))

    def past(at: int) -> int:
        gap = _GAP.match(text, at)
        assert gap is not None
        return gap.end()

    at = past(text.index("{") + 1)
    while text[at] != "}":
        place_of_key = at
        key, at = decode(text, at)
        place((key,), at=place_of_key)
        at = past(at)
        if key == "labels" and text[at] == "[":
            at, index = past(at + 1), 0
            while text[at] != "]":
                item, end = decode(text, at)
                fields = item if isinstance(item, dict) else ()
                place(
                    ("labels", index), *(("labels", index, str(field)) for field in fields), at=at
                )
                at, index = past(end), index + 1
            at = past(at + 1)
        else:
            at = past(decode(text, at)[1])
    return found


def _from_csv(text: str, path: Path, assignment: Assignment) -> Iterator[_Placed]:
    head = text.partition("\n")[0]
    table = DictReader(
        io.StringIO(text, newline=""),
        delimiter=max(",;\t", key=head.count),
        restval="",
        strict=True,
    )
    line = 1
    try:
        names = [name.strip().casefold() for name in table.fieldnames or ()]
        for name in _NEEDED:
            if names.count(name) != 1:
                problem = "is missing" if name not in names else "is there twice"
                raise SpecError(
                    f"the column '{name}' {problem}",
                    where=f"{path}:1",
                    hint=f"keep the columns {', '.join(_NEEDED)} of the spreadsheet as they were",
                )
        table.fieldnames = names
        line = table.line_num + 1
        sheets = _cells({sheet.id: sheet.id for sheet in assignment.sheets})
        questions = _cells({question.id: question.id for question in assignment.questions})
        questions |= _cells({_asked(question): question.id for question in assignment.questions})
        values = {q.id: [option.value for option in q.options] for q in assignment.questions}
        for row in table:
            excerpt, question, answer = (row[name].strip() for name in _NEEDED)
            if excerpt or question or answer:
                question = questions.get(_folded(question), question)
                label = Label(
                    sheets.get(_folded(excerpt), excerpt),
                    question,
                    row.get("rater", path.stem).strip(),
                    _value(answer, values.get(question, ())),
                )
                yield _Placed(line, label, blank=not answer)
            line = table.line_num + 1
    except CsvError as error:
        raise SpecError(
            f"is not CSV: {error}", where=f"{path}:{line}", hint="save the spreadsheet as CSV again"
        ) from error


def _folded(cell: str) -> str:
    """``cell`` without what programs do to white space."""
    return " ".join(cell.split())


def _cells(names: Mapping[str, str]) -> dict[str, str]:
    """Ids by the cells that stand for them."""
    plain = {_folded(name): key for name, key in names.items()}
    return plain | {_folded(_guarded(name)): key for name, key in names.items()}


def _value(answer: str, values: Sequence[str]) -> str | None:
    """The value that ``answer`` means; ``answer`` itself where it means none."""
    cells = {_guarded(value): value for value in values} | {value: value for value in values}
    if answer in cells:
        return cells[answer]
    near = [value for value in values if value.casefold() == answer.casefold()]
    if len(near) == 1:
        return near[0]
    return None if answer.casefold() in _CANNOT else answer
