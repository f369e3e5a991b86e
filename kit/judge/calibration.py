"""How far a judge agrees with people, and whether that is enough to use it."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kit.judge.records import JudgementOutcome
from kit.spec.judge import Scale, ScaleKind
from kit.spec.seeds import generator
from kit.stats.agreement import Weights, cohens_kappa, confusion
from kit.stats.cluster_bootstrap import RowStatistic, cluster_bootstrap
from kit.stats.cluster_shares import ClusterShares
from kit.stats.intraclass import intraclass_correlations
from kit.stats.krippendorff import Level, krippendorff_alpha
from kit.stats.result import Estimate, Undefined
from kit.stats.sample import IndexArray

Codes = NDArray[np.int64]
"""Places in the scale, one per excerpt."""

ENOUGH = 0.6
"""Kappa from which agreement counts as substantial (Landis & Koch 1977); the rule is ours."""
MOST_UNSCORED = 0.1
"""Share of excerpts without a score above which a judge is not used; the bound is ours."""


LEAST = 20
"""Excerpts that must be rated where all resamples agree: then at most a seventh can differ."""


class Usability(StrEnum):
    """Whether a judge can stand in for people."""

    USABLE = "usable"
    """The lower bound of its kappa reaches `ENOUGH`."""
    UNDECIDED = "undecided"
    """`ENOUGH` lies within the interval, or there is none."""
    NOT_USABLE = "not usable"
    """The upper bound does not reach `ENOUGH`, or too many excerpts have no score."""


class Rated(NamedTuple):
    """One excerpt as a judge and as people rate it on one scale."""

    excerpt: str
    language: str
    cluster: str
    """Only excerpts of different clusters are independent: the run, as a rule."""
    judge: str | None
    """The judge's value; None: unscored."""
    score: float | None
    """The judge's number, where the scale has numbers."""
    outcome: JudgementOutcome
    """The most frequent one of the judge's answers."""
    people: Mapping[str, str]
    """Value by rater; a rater who found that the excerpt cannot be judged is left out."""


class Detection(NamedTuple):
    """How well a judge finds what people find."""

    what: str
    """A threshold, or a name."""
    precision: Estimate
    """Share of the people's among the judge's."""
    recall: Estimate
    """Share of the judge's among the people's."""
    specificity: Estimate
    """Share not found among what is not there."""


class Crossing(NamedTuple):
    """One cell of the confusion of judge and people."""

    judge: str
    people: str
    excerpts: int
    share: Estimate
    """Of all scored excerpts."""


class Reliability(NamedTuple):
    """Agreement on one scale, over all languages or in one."""

    scale: str
    language: str | None
    """None: all."""
    raters: int
    excerpts: int
    """Rated by somebody."""
    scored: int
    """Of them scored by the judge; the numbers below are of these."""
    outcomes: Counter[JudgementOutcome]
    raw: Estimate
    kappa: Estimate
    """Judge and people; weighted by the squared distance where the scale is ordinal. The interval
    resamples clusters."""
    alpha: Estimate
    """Krippendorff's, judge and all raters as equals."""
    alpha_people: Estimate
    """The same among the raters alone: what a judge could reach at most."""
    icc: Estimate
    """ICC(2,1) of the judge's number and the people's mean; ordinal scales only."""
    confusion: tuple[Crossing, ...]
    """The judge's value by the people's; empty where nothing is scored."""
    detections: tuple[Detection, ...]
    """By threshold, or by value where the scale is nominal."""
    usability: Usability

    @property
    def sentence(self) -> str:
        """What a reader is told."""
        return _SENTENCES[self.usability].format(
            scale=self.scale, **dict(zip(("low", "high"), map(_shown, self.limits), strict=True))
        )

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """The interval of kappa that the sentence is derived from."""
        return _limits(self.kappa, self.scored)


_SENTENCES = {
    Usability.USABLE: "'{scale}' can be used: its agreement with people is at least {low}, "
    f"and {ENOUGH} is asked.",
    Usability.UNDECIDED: "Whether '{scale}' can be used is not known: its agreement with people "
    f"lies between {{low}} and {{high}}, and {ENOUGH} is asked. More labels would tell.",
    Usability.NOT_USABLE: "'{scale}' cannot be used: its agreement with people lies between {low} "
    f"and {{high}}, and {ENOUGH} is asked with at most {MOST_UNSCORED:.0%} unscored.",
}


