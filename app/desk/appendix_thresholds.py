"""The thresholds that only the statistical appendix uses, in words; those of the report are in `report_tables`."""

from __future__ import annotations

from app.words import _


def appendix_threshold_words() -> dict[str, str]:
    """Every threshold of the appendix by name: what it is for."""
    return {**_reliability(), **_factors(), **_groups(), **_drivers(), **_course(), **_answers(), **_causes()}


def _reliability() -> dict[str, str]:
    return {
        # Reliability, and alpha by bootstrap
        "alpha_individual": _("Reliability guide, judging individuals"),
        "difference_reliability": _("Gaps of individuals may be compared from this reliability of the difference"),
        "skew": _("Skewness from which alpha is bootstrapped and correlations are polychoric"),
        "thin_cell": _("Fewer answers in a cell of two items' table: a thin cell"),
        "split_items": _("All split halves up to so many items"),
        "split_draws": _("Random split halves of longer scales"),
        "alpha_draws": _("Bootstrap of alpha: resamples"),
        "alpha_rows": _("Bootstrap of alpha: respondents above which random groups of them are resampled"),
        "retest_n": _("Test-retest: pairs of answers from which it is not flagged"),
        "bca_draws": _("Bootstrap of a mean gap: resamples"),
    }


def _factors() -> dict[str, str]:
    return {
        # How many factors, and which
        "kmo_least": _("Kaiser-Meyer-Olkin measure below which there is nothing to factor"),
        "parallel_draws": _("Parallel analysis: draws"),
        "parallel_rows": _("Parallel analysis: respondents above which random data are drawn, not permutations"),
        "parallel_quantile": _("Parallel analysis: quantile of the eigenvalues"),
        "extraction_starts": _("Extraction of factors: random starts after a Heywood case"),
        "rotation_starts": _("Rotation of factors: starts"),
        "ordinal_points": _("Scales of so many points or fewer are taken as ordered categories"),
        "omega_h": _("Omega hierarchical from which the total score dominates"),
        "ecv": _("Explained common variance from which the total score dominates"),
        # Fit of a factor model
        "cfi_good": _("CFI of a good fit"),
        "cfi_fair": _("CFI of an acceptable fit"),
        "rmsea_good": _("RMSEA of a good fit"),
        "rmsea_fair": _("RMSEA of an acceptable fit"),
        "srmr_good": _("SRMR of a good fit"),
        "rmsea_level": _("Confidence level of the interval of the RMSEA"),
        "factor_n": _("Fit is indicative below so many respondents"),
        "factor_n_per_parameter": _("Fit is indicative below so many respondents for each parameter"),
        "factor_gain": _("Rise of the CFI that speaks for a richer factor model"),
        "factor_rows": _("Factor models: respondents above which fourth moments come from a random part"),
        "modifications": _("Modification indices listed"),
        # Convergent and discriminant validity
        "cr_least": _("Composite reliability at least"),
        "ave_least": _("Average variance extracted at least"),
        "htmt_strict": _("HTMT below which two dimensions are distinct, strict"),
        "htmt_lenient": _("HTMT below which two dimensions are distinct, lenient"),
        "htmt_draws": _("Bootstrap of the HTMT: resamples"),
        "htmt_rows": _("Bootstrap of the HTMT: respondents above which a random part is resampled"),
        # Do groups understand the items alike?
        "invariance_n": _("Invariance: respondents in each group from"),
        "invariance_small": _("Invariance: limits of small samples up to so many respondents in all"),
        "invariance_cfi": _("Invariance: change of the CFI down to"),
        "invariance_rmsea": _("Invariance: change of the RMSEA up to"),
        "invariance_srmr_metric": _("Invariance: change of the SRMR up to, loadings"),
        "invariance_srmr_scalar": _("Invariance: change of the SRMR up to, intercepts and errors"),
        "invariance_cfi_small": _("Invariance: change of the CFI down to, small samples"),
        "invariance_rmsea_small": _("Invariance: change of the RMSEA up to, small samples"),
        "invariance_srmr_metric_small": _("Invariance: change of the SRMR up to, loadings, small samples"),
        "invariance_srmr_scalar_small": _("Invariance: change of the SRMR up to, intercepts and errors, small samples"),
        "invariance_freed": _("Partial invariance: share of the intercepts that may differ"),
        "dif_r2": _("An item works differently in a group from this gain of McFadden's R²"),
        "dif_answered": _("An item is screened among respondents who rated this share of the others"),
    }


