"""Pulling from a hub, with the real client, over a real socket, by the real command."""

from __future__ import annotations

import signal
import ssl
import time
from pathlib import Path

import pytest

from kit.models.store import Store

from .support import REPO, REVISION, Hub, Workplace, certificate, content, pin_of, row, serving


@pytest.fixture(autouse=True)
def _pinned(workplace: Workplace, files: dict[str, bytes]) -> None:
    workplace.pin(row(files))


def _nothing_stored(workplace: Workplace) -> bool:
    objects = workplace.home / "objects"
    return not objects.exists() or all(path.suffix == ".part" for path in objects.iterdir())


def test_a_pull_stores_the_served_bytes_and_prints_their_path(
    workplace: Workplace, hub: Hub, files: dict[str, bytes]
) -> None:
    done = workplace.run("pull", "tiny")

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(workplace.home / "models" / "tiny" / "tiny.gguf")
    assert (workplace.home / "models" / "tiny" / "tiny.gguf").read_bytes() == files["tiny.gguf"]
    assert f"the hub: {REPO} at {REVISION[:12]}" in done.stderr
    assert {path for _, path, _ in hub.asked} == {
        f"/{REPO}/resolve/{REVISION}/tiny.gguf",
        "/cdn/tiny.gguf",
    }


def test_the_token_goes_to_the_hub_and_not_to_where_it_redirects(
    workplace: Workplace, hub: Hub
) -> None:
    workplace.environment["HF_TOKEN"] = "hf_secret"

    done = workplace.run("pull", "tiny")

    assert done.returncode == 0, done.stderr
    asked_at = {path for path, _ in hub.tokens}
    assert asked_at == {f"/{REPO}/resolve/{REVISION}/tiny.gguf"}


def test_a_token_of_the_hub_s_own_file_is_sent(workplace: Workplace, hub: Hub) -> None:
    kept = workplace.home.parent / "hf" / "token"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("hf_kept")

    done = workplace.run("pull", "tiny")

    assert done.returncode == 0, done.stderr
    assert {token for _, token in hub.tokens} == {"Bearer hf_kept"}


def test_a_second_pull_asks_the_hub_nothing(workplace: Workplace, hub: Hub) -> None:
    workplace.run("pull", "tiny")
    hub.asked.clear()

    done = workplace.run("pull", "tiny")

    assert done.returncode == 0
    assert "already in the store" in done.stderr
    assert hub.asked == []


def test_an_announced_hash_that_differs_stops_before_the_download(
    workplace: Workplace, hub: Hub
) -> None:
    hub.announce = content(2)

    done = workplace.run("pull", "tiny")

    assert done.returncode == 2
    assert "is not the pinned file" in done.stderr
    assert hub.ranges() == []
    assert _nothing_stored(workplace)


def test_wrong_bytes_under_the_right_hash_do_not_enter_the_store(
    workplace: Workplace, hub: Hub, files: dict[str, bytes]
) -> None:
    good = files["tiny.gguf"]
    hub.announce = good
    hub.files["tiny.gguf"] = good[:1000] + bytes([good[1000] ^ 1]) + good[1001:]

    done = workplace.run("pull", "tiny")

    assert done.returncode == 2
    assert "tiny.gguf" in done.stderr
    assert "expected 300,000 bytes, sha256 " in done.stderr
    assert "corrupted, or another file of the same length" in done.stderr
    (kept,) = (workplace.home / "objects").iterdir()
    assert kept.suffix == ".bad"
    assert kept.read_bytes() == hub.files["tiny.gguf"]
    assert str(kept) in done.stderr


def test_a_file_that_is_cut_short_at_the_server_is_told_before_a_byte_is_fetched(
    workplace: Workplace, hub: Hub, files: dict[str, bytes]
) -> None:
    hub.announce = files["tiny.gguf"]
    hub.files["tiny.gguf"] = files["tiny.gguf"][:100_000]

    done = workplace.run("pull", "tiny")

    assert done.returncode == 2
    assert "found 100,000 bytes. It is cut short." in done.stderr
    assert _nothing_stored(workplace)


@pytest.fixture
def large(workplace: Workplace, hub: Hub) -> bytes:
    """A model of some blocks."""
    data = content(3, 24_000_000)
    hub.files["tiny.gguf"] = data
    workplace.pin(row({"tiny.gguf": data}))
    return data


