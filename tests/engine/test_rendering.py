"""A chat template is a stranger's program: whatever it does, the kit says so and goes on."""

from __future__ import annotations

import gc
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from kit.engine.chat import ChatTemplate, Message
from kit.engine.rendering import Limits, Renderer
from kit.errors import EngineError

QUICK = Limits(seconds=1)
OPENING = [Message("system", ("rules",)), Message("user", ("hello",))]
SECRET = "the canary's song"

TIME = "did not finish in 1 s"
MEMORY = "wants more memory than 512 MB"
LENGTH = "writes more than 1,000,000 characters"
DEEP = "nested too deeply"
UNSAFE = "is unsafe"

MANY = "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}"
ENDS = "{% endfor %}" * 3

HOSTILE: dict[str, tuple[str, str]] = {
    "a loop without an end": (f"{MANY}{ENDS}", TIME),
    "a power while compiling": ("{{ 9 ** (9 ** 9) }}", TIME),
    "a power while rendering": ("{{ messages[0].role | length ** (9 ** 9) }}", TIME),
    "a product while compiling": ("{{ 'a' * 10 ** 10 }}", MEMORY),
    "a product while rendering": ("{{ messages[0].role * 10 ** 9 }}", MEMORY),
    "a width": ("{{ '%999999999d' % 1 }}", MEMORY),
    "a width beyond numbers": ("{{ '%9999999999999999999d' % 1 }}", "fails: width too big"),
    "a format": ("{{ '{:>999999999}'.format(1) }}", MEMORY),
    "a centre": ("{{ messages[0].role | center(10 ** 9) }}", MEMORY),
    "an indent": ("{{ ('a\n' * 99999) | indent(10 ** 6) }}", MEMORY),
    "a join": ("{{ range(99999) | join('a' * 99999) }}", MEMORY),
    "lists of lists": ("{{ [range(99999) | list] * 10 ** 9 }}", MEMORY),
    "doubling": (
        "{% set n = namespace(a='a') %}{% for i in range(99) %}{% set n.a = n.a * 2 %}{% endfor %}",
        MEMORY,
    ),
    "a range": ("{{ range(10 ** 12) | list }}", "Range too big"),
    "filler text": ("{{ lipsum(10 ** 9) }}", "'lipsum' is undefined"),
    "a flood": (f"{MANY}spam{ENDS}", LENGTH),
    "a macro that calls itself": ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", DEEP),
    "deep brackets": ("{{ " + "(" * 9999 + "1" + ")" * 9999 + " }}", DEEP),
    "deep blocks": ("{% if 1 %}" * 9999 + "{% endif %}" * 9999, DEEP),
    "a long source": ("a" * 2_000_000, "longer than 1,000,000 characters"),
    "a class": ("{{ ''.__class__.__mro__[1].__subclasses__() }}", UNSAFE),
    "globals": ("{{ cycler.__init__.__globals__.os.system('id') }}", UNSAFE),
    "globals of a function": ("{{ raise_exception.__globals__.sys }}", UNSAFE),
    "an attribute by filter": ("{{ (''|attr('__class__')).__mro__ }}", UNSAFE),
    "an attribute by format": ("{{ '{0.__class__.__mro__}'.format('') }}", UNSAFE),
    "a joiner": ("{{ joiner().__init__.__globals__ }}", UNSAFE),
    "a namespace": ("{{ namespace.__init__.__globals__ }}", UNSAFE),
    "a list that is changed": ("{{ messages.append(1) }}", UNSAFE),
    "a file included": ("{% include 'CANARY' %}", "no loader"),
    "a file imported": ("{% import 'CANARY' as c %}{{ c }}", "no loader"),
    "a file extended": ("{% extends 'CANARY' %}", "no loader"),
    "a file opened": ("{{ open('CANARY').read() }}", "'open' is undefined"),
    "a date with a huge form": ("{{ strftime_now('%d' * 10 ** 9) }}", MEMORY),
    "a date by list": ("{{ strftime_now([]) }}", "unhashable type"),
    "a choice by chance": ("{{ [1, 2, 3] | random }}", "No filter named 'random'"),
    "an address": ("{{ joiner() }}", "writes an object's address"),
    "an address of a method": ("{{ messages[0].items }}", "writes an object's address"),
    "a mark forged": (
        "\ue0009.9\ue001{% for m in messages %}{{ m.content }}{% endfor %}",
        "repeats",
    ),
    "a mark forged at the end": (
        "{% for m in messages %}{{ m.content }}\ue000{% endfor %}",
        "repeats",
    ),
    "a message twice": ("{% for m in messages %}{{ m.content * 2 }}{% endfor %}", "repeats"),
    "half a character": ("{{ '\\ud800' }}", "surrogates not allowed"),
    "a long number": ("{{ " + "9" * 9999 + " }}", "4300 digits"),
    "a number too long to write": ("{{ 10 ** 9999 }}", "4300 digits"),
    "nothing there": ("{{ messages[0].nothing.at_all }}", "has no attribute 'nothing'"),
    "a message of its own": (
        "{{ raise_exception('\x1b[2J\r' ~ 'a' * 9999) }}",
        r": \\x1b\[2J\\na{291}…\n",
    ),
}

