from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kit.engine.sampler import draw, draw_full, gumbel, legal_mass, margin, word_shares
from kit.engine.vocabulary import Flags, Ids
from kit.errors import EngineError
from kit.spec.seeds import key
from kit.spec.study import Sampling


class Only:
    """A mask that answers for single tokens and counts how often it is asked."""

    def __init__(self, legal: Flags):
        self._legal = legal
        self.asked = 0
        self.listed: Ids | None = None

    def legal(self, ids: Ids) -> Flags:
        self.asked += len(ids)
        return np.asarray(self._legal[ids])


@st.composite
def rows(draw_: st.DrawFn) -> tuple[NDArray[np.float32], Flags]:
    size = draw_(st.integers(2, 300))
    seed = draw_(st.integers(0, 2**32))
    rng = np.random.Generator(np.random.Philox(seed))
    spread = draw_(st.sampled_from([0.0, 0.5, 3.0, 20.0]))
    logits = (rng.standard_normal(size) * spread).astype(np.float32)
    if draw_(st.booleans()):
        logits = np.round(logits)  # ties
    legal = rng.random(size) < draw_(st.sampled_from([0.02, 0.3, 1.0]))
    legal[draw_(st.integers(0, size - 1))] = True
    return logits, legal


@settings(max_examples=600)
@given(
    rows(),
    st.builds(
        Sampling,
        temperature=st.sampled_from([0.0, 0.1, 0.9, 5.0]),
        top_k=st.sampled_from([0, 1, 7, 1000]),
        top_p=st.sampled_from([1.0, 0.9, 0.2]),
        min_p=st.sampled_from([0.0, 0.05, 1.0]),
    ),
    st.integers(0, 2**64 - 1),
)
def test_the_lazy_mask_draws_what_the_full_mask_draws(
    row: tuple[NDArray[np.float32], Flags],
    sampling: Sampling,
    noise: int,
) -> None:
    logits, legal = row
    lazy = draw(logits, Only(legal), sampling, noise)
    full = draw_full(logits, Only(legal), sampling, noise)
    assert lazy.token == full.token
    assert legal[lazy.token]


def test_the_lazy_mask_looks_at_a_small_part_of_a_large_vocabulary() -> None:
    rng = np.random.Generator(np.random.Philox(1))
    logits = (rng.standard_normal(50_000) * 4).astype(np.float32)
    logits[7] = 30
    mask = Only(np.ones(50_000, dtype=np.bool_))
    draw(logits, mask, Sampling(temperature=0.9), 1)
    assert mask.asked < 2_000


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_follow_the_softmax(temperature: float) -> None:
    """Chi-square over 20,000 keyed draws; 5 degrees of freedom, 99.9 % quantile 20.5."""
    logits = np.array([0.0, 1.0, 2.0, -1.0, 0.5, 1.5], dtype=np.float32)
    weights = np.exp(logits.astype(np.float64) / temperature)
    expected = weights / weights.sum() * 20_000
    mask = Only(np.ones(6, dtype=np.bool_))
    counts = np.zeros(6)
    for place in range(20_000):
        counts[draw(logits, mask, Sampling(temperature=temperature), key("chi", place)).token] += 1
    assert ((counts - expected) ** 2 / expected).sum() < 20.5


def test_greedy_ties_go_to_the_lower_id() -> None:
    logits = np.array([1.0, 3.0, 3.0], dtype=np.float32)
    mask = Only(np.ones(3, dtype=np.bool_))
    assert draw(logits, mask, Sampling(temperature=0), 5).token == 1


def test_top_k_and_top_p_keep_what_they_say() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05])).astype(np.float32)
    mask = Only(np.ones(4, dtype=np.bool_))
    for sampling, kept in (
        (Sampling(temperature=1, top_k=2), {0, 1}),
        (Sampling(temperature=1, top_p=0.9), {0, 1, 2}),
        (Sampling(temperature=1, min_p=0.2), {0, 1, 2}),
    ):
        drawn = {draw(logits, mask, sampling, key("k", place)).token for place in range(400)}
        assert drawn == kept


def test_noise_is_a_function_of_key_and_token_alone() -> None:
    ids = np.arange(1000, dtype=np.int64)
    whole = gumbel(3, ids)
    assert np.array_equal(whole[[5, 900]], gumbel(3, ids[[5, 900]]))
    assert not np.array_equal(whole, gumbel(4, ids))
    # Euler-Mascheroni constant 0.5772 and variance pi^2 / 6 = 1.645 of the standard Gumbel.
    many = gumbel(9, np.arange(200_000, dtype=np.int64))
    assert abs(many.mean() - 0.5772) < 0.01
    assert abs(many.var() - 1.645) < 0.02