def test_a_cut_connection_is_continued(workplace: Workplace, hub: Hub, large: bytes) -> None:
    hub.cut_after = [15_000_000]

    done = workplace.run("pull", "tiny")

    assert done.returncode == 0, done.stderr
    assert hub.ranges() == [None, "bytes=15000000-"]
    assert hub.sent == len(large)
    assert "the hub dropped the connection; again in 1 s" in done.stderr
    assert (workplace.home / "models" / "tiny" / "tiny.gguf").read_bytes() == large


def test_an_interrupted_pull_continues_in_the_next_process(
    workplace: Workplace, hub: Hub, large: bytes
) -> None:
    hub.stall_after = 15_000_000
    process = workplace.start("pull", "tiny")
    objects = workplace.home / "objects"
    deadline = time.monotonic() + 30
    while not any(part.stat().st_size for part in objects.glob("*.part")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    (part,) = objects.glob("*.part")
    arrived = part.stat().st_size
    hub.stall_after = None

    done = workplace.run("pull", "tiny")

    assert done.returncode == 0, done.stderr
    assert hub.ranges() == [None, f"bytes={arrived}-"]
    assert (workplace.home / "models" / "tiny" / "tiny.gguf").read_bytes() == large


def test_a_spoilt_beginning_is_found_and_thrown_away(
    workplace: Workplace, hub: Hub, files: dict[str, bytes]
) -> None:
    part = Store(workplace.home).part_path(pin_of(files).files[0])
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 1000)

    spoilt = workplace.run("pull", "tiny")
    again = workplace.run("pull", "tiny")

    assert spoilt.returncode == 2
    assert again.returncode == 0, again.stderr
    assert hub.ranges() == ["bytes=1000-", None]


def test_a_killed_pull_continues_where_it_was(workplace: Workplace, hub: Hub, large: bytes) -> None:
    hub.stall_after = 15_000_000
    process = workplace.start("pull", "tiny")
    assert hub.stalled.wait(30)
    objects = workplace.home / "objects"
    deadline = time.monotonic() + 30
    while not any(part.stat().st_size > 13_000_000 for part in objects.glob("*.part")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=30)
    (part,) = objects.glob("*.part")
    arrived = part.stat().st_size
    hub.stall_after = None

    done = workplace.run("pull", "tiny")

    assert done.returncode == 0, done.stderr
    assert hub.ranges() == [None, f"bytes={arrived}-"]
    assert (workplace.home / "models" / "tiny" / "tiny.gguf").read_bytes() == large
    assert not list(objects.glob("*.tag"))


def test_a_busy_hub_and_a_busy_cdn_are_asked_again(
    workplace: Workplace, hub: Hub, files: dict[str, bytes]
) -> None:
    hub.refusals, hub.cdn_refusals = [429, 503], [502, 503]

    done = workplace.run("pull", "tiny")

    assert done.returncode == 0, done.stderr
    for status in (429, 503, 502):
        assert f"the hub answers HTTP {status}; again in 0 s" in done.stderr
    assert hub.sent == len(files["tiny.gguf"])


def test_a_web_folder_is_a_source_and_gets_no_token(
    workplace: Workplace, hub: Hub, files: dict[str, bytes]
) -> None:
    workplace.environment["HF_TOKEN"] = "hf_secret"
    hub.cut_after = [100_000]

    done = workplace.run("pull", "tiny", "--from", f"{hub.cdn}/cdn/")

    assert done.returncode == 0, done.stderr
    assert (workplace.home / "models" / "tiny" / "tiny.gguf").read_bytes() == files["tiny.gguf"]
    assert hub.tokens == []
    assert hub.ranges() == [None, "bytes=100000-"]


def test_a_web_folder_s_errors_name_it_without_its_password(workplace: Workplace, hub: Hub) -> None:
    hub.refuse_download = 404
    place = hub.cdn.removeprefix("http://")

    done = workplace.run("pull", "tiny", "--from", f"http://me:secret@{place}/cdn?key=secret")

    assert done.returncode == 1
    assert f"http://{place}/cdn: answers HTTP 404 for 'tiny.gguf'" in done.stderr
    assert "secret" not in done.stderr


