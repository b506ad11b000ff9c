"""Every threshold of the statistics in one place; printed on the report or on its appendix.

Sections refer to the project's method notes (`docs/methods.md`, `docs/methods-appendix.md`).  delta, the severity bands
and the two-column shortfall are stated for seven points and scaled by (m - 1)/6.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The defaults; a report prints the ones it was made with."""

    level: float = 0.95  # confidence level of intervals
    noninferiority_level: float = 0.90  # of the interval whose lower limit shows that there is no defect
    q: float = 0.05  # false discovery rate
    delta7: float = 0.5  # smallest gap that matters, on seven points
    display_floor: int = 10  # fewer respondents: hidden and not tested; of a report, the floor it was made with
    confirm_floor: int = 30  # fewer respondents: never "confirmed"
    blank_share: float = 0.20  # more blank ratings than this: out of the composites
    weight_tolerance: float = 0.5  # points by which a constant sum may miss its total
    critical7: float = -1.5  # severity bands of the gap
    major7: float = -1.0
    minor7: float = -0.5
    zone_critical7: float = -1.0  # severity bands of perception minus minimum
    zone_major7: float = -0.5
    zone_critical_share: float = 0.5  # or this share of respondents below their minimum
    inconsistent_share: float = 10 / 22  # three columns: minimum above desired, share of items
    not_applicable_share: float = 12 / 22
    ceiling_distance: float = 0.5  # mean expectation this near to the top: at ceiling
    ceiling_sd: float = 0.5
    ceiling_spearman: float = 0.70
    derived_n: int = 150  # fewer: importance is the stated one alone
    derived_r2: float = 0.05
    stated_share: float = 0.5  # importance = stated_share * stated + rest * derived
    lmg_predictors: int = 10  # more predictors: relative weights
    priority_level: float = 0.90  # one-sided bound by which defects are ranked
    rank_draws: int = 2000
    rank_seed: int = 20240101
    shortfall_points: int = 2  # a defective pair: perception at least this far below expectation
    power: float = 0.80  # planned power of "about so many more answers would tell"
    plan_distance: float = 0.05  # estimate nearer than this to the limit, in points of any scale: no plan
    item_rest: float = 0.30  # item flags of reliability
    alpha_rise: float = 0.01
    alpha_group: float = 0.70  # reliability guides
    alpha_dimension: float = 0.80
    alpha_redundant: float = 0.95
    driver_cells_n: int = 150  # 10 respondents for each of 15 cells: fewer, and drivers stop at dimensions
    driver_vif: float = 10.0  # larger variance inflation of a cell: likewise
    driver_draws: int = 300  # bootstrap resamples of drivers' shares
    discrepant_share: float = 0.10  # fewer in either direction: no response surface
    discrepant_sd: float = 0.5
    basic_iac: float = -0.1  # penalty-reward: below is a basic factor
    excitement_iac: float = 0.1
    contrast_n: int = 15  # fewer low or high ratings: no label
    contrast_low7: float = 3.0  # two columns: ratings up to here are low, from the next on high, on seven points
    contrast_high7: float = 6.0
    rare_step: int = 5  # ordered logit: steps at the ends with fewer answers are joined to their neighbour
    kano_strength: float = 6.0  # percentage points between the first two answers: less is "mixed"
    sampled_rows: int = 50_000  # more respondents: methods that need every row take a random part of them
    rake_error: float = 1e-10  # largest relative error of a margin after raking
    rake_rounds: int = 1000
    rake_trim: float = 5.0  # weights are cut at this many times their median
    longstring_share: float = 0.5  # longer runs of one answer, of the perceptions asked
    irv_floor: float = 0.35  # smaller within-person SD of perceptions
    mahalanobis_p: float = 0.001
    even_odd_floor: float = 0.30
    seconds_per_item: float = 2.0
    speed_share: float = 0.3  # of the median time
    quality_flags: int = 2  # flags of different families that exclude a respondent
    em_tolerance: float = 1e-10
    em_steps: int = 5000
    em_rows: int = 5000  # more respondents: EM takes a random part of them
    little_rows: int = 30  # fewer respondents asked everything: no Little's test
    planned_pairs: int = 100  # fewest answers to every pair of items for alpha from planned missing data
    broken_rating7: float = 5.0  # mean rating of standards, delivery or promises whose upper limit lies below: broken
    no_standard_share: float = 0.30
    staff_floor: int = 10
    manager_floor: int = 5
    antecedent_low7: float = 4.0  # weaker antecedents are listed
    keyness_z: float = 1.96
    bca_draws: int = 10_000  # bootstrap resamples of a mean gap
    cluster_floor: int = 10  # fewer branches: clustered errors are flagged
    group_draws: int = 200  # bootstrap resamples behind shares of variance between groups
    rank_reliability: float = 0.70  # ICC(2) below this: branches are not put in order
    funnel_branches: int = 5  # fewer branches: no funnel plot
    winsor_branches: int = 20  # from so many branches on the extreme z scores are pulled in
    winsor_share: float = 0.10
    funnel_outer: float = 0.998  # outer limits of the funnel; the inner ones are at `level`
    xmr_limit: float = 2.66  # mean moving range times this: natural process limits
    xmr_range: float = 3.267
    xmr_baseline: int = 8  # periods preferred behind limits
    xmr_least: int = 6
    ewma_weight: float = 0.2
    ewma_width: float = 2.7
    sequence_start: int = 30  # fewer answers: no confidence sequence yet
    wild_clusters: int = 30  # fewer branches: wild cluster bootstrap
    wild_draws: int = 1999
    pre_periods: int = 3  # fewer periods before: parallel trends cannot be looked at
    baseline_cells: int = 5  # fewer cells give no baseline drawn towards their mean
    mix_share: float = 0.8  # a trait takes part in the adjustment for the mix where so many of both waves told it
    target_change: float = 0.3  # change of the gap that an action should bring, on seven points
    sustained_periods: int = 8
    cfi_good: float = 0.95  # fit guides of a factor model: good, and acceptable
    cfi_fair: float = 0.90
    rmsea_good: float = 0.06
    rmsea_fair: float = 0.08
    srmr_good: float = 0.08
    rmsea_level: float = 0.90  # confidence level of the interval of the RMSEA
    factor_n: int = 200  # fewer respondents, or fewer for each parameter: the fit is indicative
    factor_n_per_parameter: int = 5
    factor_gain: float = 0.010  # rise of the CFI that speaks for a richer factor model
    factor_rows: int = 50_000  # more rows: fourth moments and ordinal factor models come from a random sample of these
    ordinal_points: int = 5  # scales of so many points or fewer: factor models for ordered categories
    modifications: int = 10  # modification indices listed
    htmt_strict: float = 0.85  # discriminant validity
    htmt_lenient: float = 0.90
    htmt_draws: int = 1000
    htmt_rows: int = 5_000  # more rows: resamples are of a random sample of these
    ave_least: float = 0.50  # convergent validity
    cr_least: float = 0.70
    invariance_n: int = 150  # respondents in each group
    invariance_small: int = 300  # in all groups: up to here the small sample's limits
    invariance_cfi: float = -0.010  # change of the fit that a step may cost: CFI, RMSEA, SRMR (metric; scalar, strict)
    invariance_rmsea: float = 0.015
    invariance_srmr_metric: float = 0.030
    invariance_srmr_scalar: float = 0.010
    invariance_cfi_small: float = -0.005
    invariance_rmsea_small: float = 0.010
    invariance_srmr_metric_small: float = 0.025
    invariance_srmr_scalar_small: float = 0.005
    invariance_freed: float = 0.20  # share of the intercepts that may differ in partial invariance
    dif_r2: float = 0.02  # McFadden's R squared gained by the group: the item works differently
    dif_answered: float = 0.5  # share of the other items that a respondent must have rated to be screened
    skew: float = 1.0  # any item beyond this: polychoric factors, and a bootstrap interval beside alpha's
    thin_cell: int = 5  # fewer in a cell of two items' table: a thin cell
    kmo_least: float = 0.50  # below: the correlations are no matter for factors
    parallel_draws: int = 500  # of the parallel analysis; 1000 in the long form
    parallel_rows: int = 5_000  # more rows: random matrices are drawn instead of permutations
    parallel_quantile: float = 0.95
    extraction_starts: int = 20  # after a Heywood case
    rotation_starts: int = 30
    omega_h: float = 0.80  # at least this, or the next: the total score dominates
    ecv: float = 0.70
    alpha_individual: float = 0.90  # reliability guide
    difference_reliability: float = 0.70  # at least: gaps of individuals may be compared
    split_items: int = 22  # more items: random splits instead of all
    split_draws: int = 10_000
    alpha_draws: int = 2_000  # bootstrap of alpha
    alpha_rows: int = 1_000  # more rows: random groups of them are resampled
    retest_n: int = 30
    anchor_n: int = 300  # fewer answers: delta is not held against overall satisfaction
    sensitivity7: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0)

    def scaled(self, on_seven: float, points: int) -> float:
        """`on_seven` carried over to a scale of `points` points: times (m - 1)/6."""
        return on_seven * (points - 1) / 6

    def delta(self, points: int) -> float:
        """The smallest gap that matters on a scale of `points` points."""
        return self.scaled(self.delta7, points)


DEFAULT = Thresholds()