COUNTS = "{% for i in range(99999) %}{% for j in range(n) %}{% endfor %}{% endfor %}{{ n }}"
"""Takes as long as it is told to."""
CHILD = [sys.executable, "-c", "from kit.engine.sandbox import main; main()"]


def children() -> set[int]:
    """The processes that this one started and that have not been waited for."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, rest = path.read_text().rpartition(")")
        except OSError:  # it ended in between
            continue
        if int(rest.split()[1]) == os.getpid():
            found.add(int(path.parent.name))
    return found


def lives(process: int) -> bool:
    """Whether a process runs; one that only waits to be noticed does not."""
    try:
        _, _, rest = Path(f"/proc/{process}/stat").read_text().rpartition(")")
    except OSError:
        return False
    return rest.split()[0] != "Z"


@pytest.fixture
def started() -> Iterator[Callable[[], set[int]]]:
    """The children that a test has started and not ended; in the end there are none."""
    before = children()
    yield lambda: children() - before
    gc.collect()
    assert children() == before


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file that nobody opens: its time of access would change."""
    path = tmp_path / "canary"
    path.write_text(SECRET)
    os.utime(path, (1, 2))
    return path


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_template_is_a_clear_error_and_touches_nothing(
    name: str, canary: Path, started: Callable[[], set[int]]
) -> None:
    source, reason = HOSTILE[name]

    with pytest.raises(EngineError, match=reason) as caught:
        ChatTemplate(source.replace("CANARY", str(canary)), limits=QUICK).opening(OPENING)

    message = caught.value.message
    assert "the model's chat template" in message
    assert len(message) < 400
    assert message.isprintable()
    assert "chat_template: plain" in (caught.value.hint or "")
    assert SECRET not in message
    assert list(canary.parent.iterdir()) == [canary]
    assert canary.stat().st_atime == 1
    del caught
    gc.collect()
    assert started() == set()


def test_a_renderer_that_met_a_limit_goes_on_with_another_process(
    started: Callable[[], set[int]],
) -> None:
    renderer = Renderer("{{ 'a' * n }}", limits=QUICK)

    with pytest.raises(EngineError, match=MEMORY):
        renderer.render({"n": 10**10})
    assert started() == set()
    assert renderer.render({"n": 3}) == "aaa"


def test_a_renderer_keeps_one_process_and_ends_it(started: Callable[[], set[int]]) -> None:
    renderer = Renderer("{{ n }}")
    assert started() == set()

    renderer.check()
    first = started()
    assert [renderer.render({"n": n}) for n in range(3)] == ["0", "1", "2"]
    assert started() == first
    assert len(first) == 1
    del renderer
    gc.collect()
    assert started() == set()


def test_a_process_that_was_killed_in_between_is_replaced(
    started: Callable[[], set[int]],
) -> None:
    renderer = Renderer("{{ n }}")
    renderer.check()
    [process] = started()
    os.kill(process, signal.SIGKILL)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)

    assert renderer.render({"n": 1}) == "1"
    assert process not in started()


def test_the_process_has_nothing_and_may_do_nothing(
    monkeypatch: pytest.MonkeyPatch, started: Callable[[], set[int]], canary: Path
) -> None:
    monkeypatch.setenv("API_KEY", SECRET)
    with canary.open() as file:
        os.set_inheritable(file.fileno(), True)
        renderer = Renderer("{{ 1 }}")
        renderer.check()
    [process] = started()
    about = Path(f"/proc/{process}")

    assert (about / "environ").read_bytes().split(b"\0")[:-1] == [b"PYTHONHASHSEED=0"]
    assert (about / "cwd").readlink() == Path("/")
    assert {path.name for path in (about / "fd").iterdir()} == {"0", "1", "2"}
    limits = {
        line[:26].strip(): line[26:].split()[:2]
        for line in (about / "limits").read_text().splitlines()
    }
    for kind in ("file size", "core file size", "processes", "open files"):
        assert limits[f"Max {kind}"] == ["0", "0"]
    assert limits["Max address space"] == [str(512 * 2**20)] * 2
    assert int(limits["Max cpu time"][0]) <= 6


def test_the_kernel_ends_a_template_whose_kit_is_gone() -> None:
    setup = '{"source": "{{ 9 ** (9 ** 9) }}", "seconds": 1, "memory": 99999999, "characters": 9}'
    done = subprocess.run(
        CHILD, input=f"{setup}\nnull\n".encode(), capture_output=True, check=False
    )

    assert done.returncode == -signal.SIGXCPU
    assert done.stdout == b""


