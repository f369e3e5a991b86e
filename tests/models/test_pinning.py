"""Pinning a file of a hub, by the real command, over real sockets."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import gguf
import pytest
import yaml

from kit.engine.model import LlamaModel
from kit.gguf import read_file
from kit.models.pinning import attention_of
from kit.spec.pins import Attention, HubOrigin, KeyType, load_pins
from tests.zoo.animals import ANIMALS
from tests.zoo.keeper import write
from tests.zoo.species import Animal

from .hub_api import LATER, ApiHub, model, run, serving
from .support import REPO, REVISION, Workplace, content, mortal

NAME = "Tiny-1B-Instruct-Q8_0.gguf"
ID = "tiny-1b-instruct-q8_0"
TEMPLATE = "{{ messages }} ü"
BEFORE = f"""\
kit_schema: 1
# Rows of this institute.
models:
- id: old   # kept
  family: tiny
  tier: test
  size: tiny
  license: mit
  instruct: false
  context_length: null
  source: {{kind: folder}}
  files: [{{name: old.gguf, bytes: 3, sha256: {"ab" * 32}}}]
"""
HEADER_BLOCK = 1 << 22


def _talks(writer: gguf.GGUFWriter) -> None:
    writer.add_chat_template(TEMPLATE)


@pytest.fixture
def data(tmp_path: Path) -> bytes:
    """A model with a chat template, much longer than its header."""
    return model(tmp_path, keys=_talks, padding=12_000_000)


@pytest.fixture
def pins(workplace: Workplace) -> Path:
    """The checkout's ``models.yaml``."""
    (workplace.checkout / "studies").mkdir()
    path = workplace.checkout / "models.yaml"
    path.write_text(BEFORE, encoding="utf-8")
    return path


@pytest.fixture
def hub(workplace: Workplace, pins: Path, data: bytes) -> Iterator[ApiHub]:
    """A hub that holds one model, and a page beside it."""
    with serving(ApiHub({NAME: data, "README.md": b"words"}), workplace) as hub:
        hub.in_git = {"README.md"}
        yield hub


def test_a_row_says_what_the_hub_and_the_header_say(
    workplace: Workplace, hub: ApiHub, pins: Path, data: bytes
) -> None:
    done = run(workplace, "pin", REPO, NAME)

    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{ID}\n"
    pin = load_pins(pins)[ID]
    assert pin.source == HubOrigin(kind="hub", repo=REPO, revision=REVISION)
    (file,) = pin.files
    assert (file.name, file.bytes) == (NAME, len(data))
    assert file.sha256 == hashlib.sha256(data).hexdigest()
    assert (pin.license, pin.context_length, pin.chat_template) == ("mit", 2048, "own")
    assert pin.template_sha256 == hashlib.sha256(TEMPLATE.encode()).hexdigest()
    assert pin.attention == Attention(layers=3, key_width=32, value_width=32)
    assert (pin.family, pin.size, pin.instruct, pin.tier) == ("tiny", "tiny", True, "extra")


def test_the_row_is_added_behind_bytes_that_stay_and_says_what_is_a_guess(
    workplace: Workplace, hub: ApiHub, pins: Path
) -> None:
    pins.chmod(0o640)

    done = run(workplace, "pin", REPO, NAME)

    text = pins.read_text(encoding="utf-8")
    assert text.startswith(f"{BEFORE}\n- id: {ID}\n  family: tiny  # a guess, from ")
    lines = text.removeprefix(BEFORE).splitlines()
    guessed = [line.split(":")[0].strip() for line in lines if "# a guess" in line]
    assert guessed == ["family", "size", "instruct"]
    for key in guessed:
        assert f"{key} is a guess" in done.stderr
    assert pins.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in workplace.checkout.iterdir()) == ["models.yaml", "studies"]


def test_what_the_user_says_is_no_guess(workplace: Workplace, hub: ApiHub, pins: Path) -> None:
    said = ["--id", "mine", "--family", "llama-3.3", "--size", "mid", "--tier", "test", "--base"]

    done = run(workplace, "pin", REPO, NAME, *said, "--template", "plain", "--license", "gemma")

    assert done.returncode == 0, done.stderr
    assert "# a guess" not in pins.read_text(encoding="utf-8")
    pin = load_pins(pins)["mine"]
    assert (pin.family, pin.size, pin.tier, pin.instruct) == ("llama-3.3", "mid", "test", False)
    assert (pin.chat_template, pin.license) == ("plain", "gemma")


