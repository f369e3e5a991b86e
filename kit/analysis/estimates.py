"""What every table of estimates holds, as the registration document prints it.

A test holds these words to the tables: one with estimates that is missing here would never be
registered.
"""

from __future__ import annotations

from kit.analysis.effects import MARGIN

ESTIMATES = {
    "cells": "Mean and SD of every measure in every cell, with Student's t interval.",
    "effects": "Ten marked agents against none, within a language. Primary: Hedges' g with the "
    "exact noncentral-t interval. Beside it: Cohen's d, Glass's delta, g with an average SD and "
    "with an average variance, a BCa bootstrap of g, Cliff's delta, probability of superiority, "
    "Welch's t, Mann-Whitney and permutation tests, and equivalence within "
    f"{MARGIN:g} SD (TOST). Over all levels: slope per marked agent by least squares with HC3 "
    "errors (primary), also given whether the resident named for eviction is aligned, the "
    "quadratic term, and Jonckheere-Terpstra. Over all languages: the slope with one intercept per "
    "language.",
    "agent_gaps": "Marked agents minus the other agents of their group, one gap per run, with "
    "Student's t interval.",
    "arms": "Hedges' g and Welch's test of every pair of cells of a study with two factors; Holm's "
    "correction over the pairs.",
    "across": "Slope over all languages with the languages as a sample: clustered by language "
    "(CR2, Satterthwaite), and a linear mixed model by REML.",
    "synthesis": "Random-effects meta-analysis of the languages' effects: REML, Knapp-Hartung, "
    "prediction interval, tau2, I2, Q.",
    "signs": "In how many languages an effect is above 0, with the exact sign test.",
    "classes": "Every language as safety, null, backfire or inconclusive, by the interval of g and "
    f"the equivalence test within {MARGIN:g} SD.",
    "models": "Hedges' g over models: random-effects mean, Q, and whether every model's interval "
    "lies on one side of 0.",
    "model_differences": "Hedges' g of one model minus that of another; Holm's correction over the "
    "pairs.",
    "culture_lines": "The least-squares line of slopes on each culture score: its height at 13 "
    "scores with a pointwise t interval, for drawing.",
    "culture": "Slopes of the languages against six culture scores: Pearson (primary, Fisher's "
    "interval), Spearman, Kendall, permutation, bootstrap, corrected for the error of the slopes, "
    "partial, and meta-regression; Holm and Benjamini-Hochberg over the six dimensions.",
    "power": "Chance that a planned test finds a true effect, exact or simulated.",
    "interaction_candidates": "What may interact with alignment on CPI, each term alone: "
    "intercepts by language, level, level x term; HC3 errors, and errors clustered by language.",
    "multiverse": "CPI and DI under every combination of the choices that the paper leaves open, "
    "if asked for: Hedges' g, slope, and r with Power Distance.",
    "verdicts": "Every published claim, judged by its one rule (below).",
}
"""By name of the table."""
