"""Numbers as text: the only place where anything is rounded."""

from __future__ import annotations

from kit.analysis import Estimate

UNDEFINED = "undefined"


def number(value: float | None, digits: int = 2) -> str:
    """A number with ``digits`` decimals.

    In powers of ten: very large ones, and those that three or more decimals would show as 0.
    """
    if value is None:
        return UNDEFINED
    vanishes = value != 0 and abs(value) < 0.5 * 10**-digits
    if abs(value) >= 1e6 or (vanishes and digits >= 3):
        return f"{value:.1e}"
    return f"{0.0 if vanishes else value:.{digits}f}"


def percent(value: float | None) -> str:
    """A share in percent."""
    return UNDEFINED if value is None else f"{100 * value:.1f} %"


def p_value(value: float | None) -> str:
    """A p value to three decimals, or ``< 0.0001``."""
    if value is None:
        return UNDEFINED
    if value < 0.0001:
        return "< 0.0001"
    return f"{value:.4f}" if value < 0.001 else f"{value:.3f}"


def interval(result: Estimate, digits: int = 2) -> str:
    """The interval in brackets."""
    if result.conf_low is None or result.conf_high is None:
        return "[undefined]"
    return f"[{number(result.conf_low, digits)}, {number(result.conf_high, digits)}]"


def estimate(result: Estimate | None, digits: int = 2) -> str:
    """Estimate and interval; where there is no estimate, why not."""
    if result is None:
        return "none"
    if result.estimate is None:
        return reason(result)
    if result.conf_low is None:
        return f"{number(result.estimate, digits)} (no interval)"
    return f"{number(result.estimate, digits)} {interval(result, digits)}"


def test(result: Estimate) -> str:
    """A t test."""
    if result.statistic is None or result.df is None:
        return reason(result)
    return f"t({result.df:.1f}) = {number(result.statistic)}, p {equals(result.p_value)}"


def equals(p: float | None) -> str:
    """A p value with its relation sign."""
    shown = p_value(p)
    return shown if shown.startswith("<") else f"= {shown}"


def reason(result: Estimate) -> str:
    """Why a result is undefined, out of its method."""
    method = result.method
    if method.startswith("not testable: "):
        return method
    _, _, why = method.rpartition("undefined: ")
    return f"{UNDEFINED}: {why.rstrip(']')}" if why else UNDEFINED