def reliability(rated: Sequence[Rated], scale: Scale, seed: int) -> list[Reliability]:
    """Agreement over all languages, then in each.

    Args:
        rated: excerpts that at least one person rated.
        scale: the scale they were rated on.
        seed: from which the resampling takes its draws.
    """
    found = [_reliability(rated, scale, None, seed)]
    languages = dict.fromkeys(each.language for each in rated)
    if len(languages) > 1:
        for language in languages:
            part = [each for each in rated if each.language == language]
            found.append(_reliability(part, scale, language, seed))
    return found


def consensus(people: Mapping[str, str], scale: Scale) -> str:
    """What the raters together say: the lower median, or the most frequent name.

    Equally frequent names go to the one that stands first in the scale.
    """
    places = [scale.values.index(value) for value in people.values()]
    if scale.kind is ScaleKind.ORDINAL:
        return scale.values[statistics.median_low(places)]
    counts = Counter(places)
    return scale.values[min(counts, key=lambda place: (-counts[place], place))]


def _reliability(
    rated: Sequence[Rated], scale: Scale, language: str | None, seed: int
) -> Reliability:
    outcomes = Counter(each.outcome for each in rated)
    raters = sorted({name for each in rated for name in each.people})
    scored = [each for each in rated if each.judge is not None]
    said = [consensus(each.people, scale) for each in scored]
    judged = [each.judge for each in scored if each.judge is not None]
    codes = [
        np.array([scale.values.index(value) for value in each], dtype=np.int64)
        for each in (judged, said)
    ]
    rng = generator(seed, "reliability", scale.id, language or "all")
    clusters = [each.cluster for each in scored]
    resamples = ClusterShares(clusters, rng)
    kappa = _kappa(judged, said, scale, clusters, rng)
    level: Level = "ordinal" if scale.kind is ScaleKind.ORDINAL else "nominal"
    matrix_of_all = _codes(rated, raters, scale)
    return Reliability(
        scale.id,
        language,
        len(raters),
        len(rated),
        len(scored),
        outcomes,
        resamples.share(codes[0] == codes[1], np.ones(len(scored), dtype=np.bool_), "agreed"),
        kappa,
        _alpha(matrix_of_all, level, clusters=[each.cluster for each in rated], rng=rng),
        _alpha(matrix_of_all[:, 1:], level, clusters=[each.cluster for each in rated], rng=rng),
        _icc(scored, scale, rng),
        tuple(_confusion(codes[0], codes[1], scale, resamples)) if scored else (),
        tuple(_detections(codes[0], codes[1], scale, resamples)) if scored else (),
        _usability(kappa, len(scored), len(rated)),
    )


_FEW = Undefined.TOO_FEW


def _kappa(
    judged: Sequence[str],
    said: Sequence[str],
    scale: Scale,
    clusters: Sequence[str],
    rng: np.random.Generator,
) -> Estimate:
    weights: Weights = "quadratic" if scale.kind is ScaleKind.ORDINAL else "none"
    name = "Cohen's kappa" + (", quadratic weights" if weights == "quadratic" else "")

    def statistic(rows: IndexArray) -> float | None:
        matrix = confusion([judged[row] for row in rows], [said[row] for row in rows], scale.values)
        found = cohens_kappa(matrix, weights=weights).estimate
        # A judge that says the same of everything agrees as by chance: its kappa is 0, not unknown.
        return 0.0 if found is None and matrix.agreed < matrix.n else found

    return _resampled(clusters, statistic, name, rng)


def _alpha(
    codes: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    level: Level,
    *,
    clusters: Sequence[str],
    rng: np.random.Generator,
) -> Estimate:
    def statistic(rows: IndexArray) -> float | None:
        return krippendorff_alpha(codes[rows], level).estimate

    if codes.shape[1] < 2:
        return Estimate.undefined("Krippendorff's alpha", _FEW, n=len(clusters))
    return _resampled(clusters, statistic, f"Krippendorff's alpha, {level}", rng)


