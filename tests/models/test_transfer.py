"""Every way a server fails ends with the right bytes or a clear error, and no byte comes twice."""

from __future__ import annotations

import datetime as dt
import email.utils
import ssl
import time
from pathlib import Path

import pytest

from kit.models.part import Part
from kit.models.transfer import OtherLength, Patience, TransferError, demanded, receive

from .support import Hub, certificate, content, serving

GOOD = content(7, 3_000_000)
QUICK = Patience(tries=3, first_wait=0.01, silence=1.0, window=0.3)


@pytest.fixture
def hub() -> Hub:
    return Hub({"x.gguf": GOOD})


def file(place: str) -> str:
    return f"{place}/cdn/x.gguf"


def fetch(place: str, path: Path, patience: Patience = QUICK) -> list[str]:
    """Receive into ``path``; what was told meanwhile."""
    told: list[str] = []
    with Part(path) as part:
        receive(
            file(place),
            part,
            len(GOOD),
            headers={},
            told=lambda reason, _: told.append(reason),
            patience=patience,
        )
    return told


def failure(place: str, path: Path, patience: Patience = QUICK) -> TransferError:
    with pytest.raises(TransferError) as caught:
        fetch(place, path, patience)
    return caught.value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.part"


def test_the_whole_file_comes_at_once(hub: Hub, path: Path) -> None:
    with serving(hub) as place:
        assert fetch(place, path) == []
    assert path.read_bytes() == GOOD
    assert hub.ranges() == [None]


def test_a_dropped_line_is_continued_at_the_next_byte_as_often_as_it_brings_bytes(
    hub: Hub, path: Path
) -> None:
    hub.cut_after = [500_000] * 5
    with serving(hub) as place:
        assert fetch(place, path) == ["dropped the connection"] * 5
    assert path.read_bytes() == GOOD
    assert hub.sent == len(GOOD)


def test_a_line_that_drops_before_any_byte_is_given_up(hub: Hub, path: Path) -> None:
    hub.cut_after = [0] * 10
    with serving(hub) as place:
        assert failure(place, path).reason == "dropped the connection"
    assert len(hub.ranges()) == QUICK.tries


def test_a_file_that_changed_meanwhile_is_fetched_anew_and_never_joined(
    hub: Hub, path: Path
) -> None:
    hub.files["x.gguf"] = content(8, len(GOOD))
    hub.cut_after, hub.after_cut = [1_000_000], GOOD
    with serving(hub) as place:
        fetch(place, path)
    assert path.read_bytes() == GOOD
    assert hub.ranges() == [None, "bytes=1000000-"]


def test_a_later_process_asks_under_the_tag_of_the_bytes_that_are_there(
    hub: Hub, path: Path
) -> None:
    hub.files["x.gguf"] = content(8, len(GOOD))
    hub.cut_after, hub.after_cut = [1_000_000], GOOD
    with serving(hub) as place:
        failure(place, path, QUICK._replace(tries=1))
        assert path.stat().st_size == 1_000_000
        fetch(place, path)
    assert path.read_bytes() == GOOD


def test_without_a_tag_the_hash_has_to_tell(hub: Hub, path: Path) -> None:
    hub.tag = None
    path.write_bytes(GOOD[:700_000])
    with serving(hub) as place:
        fetch(place, path)
    assert path.read_bytes() == GOOD
    assert hub.ranges() == ["bytes=700000-"]


def test_a_weak_tag_does_not_vouch_for_bytes(hub: Hub, path: Path) -> None:
    hub.tag = 'W/"one"'
    hub.cut_after = [1_000_000]
    with serving(hub) as place:
        fetch(place, path)
    assert path.read_bytes() == GOOD
    assert not path.with_name("x.part.tag").exists()


def test_a_server_without_ranges_starts_over(hub: Hub, path: Path) -> None:
    hub.no_ranges, hub.cut_after = True, [1_000_000]
    with serving(hub) as place:
        fetch(place, path)
    assert path.read_bytes() == GOOD


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(hub: Hub, path: Path, status: int) -> None:
    hub.cdn_refusals = [status, status]
    with serving(hub) as place:
        assert fetch(place, path) == [f"answers HTTP {status}"] * 2
    assert path.read_bytes() == GOOD
    assert hub.sent == len(GOOD)


def test_a_server_that_stays_busy_is_given_up_with_its_answer(hub: Hub, path: Path) -> None:
    hub.refuse_download = 503
    with serving(hub) as place:
        error = failure(place, path)
    assert (error.status, error.reason) == (503, "answers HTTP 503")
    assert len(hub.ranges()) == QUICK.tries


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_taken_at_its_word(hub: Hub, path: Path, status: int) -> None:
    hub.refuse_download = status
    with serving(hub) as place:
        assert failure(place, path).status == status
    assert len(hub.ranges()) == 1


