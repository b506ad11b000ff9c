"""Do the questionnaire's dimensions show in the ratings?  Rival factor models of one column, judged side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from analysis.confirm.categorical import with_robust
from analysis.confirm.convergence import (
    Convergence,
    Discriminance,
    convergence,
    correlation_of,
    correlations_of_factors,
    discriminance,
)
from analysis.confirm.derived import correlation_loadings, delta_method, quantile, standardised_loadings
from analysis.confirm.dwls import OrdinalEstimate, least_squares, ordinal_fit, ordinal_modifications
from analysis.confirm.estimate import Estimate, maximum_likelihood, unfit
from analysis.confirm.evidence import Chosen, Evidence, chosen_items, part_of
from analysis.confirm.fit import Baseline, FitTable, Test, acceptable, baseline_of, fit_of, indicative, preferred, rmsea
from analysis.confirm.model import FactorModel, bifactor, correlated_factors, one_factor, second_order
from analysis.confirm.modification import (
    Modification,
    absent_entries,
    listed,
    standardised_changes,
    top_modifications,
)
from analysis.confirm.ordinal import Ordinal, ordinal_moments
from analysis.confirm.robust import FourthMoments, fourth_moments, robust_modifications, sandwich
from analysis.confirm.twostage import TwoStage
from analysis.matrix import Bytes, Layout
from analysis.mergeable import Floats
from analysis.results import Reason, Statistic, undefined
from analysis.thresholds import DEFAULT, Thresholds

Verdict = Literal[
    "one_factor_suffices",
    "stages_fit",
    "second_order_fits",
    "dimensions_fit",
    "bifactor_fits",
    "none_fits",
    "unrelated_items",
    "not_estimable",
]
"""Key of the sentence that says which model describes the ratings.

unrelated_items: the model without any factor fits, so every model does, and the indices against it mean nothing.
"""

VERDICTS: dict[str, Verdict] = {  # from the simplest model to the richest
    "one_factor": "one_factor_suffices",
    "stages": "stages_fit",
    "second_order": "second_order_fits",
    "dimensions": "dimensions_fit",
    "bifactor": "bifactor_fits",
}


@dataclass(frozen=True)
class RivalModel:
    """One model of a column.

    Attributes
    ----------
    status : "proper", or what is wrong with the estimate, or why there is none
    fit : only of a proper estimate
    acceptable : CFI, RMSEA and SRMR within the lenient guides (robust ones where there are any)
    modifications : largest modification indices of a proper estimate
    """

    status: str
    fit: FitTable | None
    acceptable: bool | None
    modifications: tuple[Modification, ...]


@dataclass(frozen=True)
class ItemLoading:
    """Standardised loading of an item on its dimension, with its interval."""

    dimension: str
    loading: Statistic


@dataclass(frozen=True)
class ConfirmatoryColumn:
    """Factor models of one column.

    Attributes
    ----------
    n, n_complete : respondents behind the models, and those among all who rated every item
    estimator : "MLR" (robust maximum likelihood), "ML" (from moments alone), "WLSMV" (ordered categories)
        By the number of the scale's points, not of the values in use.
    dimensions : dimension -> its items, as far as they can be analysed
    models : "dimensions", "stages", "one_factor", "second_order", "bifactor", as far as the questionnaire has them
    loadings, convergence : of the model of correlated dimensions
    discriminance : "one.other" -> whether two dimensions are two
    verdict : the simplest acceptable model, unless a richer one raises the CFI by `Thresholds.factor_gain`
    reason : why nothing can be estimated
    flags : ``indicative`` (few respondents, or fewer than `Thresholds.planned_pairs` to a pair of items),
        ``from_sample`` (n are a random part), ``two_stage`` (answers are missing: moments by EM,
        and errors, tests and indices that allow for it), ``complete_rows_only`` (n answered everything; the others are
        left out), ``treated_as_continuous`` (few points, but too few complete rows), and those of the items left out
    """

    n: int
    n_complete: int
    estimator: str
    dimensions: dict[str, tuple[str, ...]]
    models: dict[str, RivalModel]
    loadings: dict[str, ItemLoading]
    convergence: dict[str, Convergence]
    discriminance: dict[str, Discriminance]
    verdict: Verdict
    reason: Reason | None
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Confirmatory:
    """Factor models of expectation and perception, each for itself: never of their difference.

    Attributes
    ----------
    columns : "expectation", "perception" -> its models
    """

    columns: dict[str, ConfirmatoryColumn]


def confirmatory(
    columns: Mapping[str, Evidence], layout: Layout, rng: np.random.Generator, thresholds: Thresholds = DEFAULT
) -> Confirmatory:
    """Rival factor models of each column.

    Parameters
    ----------
    columns : name -> `Evidence`, by `evidence_of_all` the ratings
    layout : Layout
    rng : numpy.random.Generator
        For the bootstrap of the HTMT, and for the sample of the rows when there are very many.

    Returns
    -------
    Confirmatory

    Raises
    ------
    ValueError
        When moments are not of the layout's items.
    """
    for one in columns.values():
        if one.covariance.shape != (len(layout.items),) * 2:
            raise ValueError("the moments must be of the layout's items")
    return Confirmatory({name: _Column(one, layout, rng, thresholds).result() for name, one in columns.items()})


def rival_models(chosen: Chosen) -> dict[str, FactorModel]:
    """The models that a questionnaire's dimensions and stages allow, the main one first."""
    items, dimensions = chosen.items, chosen.dimensions
    found: dict[str, FactorModel] = {}
    if len(dimensions) > 1:
        found["dimensions"] = correlated_factors(items, dimensions)
    if len(chosen.stages) > 1 and min(len(at) for at in chosen.stages.values()) > 1:
        found["stages"] = correlated_factors(items, chosen.stages)
    if dimensions:
        found["one_factor"] = one_factor(items)
    if len(dimensions) > 2:
        found["second_order"] = second_order(items, dimensions)
        found["bifactor"] = bifactor(items, dimensions)
    return found