def test_a_process_that_does_nothing_is_not_waited_for(started: Callable[[], set[int]]) -> None:
    renderer = Renderer("{{ n }}", limits=Limits(patience=1))
    renderer.check()
    [process] = started()
    os.kill(process, signal.SIGSTOP)

    with pytest.raises(EngineError, match="did not finish in 1 s"):
        renderer.render({"n": 1})
    assert started() == set()


@contextmanager
def soon(action: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Do something while the main thread waits."""
    previous = signal.signal(signal.SIGALRM, action)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, previous)


def test_a_crash_is_an_error(started: Callable[[], set[int]]) -> None:
    renderer = Renderer(COUNTS)
    renderer.check()
    [process] = started()

    with (
        soon(lambda *_: os.kill(process, signal.SIGSEGV)),
        pytest.raises(EngineError, match="template ended its process: Segmentation fault"),
    ):
        renderer.render({"n": 99999})
    assert started() == set()


def test_an_interrupt_leaves_no_answer_behind(started: Callable[[], set[int]]) -> None:
    renderer = Renderer(COUNTS)
    renderer.check()

    with soon(signal.default_int_handler), pytest.raises(KeyboardInterrupt):
        renderer.render({"n": 99999})

    assert started() == set()
    assert renderer.render({"n": 0}) == "0"


def test_threads_take_turns() -> None:
    renderer = Renderer("{{ n }}")
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda n: renderer.render({"n": n}), range(99))) == [
            str(n) for n in range(99)
        ]


FORKING = """
import os
from pathlib import Path
from kit.engine.rendering import Renderer
renderer = Renderer("{{ n }}")
assert renderer.render({"n": 1}) == "1"
children = Path(f"/proc/self/task/{os.getpid()}/children")
first = children.read_text()
pid = os.fork()
if not pid:
    assert [renderer.render({"n": n}) for n in range(99)] == [str(n) for n in range(99)]
    del renderer
    os._exit(7)
assert [renderer.render({"n": n}) for n in range(99, 199)] == [str(n) for n in range(99, 199)]
assert os.waitpid(pid, 0)[1] == 7 << 8
assert renderer.render({"n": 2}) == "2"
assert children.read_text() == first
"""
ENDING = """
import os, sys
from pathlib import Path
from kit.engine.rendering import Renderer
renderer = Renderer("{{ n }}")
renderer.check()
print(Path(f"/proc/self/task/{os.getpid()}/children").read_text(), flush=True)
sys.stdin.read()
"""


def test_a_fork_asks_a_process_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORKING], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("end", ["returns", "is killed"])
def test_the_process_ends_with_the_kit(end: str) -> None:
    command = [sys.executable, "-W", "error", "-c", ENDING]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        process = int(parent.stdout.readline())
        assert lives(process)
        with os.fdopen(os.pidfd_open(process)) as ended:
            if end == "is killed":
                parent.kill()
            _, complaint = parent.communicate()
            select.select([ended], [], [], 60)

    assert complaint == ""
    assert not lives(process)


def test_a_text_is_the_same_in_every_process() -> None:
    letters = str(dict.fromkeys("abcdefghijklmnop", 0))
    source = (
        "{% set turn = cycler('x', 'y') %}{{ turn.next() }}{{ joiner()() }}{{ strftime_now('%c') }}"
        f"{{{{ ({letters}.keys() - {{}}.keys()) | join }}}}"
    )
    renderers = [Renderer(source), Renderer(source)]

    texts = {renderer.render({}) for renderer in renderers * 2}

    [text] = texts
    assert text.startswith("x2026-01-01")
    assert sorted(text[11:]) == list("abcdefghijklmnop")


def test_what_jinja_imports_late_is_there() -> None:
    """The process cannot open a file any more when a template asks for it."""
    source = (
        "{{ 'one two' | wordwrap(4) }} {{ [1] | pprint }} {{ '&lt;b&gt;' | striptags }} "
        "{{ '\\N{BULLET}\\u2022' }} {{ 'a b' | urlencode }} {{ {'a': 'é'} | tojson }}"
    )

    assert Renderer(source).render({}) == 'one\ntwo [1] <b> •• a%20b {"a": "\\u00e9"}'


def test_without_a_python_to_start_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with pytest.raises(EngineError, match="does not start: No such file") as caught:
        Renderer("{{ 1 }}").check()
    assert caught.value.hint == "kit doctor"


def test_a_process_that_cannot_begin_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])

    with pytest.raises(EngineError, match="ended: ModuleNotFoundError: No module named 'kit'"):
        Renderer("{{ 1 }}").check()