def test_a_busy_server_is_waited_for_as_long_as_it_asks(hub: Hub, path: Path) -> None:
    waits: list[float] = []
    hub.cdn_refusals, hub.retry_after = [503, 429], "0"
    with serving(hub) as place, Part(path) as part:
        receive(
            file(place),
            part,
            len(GOOD),
            headers={},
            told=lambda _, seconds: waits.append(seconds),
            patience=QUICK._replace(first_wait=30.0),
        )
    assert waits == [0.0, 0.0]


def test_the_wait_doubles_up_to_its_limit(hub: Hub, path: Path) -> None:
    waits: list[float] = []
    hub.refuse_download, hub.retry_after = 500, None
    patience = Patience(tries=5, first_wait=0.01, longest_wait=0.03)
    with serving(hub) as place, Part(path) as part, pytest.raises(TransferError):
        receive(
            file(place),
            part,
            len(GOOD),
            headers={},
            told=lambda _, seconds: waits.append(seconds),
            patience=patience,
        )
    assert waits == [0.01, 0.02, 0.03, 0.03]


def test_a_demand_to_wait_is_a_number_or_a_date() -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=2)
    assert demanded({"Retry-After": "17"}) == 17.0
    assert 100 < (demanded({"Retry-After": email.utils.format_datetime(later)}) or 0) <= 120
    assert demanded({"Retry-After": "Mon, 01 Jan 2001 00:00:00 GMT"}) == 0.0
    assert demanded({"Retry-After": "soon"}) is None
    assert demanded({}) is None


@pytest.mark.parametrize("length", [2_999_999, 3_000_001, 10])
def test_another_length_is_seen_before_a_byte_is_written(hub: Hub, path: Path, length: int) -> None:
    hub.files["x.gguf"] = content(7, length)
    with serving(hub) as place:
        error = failure(place, path)
    assert isinstance(error, OtherLength)
    assert error.length == length
    assert not path.exists()


def test_a_file_shorter_than_what_is_there_is_told(hub: Hub, path: Path) -> None:
    path.write_bytes(GOOD[:2_000_000])
    hub.files["x.gguf"] = GOOD[:1_000_000]
    with serving(hub) as place:
        error = failure(place, path)
    assert isinstance(error, OtherLength)
    assert error.length == 1_000_000


def test_bytes_of_another_place_are_not_taken(hub: Hub, path: Path) -> None:
    path.write_bytes(GOOD[:1000])
    hub.wrong_range = True
    with serving(hub) as place:
        assert "another range" in failure(place, path).reason
    assert path.read_bytes() == GOOD[:1000]


def test_compressed_bytes_are_not_taken(hub: Hub, path: Path) -> None:
    hub.coding = "gzip"
    with serving(hub) as place:
        assert "as gzip" in failure(place, path).reason
    assert not path.exists()


def test_silence_is_ended_and_the_rest_fetched(hub: Hub, path: Path) -> None:
    hub.stall_after = 1_000_000
    told: list[str] = []

    def tell(reason: str, _: float) -> None:
        told.append(reason)
        hub.stall_after = None

    with serving(hub) as place, Part(path) as part:
        patience = QUICK._replace(silence=0.3)
        receive(file(place), part, len(GOOD), headers={}, told=tell, patience=patience)
    assert told == ["sent nothing for 0.3 s"]
    assert path.read_bytes() == GOOD
    assert hub.sent == len(GOOD)


def test_a_line_that_drips_is_given_up_although_every_byte_is_progress(
    hub: Hub, path: Path
) -> None:
    hub.drip = 0.02
    with serving(hub) as place:
        started = time.monotonic()
        error = failure(place, path)
    assert "bytes per second" in error.reason
    assert time.monotonic() - started < 20
    assert path.read_bytes() == GOOD[: path.stat().st_size]
    assert path.stat().st_size > 10


def test_a_server_that_was_never_there_is_not_waited_for(path: Path) -> None:
    assert "cannot be reached" in failure("http://127.0.0.1:9", path).reason


def test_a_certificate_nobody_vouches_for_ends_it_at_once(
    hub: Hub, path: Path, tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(tmp_path))
    with serving(hub, context) as place:
        assert "cannot be trusted" in failure(place, path).reason
    assert hub.asked == []


def test_a_certificate_of_the_environment_is_believed(
    hub: Hub, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    with serving(hub, context) as place:
        fetch(place, path)
    assert path.read_bytes() == GOOD


def test_a_proxy_of_the_environment_is_asked(
    hub: Hub, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(hub) as place:
        monkeypatch.setenv("http_proxy", place)
        monkeypatch.setenv("no_proxy", "")
        error = failure("http://models.example", path)
    assert hub.asked[0][1] == "http://models.example/cdn/x.gguf"
    assert error.status == 401


def test_the_disk_s_own_errors_stay_what_they_are(hub: Hub, tmp_path: Path) -> None:
    class Full(Part):
        def write(self, data: bytes) -> None:
            raise OSError(28, "No space left on device")

    with (
        serving(hub) as place,
        pytest.raises(OSError, match="No space left"),
        Full(tmp_path / "x.part") as part,
    ):
        receive(file(place), part, len(GOOD), headers={}, told=lambda *_: None, patience=QUICK)