def test_a_pinned_row_can_be_pulled(workplace: Workplace, hub: ApiHub, data: bytes) -> None:
    run(workplace, "pin", REPO, NAME)

    done = run(workplace, "pull", ID)

    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).read_bytes() == data


def test_only_the_beginning_of_the_file_is_fetched(workplace: Workplace, hub: ApiHub) -> None:
    run(workplace, "pin", REPO, NAME)

    assert hub.ranges() == [f"bytes=0-{HEADER_BLOCK - 1}"]
    assert hub.sent == HEADER_BLOCK


@pytest.mark.parametrize("no_length", [False, True])
def test_a_header_of_several_blocks_is_read_on_over_a_cut_line(
    workplace: Workplace, hub: ApiHub, tmp_path: Path, pins: Path, no_length: bool
) -> None:
    hub.no_length = no_length
    words = [f"{n:032}" for n in range(150_000)]
    hub.files[NAME] = model(tmp_path, keys=lambda writer: writer.add_token_list(words))
    hub.cut_after = [1_000_000]

    done = run(workplace, "pin", REPO, NAME)

    assert done.returncode == 0, done.stderr
    first, again, second = hub.ranges()
    assert first == again == f"bytes=0-{HEADER_BLOCK - 1}"
    assert second == f"bytes={HEADER_BLOCK}-{len(hub.files[NAME]) - 1}"
    assert load_pins(pins)[ID].chat_template == "plain"


def test_a_branch_is_written_as_its_commit(workplace: Workplace, hub: ApiHub, pins: Path) -> None:
    hub.branches = {"main": LATER, "v1": REVISION}

    done = run(workplace, "pin", REPO, NAME, "--revision", "v1")

    assert done.returncode == 0, done.stderr
    source = load_pins(pins)[ID].source
    assert isinstance(source, HubOrigin)
    assert source.revision == REVISION
    resolved = [path for _, path, _ in hub.asked if "/resolve/" in path]
    assert resolved == [f"/{REPO}/resolve/{REVISION}/{NAME}"]


def test_the_first_part_of_a_split_model_pins_all(
    workplace: Workplace, hub: ApiHub, tmp_path: Path, pins: Path
) -> None:
    hub.files = _split(tmp_path)

    done = run(workplace, "pin", REPO, "sub/Big-00001-of-00002.gguf")

    assert done.returncode == 0, done.stderr
    assert [file.name for file in load_pins(pins)["big"].files] == list(hub.files)


def test_a_later_part_names_the_first(workplace: Workplace, hub: ApiHub, tmp_path: Path) -> None:
    hub.files = _split(tmp_path)

    done = run(workplace, "pin", REPO, "sub/Big-00002-of-00002.gguf")

    assert done.returncode == 1
    assert "'sub/Big-00001-of-00002.gguf'" in done.stderr


@pytest.mark.parametrize(
    ("second", "said"),
    [(None, "holds no 'sub/Big-00002-of-00002.gguf'"), (0, "says that it is part 1 of 2")],
)
def test_parts_that_do_not_belong_together_are_refused(
    *,
    workplace: Workplace,
    hub: ApiHub,
    tmp_path: Path,
    pins: Path,
    second: int | None,
    said: str,
) -> None:
    hub.files = _split(tmp_path)
    one, two = hub.files
    if second is None:
        del hub.files[two]
    else:
        hub.files[two] = hub.files[one]

    _refused(run(workplace, "pin", REPO, one), said, pins)


def _split(folder: Path) -> dict[str, bytes]:
    def part(number: int) -> bytes:
        def keys(writer: gguf.GGUFWriter) -> None:
            writer.add_uint16("split.no", number)
            writer.add_uint16("split.count", 2)

        tensor = f"blk.{number}.ffn_up.weight"
        return model(folder, keys=keys, sized=number == 0, tensor=tensor)

    return {f"sub/Big-0000{n + 1}-of-00002.gguf": part(n) for n in (0, 1)}


