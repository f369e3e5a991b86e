"""Asking a hub whether pins still stand, by the real command, over real sockets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from .hub_api import LATER, ApiHub, run, serving
from .support import REPO, REVISION, Workplace, content, row

FILES = {"one.gguf": content(1, 1000), "two.gguf": content(2, 1000)}
OTHER = content(3, 1000)


@pytest.fixture
def hub(workplace: Workplace) -> Iterator[ApiHub]:
    """A hub whose main is at the pinned commit."""
    with serving(ApiHub(dict(FILES), later=dict(FILES)), workplace) as hub:
        yield hub


@pytest.fixture(autouse=True)
def _pinned(workplace: Workplace) -> None:
    workplace.pin(row(FILES))


def _line(words: str, model_id: str = "tiny") -> str:
    return f"{model_id:<42} {words}\n"


def test_a_pin_at_the_head_of_main_is_as_pinned(workplace: Workplace, hub: ApiHub) -> None:
    done = run(workplace, "check")

    assert (done.returncode, done.stdout) == (0, _line("as pinned")), done.stderr
    assert hub.questions() == [f"/api/models/{REPO}/revision/main?blobs=true"]
    assert hub.ranges() == []


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (FILES, "main moved, same file"),
        (FILES | {"two.gguf": OTHER}, f"main: sha256 {hashlib.sha256(OTHER).hexdigest()[:12]}"),
        ({"one.gguf": FILES["one.gguf"]}, "not in main any more"),
        ({}, "not in main any more"),
    ],
)
def test_what_main_holds_now_is_said_and_is_no_error(
    workplace: Workplace, hub: ApiHub, later: dict[str, bytes], words: str
) -> None:
    hub.branches = {"main": LATER}
    hub.later = later

    done = run(workplace, "check", "tiny")

    assert (done.returncode, done.stdout) == (0, _line(f"as pinned; {words}")), done.stderr


def test_a_file_that_left_the_large_ones_has_no_hash(workplace: Workplace, hub: ApiHub) -> None:
    hub.branches = {"main": LATER}
    hub.in_git = {"one.gguf"}

    done = run(workplace, "check")

    assert (done.returncode, done.stdout) == (2, _line("DIFFERS: a file in git"))


def test_a_repository_without_main_still_has_the_commit(workplace: Workplace, hub: ApiHub) -> None:
    hub.branches = {}

    done = run(workplace, "check")

    assert (done.returncode, done.stdout) == (0, _line("as pinned; not in main any more"))


@pytest.mark.parametrize("change", [OTHER, FILES["one.gguf"] + b"x", None])
def test_a_pinned_commit_that_gives_another_file_or_none_is_a_mismatch(
    workplace: Workplace, hub: ApiHub, change: bytes | None
) -> None:
    if change is None:
        del hub.files["one.gguf"]
        words = "GONE: not in its commit"
    else:
        hub.files["one.gguf"] = change
        words = f"DIFFERS: sha256 {hashlib.sha256(change).hexdigest()[:12]}"

    done = run(workplace, "check")

    assert (done.returncode, done.stdout) == (2, _line(words))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"repo": "someone/gone", "revision": REVISION}, "GONE: no such repository, or private"),
        ({"repo": REPO, "revision": "ab" * 20}, "GONE: no such commit or branch"),
    ],
)
def test_a_repository_or_commit_that_is_gone_is_a_mismatch(
    workplace: Workplace, hub: ApiHub, source: dict[str, object], words: str
) -> None:
    gone = row(FILES, source={"kind": "hub", **source}) | {"id": "gone"}
    workplace.pin(gone, row(FILES))

    done = run(workplace, "check")

    assert (done.returncode, done.stdout) == (2, _line(words, "gone") + _line("as pinned"))


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [(403, "GatedRepo", "wants its licence accepted"), (403, None, "refused, HTTP 403")],
)
def test_a_refusal_is_no_mismatch(
    workplace: Workplace, hub: ApiHub, status: int, code: str | None, words: str
) -> None:
    hub.status, hub.code = status, code

    done = run(workplace, "check")

    assert (done.returncode, done.stdout) == (1, _line(words))


def test_a_snapshot_is_asked_for_once(workplace: Workplace, hub: ApiHub) -> None:
    hub.branches = {"main": LATER}
    workplace.pin(*(row(FILES) | {"id": model_id} for model_id in ("a", "b", "c")))

    done = run(workplace, "check")

    assert done.stdout.count("as pinned") == 3
    assert sorted(hub.questions()) == sorted(
        f"/api/models/{REPO}/revision/{revision}?blobs=true" for revision in ("main", REVISION)
    )


def test_named_pins_alone_are_checked_and_pins_of_other_places_passed_over(
    workplace: Workplace, hub: ApiHub
) -> None:
    carried = row(FILES, source={"kind": "folder"}) | {"id": "carried"}
    workplace.pin(carried, row(FILES), row(FILES) | {"id": "unasked"})

    named = run(workplace, "check", "tiny", "carried")
    unknown = run(workplace, "check", "tinny")

    assert (named.returncode, named.stdout) == (0, _line("as pinned"))
    assert "carried is not of the hub" in named.stderr
    assert unknown.returncode == 1
    assert "did you mean 'tiny'?" in unknown.stderr


def test_lines_keep_to_eighty_columns_and_ids_stay_whole(workplace: Workplace, hub: ApiHub) -> None:
    hub.branches = {"main": LATER}
    hub.later = {"one.gguf": OTHER}
    ids = ["a" * 42, "b" * 80]
    workplace.pin(*(row(FILES) | {"id": model_id} for model_id in ids))

    lines = run(workplace, "check").stdout.splitlines()

    assert [line.split()[0] for line in (lines[0], lines[1])] == ids
    assert max(map(len, lines)) <= 80


def test_a_hub_that_cannot_be_reached_ends_the_check_at_once(
    workplace: Workplace, hub: ApiHub
) -> None:
    workplace.environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    workplace.pin(*(row(FILES) | {"id": model_id} for model_id in ("a", "b")))

    done = run(workplace, "check")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("cannot be reached") == 1
    assert "not checked: 2" in done.stderr
    assert "next: " in done.stderr


def test_a_mismatch_that_was_found_outlasts_a_hub_that_fails_later(
    workplace: Workplace, hub: ApiHub
) -> None:
    hub.branches = {"main": LATER}
    hub.files["one.gguf"] = OTHER
    other: dict[str, object] = {"kind": "hub", "repo": REPO, "revision": "ab" * 20}
    workplace.pin(row(FILES), row(FILES, source=other) | {"id": "later"})
    hub.failing = {"ab" * 20: 500}

    done = run(workplace, "check")

    assert done.returncode == 2
    assert done.stdout.count("\n") == 1
    assert "answers HTTP 500" in done.stderr
    assert "not checked: 1" in done.stderr


def test_a_busy_hub_is_asked_again_when_it_says(workplace: Workplace, hub: ApiHub) -> None:
    hub.refusals = [429, 503]

    done = run(workplace, "check")

    assert done.returncode == 0, done.stderr
    assert len(hub.questions()) == 3


def test_an_answer_about_another_commit_is_an_error(workplace: Workplace, hub: ApiHub) -> None:
    hub.branches = {"main": LATER, REVISION: LATER}

    done = run(workplace, "check")

    assert (done.returncode, done.stdout) == (1, "")
    assert "answers, but not as the hub does" in done.stderr


def test_the_clients_own_offline_switch_is_obeyed(workplace: Workplace, hub: ApiHub) -> None:
    workplace.environment["HF_HUB_OFFLINE"] = "1"

    done = run(workplace, "check")

    assert done.returncode == 1
    assert "HF_HUB_OFFLINE forbids every connection" in done.stderr
    assert hub.asked == []
