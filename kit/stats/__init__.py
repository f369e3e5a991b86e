"""Numbers in, numbers out: the estimators and tests the kit reports.

This room knows nothing of agents, languages or studies, and imports nothing from the rest of the
kit. Every function takes plain one-dimensional numbers and returns an `Estimate` (see `result`).
What cannot be computed from the data is `None` in the `Estimate`, with the reason in its `method`;
a wrong call, such as a two-dimensional array or a NaN among the values, raises `ValueError`.

- `result`: the one result type and its polars frame
- `effects`: Cohen's d, Hedges' g, Glass's delta, g*s and g_av with unequal variances
- `dominance`: probability of superiority, Cliff's delta
- `difference`: Welch, Mann-Whitney and permutation tests of two groups
- `equivalence`: tests that an effect is smaller than a margin
- `regression`: least squares with HC3 standard errors
- `clustered`: least squares with CR2 cluster-robust errors and Satterthwaite degrees of freedom
- `mixed`: slope of a linear mixed model by group
- `trend`: slope and curvature over ordered levels, Jonckheere-Terpstra
- `correlation`: Pearson, Spearman, Kendall, permutation, leave-one-out
- `adjustment`: partial correlation, correlation corrected for error in the outcome
- `synthesis`: random-effects mean, meta-regression, sign test
- `prediction`: where one more unit's effect is expected
- `replication`: prediction interval of a replication, small telescopes
- `power`: exact and simulated power, detectable effects, group sizes
- `multiplicity`: Holm, Benjamini-Hochberg
- `intervals`, `resampling`: BCa bootstrap, of any statistic, and of g and r
- `agreement`: two raters' confusion matrix, raw agreement, kappa; precision, recall, F1 of one
- `krippendorff`: alpha of any number of raters, with missing ratings
- `intraclass`, `variance_components`: intraclass correlations; variances of units and judges
- `cluster_bootstrap`: percentile and BCa intervals of any statistic when clusters are resampled
- `cluster_shares`: percentile intervals of many shares of the same rows, likewise
- `prediction_powered`: means of human scores from a judge's, put right where humans scored
- `misclassification`: a prevalence corrected for sensitivity and specificity
- `partial_identification`: worst-case bounds when scores are missing
- `batch`: z scores, g, slopes and r of many outcomes at once; there NaN marks what is missing
- `student`, `noncentral`, `concordance`, `product_moment`, `proportion`, `rectifier`,
  `heterogeneity`, `reml`, `wald`, `sample`: what the others are built from
"""