def test_extreme_seeds_are_ordinary() -> None:
    ids = np.arange(50, dtype=np.int64)
    found = {tuple(gumbel(key(seed), ids).tolist()) for seed in (0, 1, 2**32 - 1, 2**63 - 1)}
    assert len(found) == 4


def test_no_legal_token_is_an_error() -> None:
    with pytest.raises(EngineError, match="no token is legal"):
        draw(np.zeros(9, dtype=np.float32), Only(np.zeros(9, dtype=np.bool_)), Sampling(), 1)


def test_legal_mass_is_the_share_of_the_models_own_probability() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.2])).astype(np.float32)
    assert legal_mass(logits, Only(np.array([False, True, True]))) == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("noise", range(12))
def test_a_large_vocabulary_draws_what_the_full_mask_draws(noise: int) -> None:
    """Its noise is computed in blocks; far tokens win here more often than near ones."""
    rng = np.random.Generator(np.random.Philox(noise))
    logits = rng.standard_normal(100_003).astype(np.float32)
    logits[noise] = 17.0  # the rest lies below what is looked at first
    mask = Only(np.ones(len(logits), dtype=np.bool_))
    sampling = Sampling(temperature=1.5)
    drawn = draw(logits, mask, sampling, noise)
    assert drawn.token == draw_full(logits, mask, sampling, noise).token
    assert drawn.looked_at < 1000


@settings(max_examples=300)
@given(
    rows(),
    st.builds(
        Sampling,
        temperature=st.sampled_from([0.0, 0.1, 0.9, 5.0]),
        top_k=st.sampled_from([0, 1, 7]),
        top_p=st.sampled_from([1.0, 0.9, 0.2]),
        min_p=st.sampled_from([0.0, 0.05, 1.0]),
    ),
    st.integers(0, 2**64 - 1),
)
def test_a_margin_is_by_how_much_a_token_loses(
    row: tuple[NDArray[np.float32], Flags], sampling: Sampling, noise: int
) -> None:
    logits, legal = row
    mask = Only(legal)
    drawn = draw(logits, mask, sampling, noise).token
    for token in map(int, np.flatnonzero(legal)):
        found = margin(
            logits, mask, sampling, noise, drawn=drawn, recorded=np.array([token, token])
        )
        assert found >= 0
        if token == drawn:
            assert found == 0
        if not (sampling.top_k or sampling.top_p < 1 or sampling.min_p):
            scores = {
                each: float(logits[each])
                + sampling.temperature * float(gumbel(noise, np.array([each]))[0])
                for each in (token, drawn)
            }
            assert found == pytest.approx(scores[drawn] - scores[token], abs=1e-9)


def test_what_truncation_leaves_out_loses_by_its_distance_from_what_is_kept() -> None:
    logits = np.array([5.0, 4.0, 1.0], dtype=np.float32)
    mask = Only(np.ones(3, dtype=np.bool_))
    keys = range(50)
    for noise in keys:
        found = margin(logits, mask, Sampling(top_k=2), noise, drawn=0, recorded=np.array([2]))
        assert found >= 3.0 - 1e-9  # 4 is the least that is kept


def test_an_illegal_token_loses_without_measure() -> None:
    mask = Only(np.array([True, False]))
    logits = np.zeros(2, dtype=np.float32)
    assert margin(logits, mask, Sampling(), 0, drawn=0, recorded=np.array([1])) == np.inf


def test_shares_are_the_softmax_over_the_words_first_tokens() -> None:
    logits = np.array([0.0, np.log(2), np.log(5), 9.0], dtype=np.float32)
    words = [np.array([0, 1]), np.array([2])]
    assert word_shares(logits, words) == pytest.approx((3 / 8, 5 / 8), abs=1e-6)


@given(
    st.lists(st.floats(-30, 30, width=32), min_size=4, max_size=12), st.floats(-50, 50, width=32)
)
def test_shares_sum_to_one_and_do_not_depend_on_a_shift(row: list[float], shift: float) -> None:
    logits = np.array(row, dtype=np.float32)
    words = [np.array([0]), np.array([1, 2]), np.array([3])]
    shares = word_shares(logits, words)
    assert sum(shares) == pytest.approx(1, abs=1e-5)
    assert word_shares(logits + np.float32(shift), words) == pytest.approx(shares, abs=1e-4)
