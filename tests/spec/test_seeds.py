from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kit.spec.seeds import generator, key, permutation

PARTS = st.lists(st.integers(-(2**70), 2**70) | st.text(max_size=6), max_size=4)


@given(PARTS, PARTS)
def test_different_paths_have_different_keys(one: list[int | str], two: list[int | str]) -> None:
    same = [(type(part), part) for part in one] == [(type(part), part) for part in two]
    assert (key(*one) == key(*two)) == same


def test_keys_do_not_change_between_releases() -> None:
    """SHA-256 over i/s, four length bytes and the text, computed once with coreutils."""
    assert key("a", "bc") != key("ab", "c")
    assert key(1) != key("1")
    assert key() == 0xE3B0C44298FC1C14  # the first bytes of the SHA-256 of nothing


@given(st.lists(st.text(max_size=3), max_size=12), PARTS)
def test_a_permutation_keeps_every_item(items: list[str], path: list[int | str]) -> None:
    assert sorted(permutation(items, *path)) == sorted(items)
    assert permutation(items, *path) == permutation(items, *path)


def test_a_generator_starts_from_its_path_alone() -> None:
    first = generator("boot", 1).random(4).tolist()
    generator("boot", 2).random(100)
    assert generator("boot", 1).random(4).tolist() == first