def _refused(done: subprocess.CompletedProcess[str], said: str, pins: Path) -> None:
    """The command failed with these words, and the file is as it was."""
    assert done.returncode == 1, done.stderr
    assert said in done.stderr
    assert "next: " in done.stderr
    assert "Traceback" not in done.stderr
    assert pins.read_text(encoding="utf-8") == BEFORE


def test_a_pinned_id_is_never_edited_and_shows_what_differs(
    workplace: Workplace, hub: ApiHub, pins: Path, tmp_path: Path
) -> None:
    run(workplace, "pin", REPO, NAME)
    pinned = pins.read_bytes()
    hub.files[NAME] = other = model(tmp_path, keys=_talks, padding=1_000)

    done = run(workplace, "pin", REPO, NAME)

    assert done.returncode == 1
    assert f"'{ID}' is pinned already, and a pin is never edited" in done.stderr
    assert f"found {len(other):,} bytes {hashlib.sha256(other).hexdigest()}" in done.stderr
    assert "license" not in done.stderr
    assert "--print" in done.stderr
    assert pins.read_bytes() == pinned


def test_the_same_row_again_says_so(workplace: Workplace, hub: ApiHub, pins: Path) -> None:
    run(workplace, "pin", REPO, NAME)

    done = run(workplace, "pin", REPO, NAME)

    assert done.returncode == 1
    assert "the hub and the file say the same today" in done.stderr


def test_the_same_bytes_may_have_two_ids_and_it_is_said(
    workplace: Workplace, hub: ApiHub, pins: Path
) -> None:
    run(workplace, "pin", REPO, NAME)

    done = run(workplace, "pin", REPO, NAME, "--id", "twin", "--template", "plain")

    assert done.returncode == 0, done.stderr
    assert f"the same bytes are pinned as '{ID}'" in done.stderr
    assert list(load_pins(pins)) == ["old", ID, "twin"]


def test_a_printed_row_changes_nothing_and_is_the_row(
    workplace: Workplace, hub: ApiHub, pins: Path
) -> None:
    printed = run(workplace, "pin", REPO, NAME, "--print")
    assert printed.returncode == 0, printed.stderr
    assert pins.read_text(encoding="utf-8") == BEFORE

    run(workplace, "pin", REPO, NAME)
    again = run(workplace, "pin", REPO, NAME, "--print")

    assert pins.read_text(encoding="utf-8") == f"{BEFORE}\n{printed.stdout}"
    assert (again.returncode, again.stdout) == (0, printed.stdout)
    assert "is pinned already" in again.stderr


def test_outside_a_checkout_the_row_is_printed(
    workplace: Workplace, hub: ApiHub, pins: Path
) -> None:
    pins.unlink()

    done = run(workplace, "pin", REPO, NAME)

    assert done.returncode == 0, done.stderr
    assert [one["id"] for one in yaml.safe_load(done.stdout)] == [ID]
    assert not pins.exists()


def test_a_row_is_indented_like_the_last_one(workplace: Workplace, hub: ApiHub, pins: Path) -> None:
    head, rows = BEFORE.split("models:\n")
    indented = f"{head}models:\n" + "".join(f"    {line}\n" for line in rows.splitlines())
    pins.write_text(indented.removesuffix("\n"), encoding="utf-8")

    done = run(workplace, "pin", REPO, NAME)

    assert done.returncode == 0, done.stderr
    assert pins.read_text(encoding="utf-8").startswith(f"{indented}\n    - id: {ID}\n")


@pytest.mark.parametrize("form", ["models: []\n", "models:\n  [\n  ]\n"])
def test_a_file_that_takes_no_row_at_its_end_stays_as_it_is(
    workplace: Workplace, hub: ApiHub, pins: Path, form: str
) -> None:
    pins.write_text(f"kit_schema: 1\n{form}", encoding="utf-8")

    done = run(workplace, "pin", REPO, NAME)

    assert done.returncode == 1
    assert "no row can be added at the end" in done.stderr
    assert pins.read_text(encoding="utf-8") == f"kit_schema: 1\n{form}"
    assert len(list(workplace.checkout.iterdir())) == 2


