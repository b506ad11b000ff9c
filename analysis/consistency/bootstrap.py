"""Bias-corrected and accelerated bootstrap interval of alpha."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.resample import bca_limits, jackknife_acceleration
from analysis.results import Statistic, undefined

Floats = NDArray[np.float64]

CHUNK = 2**15
"""Rows at a time, about: a whole number of groups."""


def resampling_weights(groups: int, draws: int, rng: np.random.Generator) -> Floats:
    """(draws, groups) how often each of so many observations comes in each resample."""
    picked = rng.integers(0, groups, (draws, groups))
    flat = (picked + np.arange(draws)[:, None] * groups).ravel()
    return np.bincount(flat, minlength=draws * groups).reshape(draws, groups).astype(np.float64)


def alpha_intervals(
    values: NDArray[np.integer],
    present: NDArray[np.bool_],
    scales: Mapping[str, tuple[int, ...]],
    rng: np.random.Generator,
    draws: int = 2_000,
    groups: int = 1_000,
    level: float = 0.95,
) -> dict[str, Statistic]:
    """Alpha of several scales over complete rows, with BCa intervals from the same resamples.

    Parameters
    ----------
    values, present : (n, k) integers and bool
        Answers, and where there is one.
    scales : name -> items
    rng : numpy.random.Generator
    draws : int
        Resamples.
    groups : int
        With more rows than this, random groups of rows (of sizes that differ by at most one) are resampled instead of
        single rows: sums over random groups vary as sums over rows do, and the cost of a draw does not grow with n.
    level : float

    Returns
    -------
    name -> Statistic
        Undefined with "one_item", "no_complete_cases", "one_respondent" or "no_variance".  Without an interval when
        resamples are often without variance, or all on one side; flagged ``no_bootstrap``.
    """
    n = len(values)
    size = min(n, groups)
    order = rng.permutation(n) if n > groups else np.arange(n)
    sums = _grouped_sums(np.ascontiguousarray(values), np.ascontiguousarray(present), scales, order, size)
    weights = resampling_weights(size, draws, rng) if size > 1 else np.ones((1, size))
    return {name: _interval(sums[name], weights, len(items), level) for name, items in scales.items()}


def _grouped_sums(
    values: NDArray[np.integer],
    present: NDArray[np.bool_],
    scales: Mapping[str, tuple[int, ...]],
    order: Any,
    size: int,
) -> dict[str, Floats]:
    """(groups, k + 3) sums of each scale: complete rows, their values, the squares of these and of their totals.

    All follow from the products of the columns within each group.  Values are taken from a whole number near their
    mean, so the products are small whole numbers, whose sums 32-bit floats hold exactly.
    """
    each = len(order) // max(size, 1)
    some = order[:10_000]
    seen = np.maximum(present[some].sum(axis=0), 1)
    centre = np.rint((values[some] * present[some]).sum(axis=0) / seen).astype(np.float32)
    sums = {name: np.zeros((size, len(items) + 3)) for name, items in scales.items()}
    step = max(CHUNK // max(each, 1), 1)
    for start in range(0, size, step):
        groups = slice(start, min(start + step, size))
        _fill(sums, groups, order[start * each : groups.stop * each].reshape(-1, each), values, present, centre, scales)
    left = order[size * each :]  # fewer than there are groups: one more row for the first of them
    if left.size:
        _fill(sums, slice(0, left.size), left[:, None], values, present, centre, scales)
    return sums


def _fill(
    sums: dict[str, Floats],
    groups: slice,
    rows: Any,
    values: NDArray[np.integer],
    present: NDArray[np.bool_],
    centre: NDArray[np.float32],
    scales: Mapping[str, tuple[int, ...]],
) -> None:
    """Add rows, of which each line of (groups, each) belongs to a group, to the groups' sums."""
    here = present[rows]
    block = np.concatenate([np.ones((*rows.shape, 1), np.float32), (values[rows] - centre) * here], axis=2)
    products = block.transpose(0, 2, 1) @ block if bool(here.all()) else None
    for name, items in scales.items():
        places = [0, *(j + 1 for j in items)]
        if products is None:
            part = block[:, :, places] * here[:, :, list(items)].all(axis=2)[:, :, None]
            found = (part.transpose(0, 2, 1) @ part).astype(np.float64)
        else:
            found = products[:, places][:, :, places].astype(np.float64)
        own = np.einsum("gii->g", found[:, 1:, 1:])[:, None]
        sums[name][groups] += np.hstack([found[:, 0], own, found[:, 1:, 1:].sum(axis=(1, 2))[:, None]])


def _alpha(sums: Floats, k: int) -> Floats:
    """Alpha from sums as of `_add`; NaN where the total has no variance."""
    count = np.maximum(sums[..., 0], 1.0)
    values, squares, total_squares = sums[..., 1 : k + 1], sums[..., k + 1], sums[..., k + 2]
    own = squares - (values**2).sum(axis=-1) / count
    total = total_squares - values.sum(axis=-1) ** 2 / count
    solid = total > 1e-9 * np.maximum(total_squares, 1e-12)
    return np.where(solid, k / (k - 1) * (1 - own / np.where(solid, total, 1.0)), np.nan)


def _interval(sums: Floats, weights: Floats, k: int, level: float) -> Statistic:
    """Alpha of one scale with its interval."""
    method = "alpha, complete cases"
    together = sums.sum(axis=0)
    n = int(together[0])
    if k < 2 or n < 2:
        why = "one_item" if k < 2 else "no_complete_cases" if n == 0 else "one_respondent"
        return undefined(why, n, method, level)  # type: ignore[arg-type]
    value = float(_alpha(together, k))
    if math.isnan(value):
        return undefined("no_variance", n, method, level)
    drawn, jackknife = _alpha(weights @ sums, k), _alpha(together - sums, k)
    usable = drawn[~np.isnan(drawn)]
    limits = None
    if usable.size > 0.95 * drawn.size and not bool(np.isnan(jackknife).any()):
        low, high, plain = bca_limits(value, usable, jackknife_acceleration(jackknife), level)
        limits = None if plain else (low, high)
    flags = ("negative_alpha",) if value < 0 else ()
    if limits is None:
        return Statistic(value, None, None, level, n, method, (*flags, "no_bootstrap"))
    return Statistic(value, limits[0], limits[1], level, n, f"{method}, BCa bootstrap", flags)
