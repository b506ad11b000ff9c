"""A general factor behind correlated factors: Schmid-Leiman, omega hierarchical, explained common variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.explore.extraction import extract
from analysis.explore.rotation import Rotation

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SchmidLeiman:
    """Loadings on a general factor and on group factors that do not correlate with it or one another.

    Attributes
    ----------
    general : (k,) float64
    group : (k, f) float64
    communality : (k,) float64
        Of the factors before the transformation.
    second_order : (f,) float64
        Loadings of the factors on the general factor.
    equal : bool
        Two factors: their loadings are set equal, for two are not enough to tell them apart.
    """

    general: Floats
    group: Floats
    communality: Floats
    second_order: Floats
    equal: bool


@dataclass(frozen=True, eq=False)
class Omegas:
    """Shares of the variance of the sum of all items; NaN where a factor has no item of its own."""

    hierarchical: float  # the general factor's
    total: float  # all common factors'
    limit: float  # the general factor's share of the common part
    ecv: float  # general share of the sum of squared loadings, (1'g^2) / (1'g^2 + 1'group^2)
    group_total: Floats  # (f,) of the sum of the items of a group factor: general and its own together
    group_general: Floats  # (f,)
    group_own: Floats  # (f,) omega hierarchical of the subscale


def schmid_leiman(rotation: Rotation) -> SchmidLeiman:
    """Schmid-Leiman transformation of oblique factors.

    Parameters
    ----------
    rotation : Rotation
        f at least 2 oblique factors of k items.

    Returns
    -------
    SchmidLeiman
        ``g = L g2`` with the loadings g2 of the factors on one minres factor of phi; ``group = L sqrt(1 - g2^2)``.
        For f = 2 both g2 are the square root of the factors' correlation.

    Raises
    ------
    ValueError
        When there is one factor only.

    References
    ----------
    Schmid, J. and Leiman, J. M. (1957). The development of hierarchical factor solutions. Psychometrika 22, 53-61;
    Zinbarg, R. E., Revelle, W., Yovel, I. and Li, W. (2005). Psychometrika 70, 123-133.
    """
    pattern, phi = rotation.pattern, rotation.phi
    f = pattern.shape[1]
    if f < 2:
        raise ValueError("a general factor needs at least two factors under it")
    if f == 2:
        size = np.sqrt(abs(phi[0, 1]))
        loadings = np.array([size, np.copysign(size, phi[0, 1])])
    else:
        loadings = extract(phi, 1).loadings[:, 0]
    general: Floats = pattern @ loadings
    # A Heywood case of the second order leaves nothing of its own to that factor.
    own: Floats = pattern * np.sqrt(np.maximum(1 - loadings**2, 0.0))
    communality = np.einsum("ka,ab,kb->k", pattern, phi, pattern)
    return SchmidLeiman(general, own, communality, loadings, f == 2)


def omegas(matrix: Floats, solution: SchmidLeiman) -> Omegas:
    """Omega hierarchical and total, as R's psych reports them.

    Parameters
    ----------
    matrix : (k, k) float64
        The correlations whose factors these are; their sum must be above 0.
    solution : SchmidLeiman

    Returns
    -------
    Omegas
        ``omega_h = (1'g)^2 / 1'R1``, ``omega_t = 1 - sum(1 - h^2) / 1'R1``.  An item belongs to the group factor on
        which its loading is largest in size.

    References
    ----------
    McDonald, R. P. (1999). Test Theory, chapter 6; Reise, S. P. (2012). Multivariate Behavioral Research 47, 667-696
    (explained common variance).
    """
    total = float(matrix.sum())
    g, group = solution.general, solution.group
    common = total - float((1 - solution.communality).sum())
    top = float(g.sum()) ** 2
    squares = float((g**2).sum())
    ecv = squares / max(squares + float((group**2).sum()), 1e-300)
    f = group.shape[1]
    parts = np.full((3, f), np.nan)
    home = np.argmax(np.abs(group), axis=1)
    for factor in range(f):
        items = np.flatnonzero(home == factor)
        variance = float(matrix[np.ix_(items, items)].sum())
        if items.size and variance > 1e-12:
            own, general = float(group[items, factor].sum()) ** 2, float(g[items].sum()) ** 2
            parts[:, factor] = (own + general) / variance, general / variance, own / variance
    limit = top / common if common > 1e-12 else np.nan
    return Omegas(top / total, common / total, float(limit), ecv, parts[0], parts[1], parts[2])