def test_rows_added_at_the_same_time_are_all_there(
    workplace: Workplace, hub: ApiHub, pins: Path
) -> None:
    ids = [f"one-{n}" for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda one: run(workplace, "pin", REPO, NAME, "--id", one), ids))

    assert [one.returncode for one in done] == [0, 0, 0, 0]
    assert set(load_pins(pins)) == {"old", *ids}


def test_a_file_behind_a_link_is_written_where_it_lies(
    workplace: Workplace, hub: ApiHub, pins: Path, tmp_path: Path
) -> None:
    real = pins.rename(tmp_path / "shared.yaml")
    pins.symlink_to(real)

    done = run(workplace, "pin", REPO, NAME)

    assert done.returncode == 0, done.stderr
    assert pins.is_symlink()
    assert ID in load_pins(real)


def test_a_checkout_that_cannot_be_written_gets_the_way_without_writing(
    workplace: Workplace, hub: ApiHub, pins: Path
) -> None:
    workplace.checkout.chmod(0o555)

    done = run(workplace, "pin", REPO, NAME, prefix=mortal())

    workplace.checkout.chmod(0o755)
    _refused(done, "cannot be written: Permission denied", pins)
    assert "--print" in done.stderr


def test_a_file_that_is_no_gguf_is_refused(workplace: Workplace, hub: ApiHub, pins: Path) -> None:
    hub.files["weights.bin"] = content(1, 5_000_000)

    done = run(workplace, "pin", REPO, "weights.bin")

    _refused(done, "is no sound GGUF model file: byte 0", pins)
    assert hub.sent == HEADER_BLOCK
    assert "kit models verify" not in done.stderr


def test_a_header_that_lies_about_the_file_is_refused(
    workplace: Workplace, hub: ApiHub, pins: Path, data: bytes
) -> None:
    hub.files[NAME] = data[:1_000_000]

    _refused(run(workplace, "pin", REPO, NAME), "is no sound GGUF model file", pins)


def test_a_file_without_a_hash_is_refused(workplace: Workplace, hub: ApiHub, pins: Path) -> None:
    hub.in_git.add(NAME)

    _refused(run(workplace, "pin", REPO, NAME), "the hub knows no SHA-256", pins)
    assert hub.ranges() == []


def test_a_name_the_repository_lacks_gets_those_it_holds(
    workplace: Workplace, hub: ApiHub, pins: Path
) -> None:
    _refused(run(workplace, "pin", REPO, "other.gguf"), f"it holds {NAME}", pins)


@pytest.mark.parametrize(
    ("card", "license_"),
    [
        ({"license": "other", "license_name": "llama3.3"}, "llama3.3"),
        ({"license": ["mit"]}, "mit"),
        ({"license": ["mit", "gpl"]}, None),
        ({"license": "other", "license_name": "a licence of our own"}, None),
        ({"license": "no"}, "no"),
        ({}, "apache-2.0"),
        (None, "apache-2.0"),
    ],
)
def test_the_licence_is_the_declared_one_or_asked_for(
    *,
    workplace: Workplace,
    hub: ApiHub,
    pins: Path,
    tmp_path: Path,
    card: dict[str, object] | None,
    license_: str | None,
) -> None:
    hub.card = card
    hub.files[NAME] = model(tmp_path, keys=lambda writer: writer.add_license("apache-2.0"))

    done = run(workplace, "pin", REPO, NAME)

    if license_ is None:
        _refused(done, "add --license NAME", pins)
    else:
        assert done.returncode == 0, done.stderr
        assert load_pins(pins)[ID].license == license_
        assert ("license is a guess" in done.stderr) == (not card)


def test_a_licence_that_is_stated_nowhere_is_asked_for(
    workplace: Workplace, hub: ApiHub, pins: Path
) -> None:
    hub.card = None

    _refused(run(workplace, "pin", REPO, NAME), "states no licence", pins)


def test_own_template_of_a_file_without_one_is_refused(
    workplace: Workplace, hub: ApiHub, pins: Path, tmp_path: Path
) -> None:
    hub.files[NAME] = model(tmp_path)

    _refused(run(workplace, "pin", REPO, NAME, "--template", "own"), "--template plain", pins)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["someone/gone", NAME], "no such repository, or private"),
        ([REPO, NAME, "--revision", "v9"], "no such commit or branch"),
        ([REPO, NAME, "--id", "Not An Id"], "makes no pin: id:"),
        (["tiny", NAME], "OWNER/NAME"),
    ],
)
def test_what_cannot_be_pinned_is_said(
    workplace: Workplace, hub: ApiHub, pins: Path, args: list[str], said: str
) -> None:
    _refused(run(workplace, "pin", *args), said, pins)