def _icc(scored: Sequence[Rated], scale: Scale, rng: np.random.Generator) -> Estimate:
    method = "ICC(2,1)"
    if scale.kind is not ScaleKind.ORDINAL:
        return Estimate(n=len(scored), method=f"{method} [the scale has no numbers]")
    pairs = np.array(
        [
            (each.score, statistics.fmean(map(int, each.people.values())))
            for each in scored
            if each.score is not None
        ],
        dtype=np.float64,
    ).reshape(-1, 2)

    def statistic(rows: IndexArray) -> float | None:
        found = intraclass_correlations(pairs[rows])
        return None if isinstance(found, Undefined) else found.icc2.result.estimate

    clusters = [each.cluster for each in scored if each.score is not None]
    return _resampled(clusters, statistic, method, rng)


def _resampled(
    clusters: Sequence[str], statistic: RowStatistic, name: str, rng: np.random.Generator
) -> Estimate:
    if not clusters:
        return Estimate.undefined(name, _FEW, n=0)
    return cluster_bootstrap(
        list(clusters), statistic, rng=rng, name=name, resamples=999
    ).percentile


def _codes(
    rated: Sequence[Rated], raters: Sequence[str], scale: Scale
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Excerpts by raters, the judge first, as places in the scale; NaN where one did not rate."""
    codes = np.full((len(rated), 1 + len(raters)), np.nan)
    for row, each in enumerate(rated):
        if each.judge is not None:
            codes[row, 0] = scale.values.index(each.judge)
        for column, name in enumerate(raters, start=1):
            if name in each.people:
                codes[row, column] = scale.values.index(each.people[name])
    return codes


def _detections(
    judged: Codes, said: Codes, scale: Scale, resamples: ClusterShares
) -> Iterator[Detection]:
    """Each threshold of an ordinal scale, or each name, as something to be found."""
    ordinal = scale.kind is ScaleKind.ORDINAL
    for place, value in enumerate(scale.values):
        if ordinal and place == 0:
            continue
        found = judged >= place if ordinal else judged == place
        there = said >= place if ordinal else said == place
        yield Detection(
            f"{value} or more" if ordinal else value,
            resamples.share(found & there, found, "precision"),
            resamples.share(found & there, there, "recall"),
            resamples.share(~found & ~there, ~there, "specificity"),
        )


def _confusion(
    judged: Codes, said: Codes, scale: Scale, resamples: ClusterShares
) -> Iterator[Crossing]:
    everything = np.ones(len(judged), dtype=np.bool_)
    for first, one in enumerate(scale.values):
        for second, other in enumerate(scale.values):
            both = (judged == first) & (said == second)
            share = resamples.share(both, everything, "share of excerpts")
            yield Crossing(one, other, int(both.sum()), share)


def _usability(kappa: Estimate, scored: int, rated: int) -> Usability:
    if rated and (rated - scored) / rated > MOST_UNSCORED:
        return Usability.NOT_USABLE
    low, high = _limits(kappa, scored)
    if low is None or high is None:
        return Usability.UNDECIDED
    if low >= ENOUGH:
        return Usability.USABLE
    return Usability.NOT_USABLE if high < ENOUGH else Usability.UNDECIDED


def _limits(kappa: Estimate, scored: int) -> tuple[float | None, float | None]:
    """The interval of kappa; a point where no resample differs and there are excerpts enough.

    That happens if judge and people always agree, or if the judge says the same of everything.
    """
    if kappa.conf_low is None and scored >= LEAST:
        return kappa.estimate, kappa.estimate
    return kappa.conf_low, kappa.conf_high


def _shown(number: float | None) -> str:
    return "an unknown number" if number is None else f"{number:.2f}"


def by_excerpt(labels: Iterable[tuple[str, str, str]]) -> dict[str, dict[str, str]]:
    """(excerpt, rater, value) as raters by excerpt."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for excerpt, rater, value in labels:
        found[excerpt][rater] = value
    return found