def _groups() -> dict[str, str]:
    return {
        # Groups and branches
        "cluster_floor": _("Branches below which clustered standard errors are flagged"),
        "group_draws": _("Bootstrap of shares of variance between groups: resamples"),
        "rank_reliability": _("Branches are put in order from this reliability of their means"),
        "funnel_branches": _("Funnel plot from so many branches"),
        "funnel_outer": _("Funnel plot: confidence level of the outer limits"),
        "winsor_branches": _("Funnel plot: extreme z scores are pulled in from so many branches"),
        "winsor_share": _("Funnel plot: share of the z scores pulled in at either end"),
    }


def _drivers() -> dict[str, str]:
    return {
        # What drives satisfaction
        "driver_cells_n": _("Drivers by cell: answers from"),
        "driver_vif": _("Drivers by cell: variance inflation below"),
        "driver_draws": _("Bootstrap of drivers' shares: resamples"),
        "discrepant_share": _("Response surface: share of respondents in either direction at least"),
        "discrepant_sd": _("Response surface: perception and expectation apart by so many standard deviations"),
        "contrast_n": _("Penalty and reward: low ratings, and high ones, from"),
        "contrast_low7": _("Penalty and reward: ratings up to this are low, on seven points"),
        "contrast_high7": _("Penalty and reward: ratings from this on are high, on seven points"),
        "rare_step": _("Ordered logit: steps at the ends with fewer answers are joined"),
        "basic_iac": _("Impact asymmetry below which a dimension is a basic factor"),
        "excitement_iac": _("Impact asymmetry above which a dimension is an excitement factor"),
        "kano_strength": _("Kano: percentage points between the first two categories, less is mixed"),
        "anchor_n": _("Smallest gap that matters held against overall satisfaction: answers from"),
    }


def _course() -> dict[str, str]:
    return {
        # The course of a wave
        "xmr_limit": _("Control chart: limits at this many mean moving ranges"),
        "xmr_range": _("Control chart: limit of the moving range, in mean moving ranges"),
        "xmr_baseline": _("Control chart: periods preferred behind the limits"),
        "xmr_least": _("Control chart: fewest periods behind the limits"),
        "ewma_weight": _("Weighted moving average: weight of the newest period"),
        "ewma_width": _("Weighted moving average: width of the limits in standard errors"),
        "sequence_start": _("Interval valid at every look: answers from"),
        # Did the action work?
        "wild_clusters": _("Difference in differences: wild bootstrap below so many branches"),
        "wild_draws": _("Difference in differences: draws of the wild bootstrap"),
        "pre_periods": _("Difference in differences: periods before the action from which trends can be compared"),
        "baseline_cells": _("Two waves: cells from which a baseline is drawn towards their mean"),
        "mix_share": _("Two waves: share of both that must have told a trait for the mix to go by it"),
        "target_change": _("Change of the gap that an action should bring, on seven points"),
        "sustained_periods": _("Sustained: periods without a downward signal"),
    }


def _answers() -> dict[str, str]:
    return {
        # Very many answers, and weights
        "sampled_rows": _("Respondents above which methods that need every row take a random part"),
        "rake_error": _("Raking: largest relative error of a margin"),
        "rake_rounds": _("Raking: rounds at most"),
        "rake_trim": _("Raking: weights cut at this many times their median"),
        # Response quality
        "longstring_share": _("Careless answers: longest run of one answer, share of the items asked"),
        "irv_floor": _("Careless answers: spread within a person below, beside another sign"),
        "mahalanobis_p": _("Careless answers: p of the Mahalanobis distance below"),
        "even_odd_floor": _("Careless answers: even-odd consistency below"),
        "seconds_per_item": _("Careless answers: seconds per answer below"),
        "speed_share": _("Careless answers: share of the median time below"),
        "quality_flags": _("Left out by the quality rule from so many kinds of signs"),
        # Missing answers
        "em_tolerance": _("EM algorithm: tolerance"),
        "em_steps": _("EM algorithm: steps at most"),
        "em_rows": _("EM algorithm: respondents above which it takes a random part"),
        "little_rows": _("Little's test: respondents asked everything from"),
        "planned_pairs": _("Short form: answers to every pair of items at least"),
        # Comments
        "keyness_z": _("Key terms: z beyond"),
    }


def _causes() -> dict[str, str]:
    return {
        # Staff and managers
        "staff_floor": _("Causes: staff from"),
        "manager_floor": _("Causes: managers from"),
        "broken_rating7": _("Causes: standards, delivery or promises broken below this mean, on seven points"),
        "no_standard_share": _("Causes: standards broken from this share who know of none"),
        "antecedent_low7": _("Causes: antecedents listed below this mean, on seven points"),
    }
