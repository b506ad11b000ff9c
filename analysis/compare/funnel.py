"""Funnel plot: which branches stand out by more than chance and ordinary differences explain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.thresholds import DEFAULT, Thresholds

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Funnel:
    """Limits round a target, widened for over-dispersion by an additive variance.

    Attributes
    ----------
    target : float
        Mean by inverse variances, unless one was given.
    phi, p_phi : float
        Mean square of the z scores (winsorised where there are many branches), and the chance of so large a one.
    tau2 : float
        Additive variance between branches.
    z_plain, z : (b,) float
        Without and with the additive variance.
    inner, outer : (b, 2) float
        Limits at `level` and at `funnel_outer`.
    """

    target: float
    phi: float
    p_phi: float
    tau2: float
    z_plain: Floats
    z: Floats
    inner: Floats
    outer: Floats


def funnel(
    means: Floats,
    variances: Floats,
    thresholds: Thresholds = DEFAULT,
    target: float | None = None,
    additive: bool = True,
) -> Funnel | None:
    """Funnel limits of b branch means.

    Parameters
    ----------
    means, variances : (b,) float
        Branch means and the variances s^2/n of these means, above 0.
    target : float, optional
        What all are compared with; the mean by inverse variances when not given.
    additive : bool
        Whether the limits are widened for over-dispersion.

    Returns
    -------
    Funnel or None
        None with fewer than `funnel_branches`.

    Notes
    -----
    ``phi = mean z^2``, z winsorised at `winsor_share` from `winsor_branches` on; ``b phi`` is about chi-square with b
    degrees of freedom.  ``tau^2 = max(0, (b phi - (b - 1))/(sum w - sum w^2/sum w))``, limits
    ``target -+ z sqrt(v + tau^2)``.

    References
    ----------
    Spiegelhalter, D. J. (2005). Handling over-dispersion of performance indicators. Qual. Saf. Health Care 14, 347-351.
    """
    b = means.size
    if b < thresholds.funnel_branches:
        return None
    weight = 1 / variances
    centre = float((weight * means).sum() / weight.sum()) if target is None else target
    z = (means - centre) / np.sqrt(variances)
    pulled = z
    if b >= thresholds.winsor_branches:
        low, high = np.quantile(z, [thresholds.winsor_share, 1 - thresholds.winsor_share])
        pulled = np.clip(z, low, high)
    phi = float((pulled**2).mean())
    spare = float(weight.sum() - (weight**2).sum() / weight.sum())
    tau2 = max(0.0, (b * phi - (b - 1)) / spare) if additive else 0.0
    wide = np.sqrt(variances + tau2)
    inner, outer = (
        np.column_stack([centre - reach * wide, centre + reach * wide])
        for reach in (float(special.ndtri((1 + level) / 2)) for level in (thresholds.level, thresholds.funnel_outer))
    )
    return Funnel(centre, phi, float(special.chdtrc(b, b * phi)), tau2, z, (means - centre) / wide, inner, outer)


def branch_funnel(n: Floats, means: Floats, variances: Floats, thresholds: Thresholds = DEFAULT) -> Funnel | None:
    """The funnel of branches, whose answers are taken to vary alike.

    Parameters
    ----------
    n, means, variances : (b,) float
        Respondents of each branch, their mean, and variance with divisor n - 1.

    Returns
    -------
    Funnel or None
        Round the mean of all respondents, with limits from one pooled variance.  With the variance of each branch by
        itself a branch whose few skewed answers happen to be alike would seem sure of a good mean: it would draw the
        target towards itself and lie beyond limits that are too narrow.
    """
    if not float((n - 1).sum()) > 0:
        return None
    common = float(((n - 1) * variances).sum() / (n - 1).sum())
    return funnel(means, common / n, thresholds, float((n * means).sum() / n.sum())) if common > 0 else None
