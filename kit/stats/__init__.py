"""Numbers in, numbers out: the estimators and tests the kit reports.

This room knows nothing of agents, languages or studies, and imports nothing from the rest of the
kit. Every function takes plain one-dimensional numbers and returns an `Estimate` (see `result`).
What cannot be computed from the data is `None` in the `Estimate`, with the reason in its `method`;
a wrong call, such as a two-dimensional array or a NaN among the values, raises `ValueError`.

- `result`: the one result type and its polars frame
- `effects`: Cohen's d, Hedges' g, Glass's delta, g*s with unequal variances
- `dominance`: probability of superiority, Cliff's delta
- `difference`: Welch, Mann-Whitney and permutation tests of two groups
- `regression`: least squares with HC3 standard errors
- `trend`: slope over ordered levels, Jonckheere-Terpstra
- `correlation`: Pearson, Spearman, Kendall, permutation, leave-one-out
- `multiplicity`: Holm, Benjamini-Hochberg
- `intervals`: BCa bootstrap
- `noncentral`, `concordance`, `sample`: what the others are built from
"""
