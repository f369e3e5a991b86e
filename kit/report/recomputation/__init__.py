"""A second way to every number of a report, which shares no code with the first.

It starts from the exported counts of words (``runs``, ``agents``, ``channels``), the run logs as
plain JSON, ``spec.json``, the published claims and the culture scores, and uses NumPy and SciPy
alone: nothing of `kit.stats`, `kit.analysis` or `kit.measure`, which a test holds it to.

- `tables`, `logs`, `sources`: what is read
- `counts`, `indices`: runs, lines, sums, shares, z scores, CPI and DI
- `contrasts`, `trends`, `resampling`, `mixed`, `synthesis`, `culture`, `planning`: the statistics
- `effects`, `languages`, `verdicts`: the rows of the tables
- `coverage`: what has no second way, with the reason, and how close numbers must be
- `comparison`, `page`: tables and page held against it
"""
