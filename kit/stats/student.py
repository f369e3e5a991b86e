"""Student's t distribution for one number at a time.

`scipy.stats.t` gives the same values and checks its arguments for a millisecond first, which is
most of the time of an analysis that asks for thousands of them.
"""

from __future__ import annotations

from scipy import special


def two_sided_p(t: float, df: float) -> float:
    """P(|T| >= |t|) for Student's t with `df` degrees of freedom (Student 1908)."""
    return 2.0 * float(special.stdtr(df, -abs(t)))


def critical(alpha: float, df: float) -> float:
    """The t that is exceeded in absolute value with probability `alpha`."""
    return -float(special.stdtrit(df, alpha / 2.0))