def test_a_busy_hub_is_asked_again(workplace: Workplace, hub: ApiHub) -> None:
    hub.refusals = [503]
    hub.cdn_refusals = [503]

    done = run(workplace, "pin", REPO, NAME)

    assert done.returncode == 0, done.stderr
    assert len(hub.questions()) == 2
    assert len(hub.ranges()) == 2


def test_a_server_without_ranges_is_refused(workplace: Workplace, hub: ApiHub, pins: Path) -> None:
    hub.no_ranges = True

    _refused(run(workplace, "pin", REPO, NAME), "gives whole files only", pins)


def test_another_range_is_refused(workplace: Workplace, hub: ApiHub, pins: Path) -> None:
    hub.wrong_range = True

    _refused(run(workplace, "pin", REPO, NAME), "gives another range", pins)


@pytest.mark.parametrize("said", [b"<html>", b"[]", b"{}", b'{"id": "a/b", "siblings": [1]}'])
def test_an_answer_that_is_not_the_hubs_is_an_error(
    workplace: Workplace, hub: ApiHub, pins: Path, said: bytes
) -> None:
    hub.said = said

    _refused(run(workplace, "pin", REPO, NAME), "answers, but not as the hub does", pins)


def test_an_unreachable_hub_is_an_error(workplace: Workplace, hub: ApiHub, pins: Path) -> None:
    workplace.environment["HF_ENDPOINT"] = "http://127.0.0.1:9"

    _refused(run(workplace, "pin", REPO, NAME), "cannot be reached", pins)


def test_the_token_goes_to_the_hub_alone_and_nowhere_else(
    workplace: Workplace, hub: ApiHub, pins: Path
) -> None:
    workplace.environment["HF_TOKEN"] = "hf_secret"

    done = run(workplace, "pin", REPO, NAME)

    assert done.returncode == 0, done.stderr
    assert {token for _, token in hub.tokens} == {"Bearer hf_secret"}
    assert [path for path, _ in hub.tokens] == [
        f"/api/models/{REPO}/revision/main?blobs=true",
        f"/{REPO}/resolve/{REVISION}/{NAME}",
    ]
    assert "/cdn/" in "".join(path for _, path, _ in hub.asked)
    assert "hf_secret" not in done.stdout + done.stderr + pins.read_text(encoding="utf-8")


HYBRID = "qwen3next"


@pytest.mark.parametrize("animal", ANIMALS, ids=lambda animal: animal.name)
def test_the_cache_is_the_one_the_engine_counts(animal: Animal, tmp_path: Path) -> None:
    path = write(animal, tmp_path)

    attention = attention_of(read_file(path))

    assert attention is not None
    engine = LlamaModel(path, outline=True)
    try:
        for k_type in get_args(KeyType):
            counted = engine.cache_bytes(k_type)
            if animal.name == HYBRID:
                assert attention.cache_bytes_per_token(k_type) * 4 == counted
            else:
                assert attention.cache_bytes_per_token(k_type) == counted
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("kv_heads", "layers", "width"), [([2, 2, 2], 3, 32), ([0, 4, 0], 1, 64), ([0, 0, 0], 0, 0)]
)
def test_layers_without_heads_keep_no_cache(
    tmp_path: Path, kv_heads: list[int], layers: int, width: int
) -> None:
    path = tmp_path / "one.gguf"
    sizes = {"embedding_length": 64, "block_count": 3, "attention.head_count": 4}

    def keys(writer: gguf.GGUFWriter) -> None:
        for key, value in sizes.items():
            writer.add_uint32(f"llama.{key}", value)
        writer.add_array("llama.attention.head_count_kv", kv_heads)

    model(tmp_path, keys=keys, sized=False)

    found = attention_of(read_file(path))

    if layers:
        assert found == Attention(layers=layers, key_width=width, value_width=width)
    else:
        assert found is None
