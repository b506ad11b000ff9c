"""Rotation of factors: oblimin from many starts at once, and varimax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rotation:
    """Rotated factors, in order of the variance they account for, with column sums of the pattern at least 0.

    Attributes
    ----------
    pattern : (k, f) float64
        Regression weights of the items on the factors.
    phi : (f, f) float64
        Correlations of the factors; the identity for an orthogonal rotation.
    minima : int
        Different minima that the starts led to; the lowest is given.
    reached : int
        Starts that led to it.
    """

    pattern: Floats
    phi: Floats
    minima: int = 1
    reached: int = 1

    @property
    def structure(self) -> Floats:
        """(k, f) correlations of the items with the factors."""
        return self.pattern @ self.phi


def oblimin(loadings: Floats, rng: np.random.Generator, starts: int = 30) -> Rotation:
    """Direct oblimin with gamma 0 (quartimin), without Kaiser's normalisation.

    Parameters
    ----------
    loadings : (k, f) float64
        Unrotated factors.
    rng : numpy.random.Generator
        Draws the starting rotations but the first, which is none.
    starts : int
        Number of starts; the rotation with the lowest criterion is kept.

    Returns
    -------
    Rotation
        For one factor the loadings themselves.

    References
    ----------
    Jennrich, R. I. (2002). A simple general method for oblique rotation. Psychometrika 67, 7-19 (gradient
    projection); Bernaards, C. A. and Jennrich, R. I. (2005). Educ. Psychol. Meas. 65, 676-696 (GPFoblq).
    """
    f = loadings.shape[1]
    if f == 1:
        return ordered(loadings, np.eye(1))
    drawn = np.linalg.qr(rng.normal(size=(max(starts - 1, 0), f, f)))[0]
    begin = np.concatenate([np.eye(f)[None], drawn])
    rotations, values = _project(loadings, begin, 1e-3, 500)
    best = rotations[int(np.argmin(values))][None]
    final, lowest = _project(loadings, best, 1e-7, 5000)
    rotation = final[0]
    pattern: Floats = loadings @ np.linalg.inv(rotation).T
    scale = max(float(lowest[0]), 1e-12)
    found = ordered(pattern, rotation.T @ rotation)
    distinct = np.unique(np.round(values / scale, 3))
    return Rotation(found.pattern, found.phi, int(distinct.size), int((values < lowest[0] + 1e-3 * scale).sum()))


def _criterion(pattern: Floats) -> tuple[Floats, Floats]:
    """Quartimin of (s, k, f) patterns, ``sum over pairs of factors of l_a^2 l_b^2 / 4`` both ways; its gradient."""
    squares = pattern * pattern
    others = squares.sum(axis=2, keepdims=True) - squares
    return (squares * others).sum(axis=(1, 2)) / 4, pattern * others


def _project(loadings: Floats, begin: Floats, tolerance: float, most: int) -> tuple[Floats, Floats]:
    """Gradient projection of (s, f, f) starts side by side: where each stops, with the criterion there.

    A step goes down the gradient along the oblique rotations (columns of length 1); its length doubles after each
    success and halves until the criterion falls enough.  A start stops at a gradient below the tolerance, or where
    rounding hides any fall.
    """
    turned = begin.copy()
    inverse: NDArray[Any] = np.linalg.inv(begin)
    pattern = loadings @ inverse.transpose(0, 2, 1)
    values, slope = _criterion(pattern)
    length, open_, fell = np.ones(len(begin)), np.arange(len(begin)), np.ones(len(begin), np.bool_)
    gradient = _gradient(pattern, slope, inverse)
    for _ in range(most):
        at = turned[open_]
        projected = gradient - at * (at * gradient).sum(axis=1, keepdims=True)
        norm = np.sqrt((projected**2).sum(axis=(1, 2)))
        going = (norm > tolerance) & fell
        if not bool(going.any()):
            break
        open_, at, projected, norm = open_[going], at[going], projected[going], norm[going]
        length[open_] *= 2
        moved, pattern, slope, inverse, value = _step(loadings, at, projected, norm, values[open_], length, open_)
        fell = value < values[open_]
        turned[open_[fell]], values[open_[fell]] = moved[fell], value[fell]
        gradient = _gradient(pattern, slope, inverse)
    return turned, values


def _gradient(pattern: Floats, slope: Floats, inverse: NDArray[Any]) -> Floats:
    """Gradient of the criterion by the rotation, ``-(L' G T^-1)'``."""
    found: Floats = -(pattern.transpose(0, 2, 1) @ slope @ inverse).transpose(0, 2, 1)
    return found


Step = tuple[Floats, Floats, Floats, NDArray[Any], Floats]


def _step(
    loadings: Floats,
    at: Floats,
    projected: Floats,
    norm: Floats,
    values: Floats,
    length: Floats,
    open_: NDArray[np.intp],
) -> Step:
    """One step of each rotation, halved until the criterion has fallen enough; `length` is kept up to date."""
    for _ in range(30):
        moved = at - length[open_, None, None] * projected
        moved /= np.sqrt((moved**2).sum(axis=1, keepdims=True))
        inverse: NDArray[Any] = np.linalg.inv(moved)
        pattern = loadings @ inverse.transpose(0, 2, 1)
        value, slope = _criterion(pattern)
        high = values - value <= 0.5 * norm**2 * length[open_]
        if not bool(high.any()):
            break
        length[open_[high]] /= 2
    return moved, pattern, slope, inverse, value


def varimax(loadings: Floats, normalised: bool = True) -> Rotation:
    """Varimax, with Kaiser's normalisation of the items unless told otherwise.

    References
    ----------
    Kaiser, H. F. (1958). The varimax criterion for analytic rotation in factor analysis. Psychometrika 23, 187-200.
    """
    k, f = loadings.shape
    if f == 1:
        return ordered(loadings, np.eye(1))
    lengths = np.sqrt((loadings**2).sum(axis=1, keepdims=True))
    lengths = np.where(lengths > 1e-12, lengths, 1.0) if normalised else np.ones((k, 1))
    scaled, rotation, before = loadings / lengths, np.eye(f), 0.0
    for _ in range(5000):
        turned = scaled @ rotation
        left, values, right = np.linalg.svd(scaled.T @ (turned**3 - turned * (turned**2).mean(axis=0)))
        rotation = left @ right
        if values.sum() <= before * (1 + 1e-14):
            break
        before = float(values.sum())
    return ordered(lengths * (scaled @ rotation), np.eye(f))


def ordered(pattern: Floats, phi: Floats) -> Rotation:
    """The factors by the variance they account for, ``diag(phi L'L)``, each turned to a column sum of at least 0."""
    signs = np.where(pattern.sum(axis=0) < 0, -1.0, 1.0)
    pattern, phi = pattern * signs, phi * np.outer(signs, signs)
    order = np.argsort(-np.diag(phi @ pattern.T @ pattern), kind="stable")
    found = phi[np.ix_(order, order)]
    return Rotation(pattern[:, order], found)