class _Column:
    """The analysis of one column."""

    def __init__(self, evidence: Evidence, layout: Layout, rng: np.random.Generator, thresholds: Thresholds) -> None:
        self.evidence, self.rng, self.thresholds = evidence, rng, thresholds
        self.chosen = chosen_items(layout, [evidence.covariance])
        self.sample = part_of(evidence, self.chosen.places)
        self.rows = None if evidence.rows is None else evidence.rows[:, self.chosen.places]
        self.stage: TwoStage | None = None
        self.flags = list(self.chosen.flags)
        self.fourth: list[FourthMoments] | None = None
        self.ordinal: Ordinal | None = None
        self.baseline: Baseline | None = None
        self.n = evidence.n
        self.why = self._prepare(layout.points)
        self.estimates: dict[str, Estimate | OrdinalEstimate | Reason] = {}

    def _prepare(self, points: int) -> Reason | None:
        """Choose the estimator and gather what it needs; why there is nothing to estimate."""
        if self.evidence.n < self.thresholds.display_floor:
            nobody: Reason = "no_complete_cases" if self.evidence.incomplete else "no_respondents"
            return nobody if self.evidence.n == 0 else "too_few"
        if not self.chosen.dimensions:
            return "no_variance" if any(flag.startswith("constant") for flag in self.flags) else "one_item"
        why = unfit([self.sample])
        if why is not None:
            return why
        if points <= self.thresholds.ordinal_points and self._enough():
            return self._prepare_ordinal()
        self.flags += ["treated_as_continuous"] if points <= self.thresholds.ordinal_points else []
        self._prepare_continuous()
        return None

    def _enough(self) -> bool:
        """Whether the complete rows can carry a model."""
        return self.rows is not None and self.rows.shape[0] > len(self.chosen.items)

    def _prepare_ordinal(self) -> Reason | None:
        """Polychoric correlations of the complete rows."""
        assert self.rows is not None
        found = ordinal_moments(self.rows, self.rng, self.thresholds.factor_rows)
        if not isinstance(found, Ordinal):
            return found
        self.ordinal, self.n = found, int(self.rows.shape[0])
        self.stage = self.evidence.stage_of(self.chosen.places)
        left_out = self.evidence.incomplete or self.stage is not None
        self.flags += ["complete_rows_only"] if left_out else []
        self.flags += ["from_sample"] if found.from_sample else []
        return None

    def _prepare_continuous(self) -> None:
        """How well the moments are known: by two stages, or by the rows when they are those behind the moments."""
        self.stage = self.evidence.stage_of(self.chosen.places)
        if self.stage is not None:
            self.fourth = [self.stage.fourth(self.evidence.from_sample)]
            self.flags += ["two_stage"] + (["from_sample"] if self.evidence.from_sample else [])
            return
        self.flags += ["complete_rows_only"] if self.evidence.incomplete else []
        if self._enough() and self.rows is not None and self.rows.shape[0] == self.evidence.n:
            self.fourth = [fourth_moments(self.rows, self.rng, self.thresholds.factor_rows)]
            self.flags += ["from_sample"] if self.fourth[0].from_sample else []

    def result(self) -> ConfirmatoryColumn:
        """The models of the column, and what follows from them."""
        names = {name: tuple(self.chosen.items[i] for i in at) for name, at in self.chosen.dimensions.items()}
        hidden = self.why == "too_few"
        n = 0 if hidden else self.n
        complete = 0 if hidden or self.rows is None else int(self.rows.shape[0])
        estimator = "WLSMV" if self.ordinal is not None else "MLR" if self.fourth is not None else "ML"
        if self.why is not None:
            return ConfirmatoryColumn(
                n, complete, estimator, names, {}, {}, {}, {}, "not_estimable", self.why, tuple(self.flags)
            )
        models = {name: self._rival(name, model) for name, model in rival_models(self.chosen).items()}
        main = self.estimates["dimensions" if "dimensions" in models else "one_factor"]
        size = main.model.n_parameters if isinstance(main, Estimate | OrdinalEstimate) else 0
        # Where few rated any two items both, tests and indices that allow for it say little against a model.
        both = None if self.fourth is None or self.stage is None else int(self.stage.together.min())
        thin = both is not None and both < self.thresholds.planned_pairs
        if thin or indicative(self.n, size, self.thresholds):
            self.flags.append("indicative")
        loadings, together, between = self._of_dimensions(main)
        apart = self._apart(between, {name: one.ave for name, one in together.items()})
        verdict = verdict_of(models, self.thresholds)
        return ConfirmatoryColumn(
            n, complete, estimator, names, models, loadings, together, apart, verdict, None, tuple(self.flags)
        )

    def _rival(self, name: str, model: FactorModel) -> RivalModel:
        """Estimate and judge one model."""
        found: Estimate | OrdinalEstimate | Reason
        if self.ordinal is not None:
            found = least_squares(model, self.ordinal)
        else:
            found = maximum_likelihood(model, [self.sample])
        self.estimates[name] = found
        if not isinstance(found, Estimate | OrdinalEstimate):
            return RivalModel(found, None, None, ())
        if found.status != "proper":
            return RivalModel(found.status, None, None, ())
        most = self.thresholds.modifications
        if isinstance(found, OrdinalEstimate):
            fit = with_robust(ordinal_fit(found, self.thresholds), found, self.thresholds)
            more = ordinal_modifications(found, most)
        else:
            self.baseline = self.baseline or baseline_of(found, self.fourth)
            fit = fit_of(found, self.fourth, self.thresholds, self.baseline)
            more = self._modifications(found, most) if found.model.df > 0 else ()
        return RivalModel("proper", fit, acceptable(fit, self.thresholds) if fit.df > 0 else None, more)

    def _modifications(self, found: Estimate, most: int) -> tuple[Modification, ...]:
        """The largest modification indices, which missing answers would inflate if they were not allowed for."""
        if self.stage is None or self.fourth is None:
            return top_modifications(found, most)
        entries = absent_entries(found.model)
        index, change = robust_modifications(found, entries, self.fourth[0])
        changes = standardised_changes(found, entries, change)
        return listed(found.model, entries, index, changes, found.n, most, "generalised score test")

    def _of_dimensions(
        self, main: Estimate | OrdinalEstimate | Reason
    ) -> tuple[dict[str, ItemLoading], dict[str, Convergence], dict[tuple[str, str], Statistic]]:
        """Loadings, convergence and correlations of the dimensions in the main model."""
        n, level, dimensions = self.n, self.thresholds.level, self.chosen.dimensions
        own = [(i, k) for k, at in enumerate(dimensions.values()) for i in at]
        if not isinstance(main, Estimate | OrdinalEstimate) or main.status != "proper":
            none = undefined(_withheld(main), n, "standardised loading")
            lost = {self.chosen.items[i]: ItemLoading(list(dimensions)[k], none) for i, k in own}
            empty = undefined(_withheld(main), n)
            return lost, {name: Convergence(empty, empty) for name in dimensions}, {}
        part, covariance = main.model.groups[0], main.covariance
        if isinstance(main, Estimate) and self.fourth is not None:
            covariance = sandwich(main, self.fourth)
        scale = _standardiser(main)
        loadings = _loadings(scale, main.parameters, covariance, own, self.chosen, n, level)
        items = [np.array(at) for at in dimensions.values()]
        pairs = convergence(scale, main.parameters, covariance, items, n, level)
        together = {
            name: Convergence(
                cr.flagged(*(["low_cr"] if (cr.value or 0) < self.thresholds.cr_least else [])),
                ave.flagged(*(["low_ave"] if (ave.value or 0) < self.thresholds.ave_least else [])),
            )
            for name, (cr, ave) in zip(dimensions, pairs, strict=True)
        }
        names = list(dimensions)
        found = correlations_of_factors(part, main.parameters, covariance, n, level)
        return loadings, together, {(names[j], names[i]): one for (i, j), one in found.items()}

    def _apart(
        self, between: Mapping[tuple[str, str], Statistic], ave: Mapping[str, Statistic]
    ) -> dict[str, Discriminance]:
        """Discriminant validity of every pair of dimensions."""
        correlation = correlation_of(self.sample.covariance)
        behind: TwoStage | Bytes | None = self.stage
        if self.stage is None and self.rows is not None and self.rows.shape[0] == self.sample.n:
            behind = self.rows
        n = self.sample.n
        return discriminance(correlation, self.chosen.dimensions, between, ave, behind, n, self.rng, self.thresholds)