def test_the_token_is_neither_said_nor_written(workplace: Workplace, hub: Hub) -> None:
    workplace.environment["HF_TOKEN"] = "hf_secret"
    hub.cut_after, hub.cdn_refusals = [1000], [503]

    done = workplace.run("pull", "tiny")
    hub.status = 403
    refused = workplace.run("pull", "tiny", "--from", hub.endpoint)

    assert done.returncode == 0, done.stderr
    assert hub.tokens
    assert "hf_secret" not in done.stderr + done.stdout + refused.stderr
    kept = [path for path in workplace.home.parent.rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if b"hf_secret" in path.read_bytes()]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, None), ("holds no 'tiny.gguf'", "models.yaml")),
        ((403, None), ("refuses 'tiny.gguf' (HTTP 403)", "hf auth login")),
        ((403, "GatedRepo"), ("asks for a licence to be accepted", f"the page of {REPO}")),
        ((500, None), ("answers HTTP 500", "try again later")),
    ],
)
def test_a_refusal_says_what_the_hub_answered_and_what_to_do(
    workplace: Workplace, hub: Hub, answer: tuple[int, str | None], said: tuple[str, str]
) -> None:
    hub.status, hub.code = answer

    done = workplace.run("pull", "tiny")

    assert done.returncode == 1
    for part in said:
        assert part in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failure_after_the_announcement_is_told_the_same_way(
    workplace: Workplace, hub: Hub
) -> None:
    hub.refuse_download = 500

    done = workplace.run("pull", "tiny")

    assert done.returncode == 1
    assert "answers HTTP 500" in done.stderr


def test_a_file_the_commit_does_not_hold_is_named(workplace: Workplace, hub: Hub) -> None:
    hub.files.clear()

    done = workplace.run("pull", "tiny")

    assert done.returncode == 1
    assert "holds no 'tiny.gguf'" in done.stderr


def test_a_repository_that_is_gone_is_told_apart_from_a_missing_file(
    workplace: Workplace, hub: Hub, files: dict[str, bytes]
) -> None:
    source: dict[str, object] = {"kind": "hub", "repo": "someone/gone", "revision": REVISION}
    workplace.pin(row(files, source=source))

    done = workplace.run("pull", "tiny")

    assert done.returncode == 1
    assert "refuses 'tiny.gguf' (HTTP 401)" in done.stderr


def test_an_unreachable_hub_is_an_error_that_names_the_way_without_network(
    workplace: Workplace, hub: Hub
) -> None:
    workplace.environment["HF_ENDPOINT"] = "http://127.0.0.1:9"

    done = workplace.run("pull", "tiny")

    assert done.returncode == 1
    assert "cannot be reached" in done.stderr
    assert "--from FOLDER" in done.stderr


def test_a_certificate_nobody_vouches_for_is_an_error_before_anything_is_sent(
    workplace: Workplace, hub: Hub, tmp_path: Path
) -> None:
    workplace.environment["HF_TOKEN"] = "hf_secret"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(tmp_path))
    with serving(hub, context) as place:
        workplace.environment["HF_ENDPOINT"] = place
        done = workplace.run("pull", "tiny")

    assert done.returncode == 1
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr
    assert hub.asked == []


def test_the_clients_own_offline_switch_is_obeyed(workplace: Workplace, hub: Hub) -> None:
    workplace.environment["HF_HUB_OFFLINE"] = "1"

    done = workplace.run("pull", "tiny")

    assert done.returncode == 1
    assert "HF_HUB_OFFLINE forbids every download" in done.stderr
    assert hub.asked == []


def test_all_parts_of_a_split_model_lie_side_by_side(workplace: Workplace, hub: Hub) -> None:
    parts = {f"big-0000{n}-of-00002.gguf": content(n, 50_000) for n in (1, 2)}
    hub.files = parts
    workplace.pin(row(parts))

    done = workplace.run("pull", "tiny")

    assert done.returncode == 0, done.stderr
    shown = workplace.home / "models" / "tiny"
    assert {path.name: path.read_bytes() for path in shown.iterdir()} == parts
    assert done.stdout.strip() == str(shown / "big-00001-of-00002.gguf")


def test_two_processes_pulling_at_once_download_once(workplace: Workplace, hub: Hub) -> None:
    hub.stall_after = 1000
    first = workplace.start("pull", "tiny")
    assert hub.stalled.wait(30)
    second = workplace.start("pull", "tiny")
    assert second.stderr is not None
    said = second.stderr.readline()
    hub.stall_after = None
    hub.over.set()  # the stalled line is cut, and the first process continues

    first.communicate(timeout=60)
    second.communicate(timeout=60)

    assert f"waiting for process {first.pid}" in said
    assert (first.returncode, second.returncode) == (0, 0)
    assert len(hub.ranges()) == 2  # the stalled download, and its continuation
