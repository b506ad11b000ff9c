"""Alpha and omega of the continuous responses thought to lie behind ordered answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.consistency.omega import omega_minres, spearman_brown
from analysis.explore.polychoric import PolychoricMatrix
from analysis.results import Statistic, undefined

Floats = NDArray[np.float64]

LATENT = "latent_responses"
"""The flag on both: reliability of latent responses, not of the scores in use; never the headline."""


@dataclass(frozen=True)
class OrdinalConsistency:
    """Consistency on polychoric correlations."""

    alpha: Statistic
    omega: Statistic


def ordinal_alpha(matrix: Floats) -> float:
    """Standardised alpha of a (k, k) polychoric matrix, ``k r / (1 + (k - 1) r)``; NaN where that has no sense.

    References
    ----------
    Zumbo, B. D., Gadermann, A. M. and Zeisser, C. (2007). Ordinal versions of coefficients alpha and theta. J. Modern
    Applied Statistical Methods 6, 21-29; Chalmers, R. P. (2018). On misconceptions and the limited usefulness of
    ordinal alpha. Educ. Psychol. Meas. 78, 1056-1071.
    """
    k = matrix.shape[0]
    r = (float(matrix.sum()) - k) / (k * (k - 1))
    below = 1 + (k - 1) * r
    return k * r / below if below > 1e-12 else float("nan")


def ordinal_consistency(found: PolychoricMatrix, items: tuple[int, ...]) -> OrdinalConsistency:
    """Ordinal alpha and omega (one minres factor) of some items of a polychoric matrix.

    Constant items are left out.  Undefined with "one_item" or "no_variance".
    """
    names = ("ordinal alpha", "ordinal omega, one factor minres")
    kept = [j for j in items if not found.constant[j]]
    k = len(kept)
    n = int(found.n[np.ix_(kept, kept)].min()) if kept else 0
    if k < 2:
        why = "one_item" if len(items) < 2 else "no_variance"
        return OrdinalConsistency(*(undefined(why, n, name) for name in names))  # type: ignore[arg-type]
    matrix = found.correlation[np.ix_(kept, kept)]
    flags: tuple[str, ...] = (LATENT, *found.flags())
    alpha = ordinal_alpha(matrix)
    if k == 2:
        omega, more = spearman_brown(matrix), "spearman_brown"
    else:
        one = omega_minres(matrix)
        omega, more = one.value, "heywood" if one.heywood else ""
    values = ((alpha, flags), (omega, (*flags, more) if more else flags))
    return OrdinalConsistency(
        *(
            undefined("no_variance", n, name) if np.isnan(value) else Statistic(value, n=n, method=name, flags=own)
            for name, (value, own) in zip(names, values, strict=True)
        )
    )
