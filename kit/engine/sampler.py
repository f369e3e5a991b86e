"""Drawing a token: mask, temperature, truncation, then Gumbel-max with keyed noise.

The noise of a token is a function of a key and the token's id (Gumbel 1954; Maddison et al. 2014:
the arg max of logit/T plus Gumbel noise is a draw from the softmax). No generator has a state, so
the noise of any draw can be recomputed from the log, and near-equal logits in another order change
nothing.

The mask is asked only about tokens that can still win. :func:`draw` proves that the rest cannot, or
widens; the result equals the full mask's (:func:`draw_full`), which the tests hold it to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kit.engine.vocabulary import Flags, Ids
from kit.errors import EngineError
from kit.spec.study import Sampling

Logits = NDArray[np.float32]
Scores = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_FIRST_MARGIN = 12.0
"""Logits this far below the best are looked at first; e**-12 of its probability."""
_BLOCK = 1 << 15
"""Ids whose noise is computed at a time."""


class TokenMask(Protocol):
    """What a draw needs to know of a grammar."""

    @property
    def listed(self) -> Ids | None:
        """All legal ids in ascending order, or None where they are not enumerated."""

    def legal(self, ids: Ids) -> Flags:
        """For each of ``ids``, whether it is legal."""


class Draw(NamedTuple):
    """One drawn token."""

    token: int
    looked_at: int
    """How many tokens the mask was asked about."""


def _bits(key: int, ids: Ids) -> NDArray[np.uint64]:
    """64 uniform bits per id: the finaliser of SplitMix64 (Steele, Lea & Flood 2014)."""
    with np.errstate(over="ignore"):
        x = np.uint64(key) + (ids.astype(np.uint64) + np.uint64(1)) * _GOLDEN
        x = (x ^ (x >> np.uint64(30))) * _MIX_1
        x = (x ^ (x >> np.uint64(27))) * _MIX_2
        return np.asarray(x ^ (x >> np.uint64(31)))


@lru_cache(maxsize=4)
def _strides(size: int) -> NDArray[np.uint64]:
    """What :func:`_bits` adds to the key, for every id of a vocabulary."""
    return (np.arange(size, dtype=np.uint64) + np.uint64(1)) * _GOLDEN


def _luckiest(key: int, size: int, least: float) -> Ids:
    """Every id whose uniform is at least ``least``, and a few below it.

    The finaliser's last step leaves the upper 31 bits as they are, so it is not taken; blocks that
    stay in the processor's cache make the rest several times quicker than one pass per operation.
    """
    # One step of 2**-30 is far more than the rounding of `least`.
    floor = np.uint64(int(max(0.0, least - 2.0**-30) * 2.0**31) << 33)
    start = np.uint64(key)
    strides = _strides(size)
    bits, shifted = np.empty((2, min(size, _BLOCK)), dtype=np.uint64)
    found: list[Ids] = []
    for first in range(0, size, _BLOCK):
        block = strides[first : first + _BLOCK]
        x, y = bits[: len(block)], shifted[: len(block)]
        np.add(block, start, out=x)
        for shift, mix in ((np.uint64(30), _MIX_1), (np.uint64(27), _MIX_2)):
            np.right_shift(x, shift, out=y)
            np.bitwise_xor(x, y, out=x)
            np.multiply(x, mix, out=x)
        found.append(np.flatnonzero(x >= floor) + first)
    return np.concatenate(found)


def gumbel(key: int, ids: Ids) -> Scores:
    """Standard Gumbel noise of ``ids`` under ``key``."""
    uniform = ((_bits(key, ids) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return np.asarray(-np.log(-np.log(uniform)))


def _best(ids: Ids, scores: Scores) -> int:
    """The id with the highest score; equal scores go to the lower id."""
    top = scores.max()
    return int(ids[scores == top].min())


def draw_full(logits: Logits, mask: TokenMask, sampling: Sampling, key: int) -> Draw:
    """Draw with the mask of every token: the definition that :func:`draw` must equal."""
    ids = np.arange(len(logits), dtype=np.int64)
    ids = ids[mask.legal(ids)] if mask.listed is None else mask.listed
    if not len(ids):
        raise EngineError("no token is legal here: the form and the vocabulary do not fit")
    scaled = logits[ids].astype(np.float64)
    if sampling.temperature == 0:
        return Draw(_best(ids, scaled), len(logits))
    kept = _truncate(ids, scaled / sampling.temperature, sampling, 0.0)
    assert kept is not None  # nothing is left out, so nothing is unsure
    ids, scaled = kept
    return Draw(_best(ids, scaled + gumbel(key, ids)), len(logits))


def draw(logits: Logits, mask: TokenMask, sampling: Sampling, key: int) -> Draw:
    """Draw one token.

    Args:
        logits: one row over the vocabulary.
        mask: which tokens are legal.
        sampling: temperature and truncation; temperature 0 takes the most probable legal token.
        key: names the draw (see :mod:`kit.spec.seeds`).

    Raises:
        EngineError: no token is legal.
    """
    if mask.listed is not None:
        return draw_full(logits, mask, sampling, key)
    top = float(logits.max())
    floor = float(logits.min())
    margin = _FIRST_MARGIN
    while True:
        threshold = max(top - margin, floor)
        looked = np.flatnonzero(logits >= threshold)
        ids = looked[mask.legal(looked)]
        everything = len(looked) == len(logits)
        token = _settle(
            logits, ids, threshold, mask=mask, sampling=sampling, key=key, everything=everything
        )
        if token is not None:
            return Draw(token, len(looked))
        if everything:
            raise EngineError("no token is legal here: the form and the vocabulary do not fit")
        margin *= 4


def _settle(
    logits: Logits,
    ids: Ids,
    threshold: float,
    *,
    mask: TokenMask,
    sampling: Sampling,
    key: int,
    everything: bool,
) -> int | None:
    """The drawn token if the legal ``ids`` at or above ``threshold`` decide it, else None."""
    if not len(ids):
        return None
    scaled = logits[ids].astype(np.float64)
    if sampling.temperature == 0:
        return _best(ids, scaled)
    scaled /= sampling.temperature
    if sampling.top_k or sampling.top_p < 1 or sampling.min_p:
        unseen = 0.0
        if not everything:
            rest = logits[logits < threshold].astype(np.float64) / sampling.temperature
            unseen = float(np.exp(rest - scaled.max()).sum())
        kept = _truncate(ids, scaled, sampling, unseen, threshold / sampling.temperature)
        if kept is None:
            return None
        ids, scaled = kept
        return _best(ids, scaled + gumbel(key, ids))
    noisy = scaled + gumbel(key, ids)
    if everything:
        return _best(ids, noisy)
    # A token below the threshold wins only if its noise exceeds `need`, that is, if its uniform
    # exceeds exp(-exp(-need)): compare raw bits, a few pass, and those few are looked at in full.
    need = float(noisy.max()) - threshold / sampling.temperature
    least = math.exp(-math.exp(-need)) if need > -700 else 0.0
    lucky = _luckiest(key, len(logits), least)
    lucky = lucky[logits[lucky] < threshold]
    lucky = lucky[mask.legal(lucky)]
    if len(lucky):
        ids = np.concatenate([ids, lucky])
        more = logits[lucky].astype(np.float64) / sampling.temperature + gumbel(key, lucky)
        noisy = np.concatenate([noisy, more])
    return _best(ids, noisy)


def _truncate(
    ids: Ids,
    scaled: Scores,
    sampling: Sampling,
    unseen: float,
    threshold: float = -math.inf,
) -> tuple[Ids, Scores] | None:
    """Apply top-k, top-p and min-p to legal tokens.

    Args:
        ids, scaled: legal tokens at or above ``threshold`` and their logits over temperature.
        unseen: an upper bound of the mass below ``threshold``, relative to the best token's.
        threshold: nothing above it is missing from ``ids``.

    Returns:
        What is kept, or None when what lies below the threshold could change it.
    """
    order = np.lexsort((ids, -scaled))
    ids, scaled = ids[order], scaled[order]
    if sampling.top_k:
        if len(ids) < sampling.top_k and unseen:
            return None
        if len(ids) >= sampling.top_k:
            ids, scaled, unseen = ids[: sampling.top_k], scaled[: sampling.top_k], 0.0
    if sampling.top_p < 1:
        mass = np.cumsum(np.exp(scaled - scaled[0]))
        keep = int(np.searchsorted(mass, sampling.top_p * mass[-1])) + 1
        keep_if_all_unseen = int(np.searchsorted(mass, sampling.top_p * (mass[-1] + unseen))) + 1
        if keep != keep_if_all_unseen:
            return None
        ids, scaled, unseen = ids[:keep], scaled[:keep], 0.0
    if sampling.min_p:
        cut = scaled[0] + math.log(sampling.min_p)
        if unseen and cut < threshold:
            return None
        keep = int((scaled >= cut).sum())
        ids, scaled = ids[:keep], scaled[:keep]
        unseen = 0.0
    return None if unseen else (ids, scaled)


def margin(
    logits: Logits, mask: TokenMask, sampling: Sampling, key: int, *, drawn: int, recorded: Ids
) -> float:
    """By how much the drawn token beats a recorded one, in logits (Karvonen et al. 2025, eq. 1).

    Args:
        logits: one row over the vocabulary.
        mask: which tokens are legal.
        sampling: temperature and truncation.
        key: names the draw.
        drawn: what :func:`draw` gives for these logits and this key.
        recorded: the token that stands in the log, or several that mean the same.

    Returns:
        max over tokens v of (z_v + T g_v), less the same of the recorded token; where truncation
        leaves the recorded token out, at least its distance in logits from what is kept.
    """
    recorded = recorded[mask.legal(recorded)]
    if not len(recorded):
        return math.inf
    scaled = logits[recorded].astype(np.float64)
    if sampling.temperature == 0:
        return float(logits[drawn]) - float(scaled.max())
    scaled /= sampling.temperature
    winner = np.array([drawn], dtype=np.int64)
    best = logits[winner].astype(np.float64) / sampling.temperature + gumbel(key, winner)
    gap = float(best[0]) - float((scaled + gumbel(key, recorded)).max())
    if sampling.top_k or sampling.top_p < 1 or sampling.min_p:
        ids = np.arange(len(logits), dtype=np.int64)
        ids = ids[mask.legal(ids)]
        kept = _truncate(ids, logits[ids].astype(np.float64) / sampling.temperature, sampling, 0.0)
        assert kept is not None  # nothing is left out, so nothing is unsure
        gap = max(gap, float(kept[1].min()) - float(scaled.max()))
    return gap * sampling.temperature


def legal_mass(logits: Logits, mask: TokenMask) -> float:
    """Share of the model's own probability (temperature 1) on legal tokens, to six digits.

    Rounded so that the last bits of a sum, which depend on the processor's vector width, do not
    enter a log.
    """
    ids = np.arange(len(logits), dtype=np.int64) if mask.listed is None else mask.listed
    legal = ids if mask.listed is not None else ids[mask.legal(ids)]
    weights = np.exp(logits.astype(np.float64) - float(logits.max()))
    return float(f"{weights[legal].sum() / weights.sum():.6g}")


def word_shares(logits: Logits, words: Sequence[Ids]) -> tuple[float, ...]:
    """How the model's own probability (temperature 1) divides over ``words``, to six digits.

    Args:
        logits: one row over the vocabulary.
        words: for each word, the tokens that begin it.

    Returns:
        One share per word; they sum to 1. Rounded as :func:`legal_mass` is, and for its reason.
    """
    top = max(float(logits[ids].max()) for ids in words)
    weights = [float(np.exp(logits[ids].astype(np.float64) - top).sum()) for ids in words]
    total = sum(weights)
    return tuple(float(f"{weight / total:.6g}") for weight in weights)
