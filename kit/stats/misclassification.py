"""How many units have a property, when what looks for it errs at a rate that was measured."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, TypeAlias

from scipy import special

from kit.stats.noncentral import Limits
from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import significance

Interval: TypeAlias = Literal["lang-reiczigel", "delta"]

_NO_POWER = "sensitivity + specificity do not exceed 1"


class Tally(NamedTuple):
    """Units that a classifier called so, of the units looked at."""

    hits: int
    trials: int

    @property
    def share(self) -> float | None:
        """Hits over trials; none without trials."""
        return self.hits / self.trials if self.trials else None


class CorrectedPrevalence(NamedTuple):
    """A prevalence corrected for misclassification, and what it was corrected from."""

    result: Estimate
    """The corrected prevalence in [0, 1]."""
    apparent: float | None
    """Share of units classified as positive."""
    sensitivity: float | None
    """Share of true positives found, in the validation sample."""
    specificity: float | None
    """Share of true negatives passed, in the validation sample."""
    raw: float | None
    """The corrected prevalence before it was cut to [0, 1]."""

    @property
    def clipped(self) -> bool:
        """Whether it had to be cut: fewer positives than errors alone explain, or more."""
        return self.raw is not None and not 0.0 <= self.raw <= 1.0

    @property
    def informative(self) -> bool:
        """Whether the classifier tells positives from negatives better than chance."""
        return (
            self.sensitivity is not None
            and self.specificity is not None
            and self.sensitivity + self.specificity > 1.0
        )


def corrected_prevalence(
    positive: Tally,
    found: Tally,
    passed: Tally,
    *,
    interval: Interval = "lang-reiczigel",
    confidence: float = 0.95,
) -> CorrectedPrevalence:
    """The prevalence p behind an apparent one t.

    With sensitivity Se and specificity Sp, p = (t + Sp - 1) / (Se + Sp - 1) (Rogan & Gladen 1978).
    All three are estimated, from samples taken as independent, and the variance of p counts their
    errors: (t (1 - t) / n + p^2 Se (1 - Se) / n_Se + (1 - p)^2 Sp (1 - Sp) / n_Sp) / (Se + Sp -
    1)^2, by the delta method (Rogan & Gladen 1978); its root is `std_error`. The interval of Lang &
    Reiczigel (2014, equations 16 and 17) takes the same formula at t with z^2 / 2 more positives
    and z^2 / 2 more negatives and at Se and Sp with one more success and one more failure each, and
    moves the middle by 2 z^2 (p Se (1 - Se) / n_Se - (1 - p) Sp (1 - Sp) / n_Sp); "delta" is p -+ z
    `std_error`. Both are cut to [0, 1].

    Args:
        positive: units classified as positive, of all n units.
        found: units classified as positive, of the n_Se units of the validation sample that are.
        passed: units classified as negative, of the n_Sp units of the validation sample that are.
        interval: which interval.
        confidence: its level.

    Returns:
        The prevalence, undefined if one of the three samples is empty, or if Se + Sp does not
        exceed 1. Where the counts leave no variance, `std_error` is undefined, and with it the
        interval "delta". Either interval is undefined if no prevalence is inside: then the
        validation sample is not like the others. That of Lang & Reiczigel also is if its Se + Sp do
        not exceed 1.

    Raises:
        ValueError: hits are not between 0 and trials, or `confidence` is not between 0 and 1.
    """
    alpha = significance(confidence)
    for tally in (positive, found, passed):
        if not 0 <= tally.hits <= tally.trials:
            raise ValueError(f"{tally.hits} hits do not fit {tally.trials} trials")
    kind = "Lang-Reiczigel" if interval == "lang-reiczigel" else "delta"
    method = (
        f"prevalence, Rogan-Gladen, {kind} {confidence:.6g} interval "
        f"({found.trials} positives and {passed.trials} negatives validated)"
    )
    apparent, sensitivity, specificity = positive.share, found.share, passed.share
    n = positive.trials
    if apparent is None or sensitivity is None or specificity is None:
        result = Estimate.undefined(method, Undefined.TOO_FEW, n=n)
        return CorrectedPrevalence(result, apparent, sensitivity, specificity, None)
    observed = _Rates(apparent, sensitivity, specificity, n, found.trials, passed.trials)
    if observed.power <= 0.0:
        result = Estimate(n=n, method=f"{method} [undefined: {_NO_POWER}]")
        return CorrectedPrevalence(result, apparent, sensitivity, specificity, None)

    z = float(special.ndtri(1.0 - alpha / 2.0))
    std_error = observed.std_error or None
    unknown = [] if std_error else ["std_error"]
    limits: Limits | None = None
    if interval == "lang-reiczigel":
        limits = _lang_reiczigel(positive, found, passed, z)
    elif std_error:
        limits = observed.limits(z)
    if limits is None or limits.high <= 0.0 or limits.low >= 1.0:
        limits = None
        unknown.append("interval")
    if unknown:
        method = explained(method, Undefined.BOUNDARY, *unknown)
    result = Estimate(
        estimate=_cut(observed.prevalence),
        std_error=std_error,
        conf_low=None if limits is None else _cut(limits.low),
        conf_high=None if limits is None else _cut(limits.high),
        n=n,
        method=method,
    )
    return CorrectedPrevalence(result, apparent, sensitivity, specificity, observed.prevalence)


class _Rates(NamedTuple):
    """The three rates, and how many units (or as good as units) are behind each."""

    apparent: float
    sensitivity: float
    specificity: float
    n: float
    n_sensitivity: float
    n_specificity: float

    @property
    def power(self) -> float:
        """Youden's J."""
        return self.sensitivity + self.specificity - 1.0

    @property
    def prevalence(self) -> float:
        return (self.apparent + self.specificity - 1.0) / self.power

    @property
    def noise(self) -> tuple[float, float, float]:
        """Sampling variances of the three rates."""
        return (
            self.apparent * (1.0 - self.apparent) / self.n,
            self.sensitivity * (1.0 - self.sensitivity) / self.n_sensitivity,
            self.specificity * (1.0 - self.specificity) / self.n_specificity,
        )

    @property
    def std_error(self) -> float:
        of_apparent, of_sensitivity, of_specificity = self.noise
        p = self.prevalence
        variance = of_apparent + p**2 * of_sensitivity + (1.0 - p) ** 2 * of_specificity
        return math.sqrt(variance) / self.power

    def limits(self, z: float, shift: float = 0.0) -> Limits:
        middle, margin = self.prevalence + shift, z * self.std_error
        return Limits(middle - margin, middle + margin)


def _lang_reiczigel(positive: Tally, found: Tally, passed: Tally, z: float) -> Limits | None:
    """Their interval before it is cut; `None` if the moved rates have no power."""
    rates = _Rates(
        (positive.hits + z**2 / 2.0) / (positive.trials + z**2),
        (found.hits + 1.0) / (found.trials + 2.0),
        (passed.hits + 1.0) / (passed.trials + 2.0),
        positive.trials + z**2,
        found.trials + 2.0,
        passed.trials + 2.0,
    )
    if rates.power <= 0.0:
        return None
    _, of_sensitivity, of_specificity = rates.noise
    p = rates.prevalence
    return rates.limits(z, 2.0 * z**2 * (p * of_sensitivity - (1.0 - p) * of_specificity))


def _cut(share: float) -> float:
    return min(max(share, 0.0), 1.0)