def _withheld(main: Estimate | OrdinalEstimate | Reason) -> Reason:
    """Why the numbers of a model are not given."""
    if not isinstance(main, Estimate | OrdinalEstimate):
        return main
    if main.status in ("not_identified", "not_converged"):
        return "not_identified" if main.status == "not_identified" else "not_converged"
    return "improper_solution"


def _standardiser(main: Estimate | OrdinalEstimate) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Standardised loadings as a function of the parameters."""
    return partial(standardised_loadings if isinstance(main, Estimate) else correlation_loadings, main.model.groups[0])


def _loadings(
    standardise: Callable[[NDArray[Any]], NDArray[Any]],
    parameters: Floats,
    covariance: Floats,
    own: list[tuple[int, int]],
    chosen: Chosen,
    n: int,
    level: float,
) -> dict[str, ItemLoading]:
    """Standardised loading of each item on its dimension, with its interval by the delta method."""
    rows, columns = np.array(own).T
    value, se = delta_method(lambda at: standardise(at)[rows, columns], parameters, covariance)
    z, names = quantile(level), list(chosen.dimensions)
    return {
        chosen.items[i]: ItemLoading(
            names[k],
            Statistic(one, one - z * error, one + z * error, level, n, "standardised loading, delta method"),
        )
        for (i, k), one, error in zip(own, value.tolist(), se.tolist(), strict=True)
    }


def verdict_of(models: Mapping[str, RivalModel], thresholds: Thresholds = DEFAULT) -> Verdict:
    """The simplest acceptable model, unless a richer acceptable one raises the CFI by `Thresholds.factor_gain`."""
    proper = {name: one for name, one in models.items() if one.fit is not None}
    fits = [one.fit for one in proper.values() if one.fit is not None]
    if not fits:
        return "not_estimable"
    none = fits[0].baseline_chi2.value or 0.0
    baseline = Test(none, max(fits[0].baseline_df, 1), none)
    if rmsea(baseline, fits[0].n) <= thresholds.rmsea_fair:
        return "unrelated_items"
    verdict: Verdict = "none_fits"
    best = -1.0
    for name, words in VERDICTS.items():
        one = proper.get(name)
        if one is None or one.fit is None or not one.acceptable:
            continue
        index = preferred(one.fit.cfi_robust, one.fit.cfi_scaled, one.fit.cfi)
        if index is not None and index >= best + thresholds.factor_gain:
            verdict, best = words, index
    return verdict
