"""Control charts, confidence sequences, changes and verdicts; and the robust regressions behind them."""

from __future__ import annotations

import csv
import itertools
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.compare.branches import pool, shrink
from analysis.frequencies import Frequencies, t_quantile
from analysis.results import Statistic
from analysis.robust import Clusters, clustered, hc3, least_squares, wild_bootstrap
from analysis.trend.change import (
    Cell,
    Change,
    branch_did,
    difference_in_differences,
    fresh_change,
    guarded_change,
    held_out,
    judge_change,
    panel_change,
    sustained,
)
from analysis.trend.control import ewma, laney, xmr
from analysis.trend.sequences import confidence_sequence, sequence_half_width, tuned
from tests.agreement import agree

HERE = Path(__file__).parents[1] / "references"
R: dict[str, Any] = json.loads((HERE / "trends_expected.json").read_text())
with (HERE / "trends.csv").open(newline="") as file:
    ROWS = np.array([[float(value) for value in row.values()] for row in csv.DictReader(file)])
BRANCH, AFTER, TREATED, GAP = ROWS.T
HOME = BRANCH.astype(int) - 1
BANK = "simulated bank, two waves"


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def design(*columns: Any) -> Any:
    return np.column_stack([np.ones(GAP.size), *columns])


def test_classical_and_hc3_errors_match_r() -> None:
    wanted = R["attitude"]
    data = np.array(wanted["data"], float)
    x, y = np.column_stack([np.ones(len(data)), data[:, 1:]]), data[:, 0]
    plain, robust = least_squares(x, y), hc3(x, y)
    assert plain is not None and robust is not None
    agree("regression coefficients", "attitude", wanted["beta"], plain.beta, by="R 4.2.2", rel=1e-8)
    agree("regression, classical SE", "attitude", wanted["se"], plain.se, by="R 4.2.2")
    agree("regression, HC3 SE", "attitude", wanted["hc3"], robust.se, by="sandwich 3.0-2")
    agree("regression, R squared", "attitude", wanted["r2"], plain.r2, by="R 4.2.2")


@pytest.mark.parametrize(
    ("name", "x"),
    [
        ("mean", design()),
        ("did", design(TREATED, AFTER, TREATED * AFTER)),
        ("rich", design(TREATED, AFTER, BRANCH / 10)),
    ],
)
def test_clustered_errors_and_their_degrees_of_freedom_match_clubsandwich(name: str, x: Any) -> None:
    found = clustered(Clusters.of(x, GAP, HOME))
    wanted = {key: np.atleast_1d(numbers) for key, numbers in R[name].items()}
    assert found is not None
    by = "clubSandwich 0.5.8"
    agree(f"cluster sandwich CR2, {name}", BANK, [*wanted["beta"], *wanted["se"]], [*found.beta, *found.se], by=by)
    agree(f"Satterthwaite degrees of freedom, {name}", BANK, wanted["df"], found.df, by=by, rel=1e-8)


def test_clustered_errors_match_the_formula_written_out_row_by_row() -> None:
    x = design(TREATED, AFTER)
    m = np.linalg.inv(x.T @ x)
    beta = m @ x.T @ GAP
    meat = np.zeros((3, 3))
    for g in range(14):
        mine, e = x[g == HOME], (GAP - x @ beta)[g == HOME]
        values, vectors = np.linalg.eigh(np.eye(len(mine)) - mine @ m @ mine.T)
        score = mine.T @ (vectors / np.sqrt(values)) @ vectors.T @ e
        meat += np.outer(score, score)
    found = clustered(Clusters.of(x, GAP, HOME))
    assert found is not None
    agree(
        "cluster sandwich CR2, three columns", BANK, m @ meat @ m, found.covariance, by="naive second program", rel=1e-8
    )


@pytest.mark.parametrize("fit", [least_squares, hc3])
def test_regression_without_its_needs_gives_nothing(fit: Any) -> None:
    assert fit(np.ones((2, 2)), np.ones(2)) is None
    assert fit(np.ones((9, 2)), np.arange(9.0)) is None
    assert fit(np.zeros((9, 1)), np.arange(9.0)) is None


def test_a_row_of_its_own_has_no_hc3() -> None:
    x = np.column_stack([np.ones(6), [1.0, 0, 0, 0, 0, 0]])
    assert hc3(x, np.arange(6.0)) is None and least_squares(x, np.arange(6.0)) is not None


def test_one_cluster_gives_nothing_and_a_cluster_that_decides_alone_no_error() -> None:
    assert clustered(Clusters.of(design(), GAP, np.zeros(GAP.size, int))) is None
    alone = clustered(Clusters.of(design(HOME == 0), GAP, HOME))
    assert alone is not None and np.isfinite(alone.se).all()


def test_the_wild_bootstrap_matches_one_that_rebuilds_every_answer() -> None:
    x, data = design(TREATED, AFTER, TREATED * AFTER), None
    data = Clusters.of(x, GAP, HOME)
    found = wild_bootstrap(data, 3, np.random.default_rng(5), 400, 0.9)
    signs = np.random.default_rng(5).choice((-1.0, 1.0), (400, 14))
    m = np.linalg.inv(x.T @ x)
    beta = m @ x.T @ GAP
    e = GAP - x @ beta

    def t_of(y: Any, centre: float) -> tuple[float, float]:
        b = m @ x.T @ y
        scores = np.array([x[g == HOME].T @ (y - x @ b)[g == HOME] for g in range(14)])
        se = math.sqrt((m @ scores.T @ scores @ m)[3, 3])
        return (b[3] - centre) / se, se

    drawn = [t_of(x @ beta + signs[i][HOME] * e, beta[3])[0] for i in range(400)]
    se = t_of(GAP, 0.0)[1]
    low, high = np.quantile(drawn, [0.05, 0.95])
    agree("wild cluster bootstrap", BANK, [beta[3] - high * se, beta[3] - low * se], found, by="naive second program")


@pytest.mark.reference
def test_charts_match_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W15")
    by, series = "worked example W15", inputs["series"]
    whole, frozen = xmr(series), xmr(series, inputs["baseline_points"])
    assert whole is not None and frozen is not None
    keys = ("center", "mr_bar", "lnpl", "unpl")
    for name, chart, wanted in (("XmR", whole, expected["xmr"]), ("XmR, baseline", frozen, expected["xmr_baseline"])):
        agree(name, "W15", [wanted[key] for key in keys],
              [chart.centre, chart.moving_range, chart.low[0], chart.high[0]], by=by)  # fmt: skip
    agree("XmR, limit of the range", "W15", expected["xmr"]["mr_upper"], whole.range_limit, by=by)
    assert [one.at for one in frozen.signals] == expected["xmr_baseline"]["signals"]
    smooth, wanted = ewma(series), expected["ewma"]
    assert smooth is not None
    agree("EWMA", "W15", [wanted["sigma"], wanted["start"], *wanted["values"], *wanted["half_width"]],
          [smooth.sigma, smooth.start, *smooth.values, *smooth.half_width], by=by)  # fmt: skip


@pytest.mark.reference
def test_the_confidence_sequence_matches_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W15")
    given, wanted = inputs["acs"], expected["acs"]
    rho = tuned(given["tuned_for_n"])
    agree("confidence sequence", "W15", [wanted["rho"], wanted["half_width"]],
          [rho, sequence_half_width(given["sd"], given["n"], rho)], by="worked example W15")  # fmt: skip


@pytest.mark.reference
def test_difference_in_differences_matches_the_worked_example(reference: Any) -> None:
    inputs, expected = reference.example("W15")
    cells = {name: Cell(one["n"], one["mean"], one["sd"]) for name, one in inputs["did"].items()}
    found = difference_in_differences((cells["pre_t"], cells["post_t"]), (cells["pre_c"], cells["post_c"]))
    wanted = expected["did"]
    agree("difference in differences", "W15",
          [wanted["estimate"], wanted["df_welch"], wanted["t"], wanted["p"], *wanted["ci95"], *wanted["ci90"],
           wanted["p_one_sided"]],
          [found.estimate.value, found.df, found.t.value, found.p.value, found.estimate.low, found.estimate.high,
           found.at_verdict.low, found.at_verdict.high, found.p_improved.value], by="worked example W15")  # fmt: skip
    verdict = judge_change(found, "difference_in_differences", 90, "inconclusive")
    assert (verdict.outcome, verdict.reached_target) == (wanted["verdict"], True)


def test_charts_match_limits_written_out() -> None:
    series = np.random.default_rng(4).normal(-1, 0.2, 20).tolist()
    chart, smooth = xmr(series), ewma(series, start=-1.0, sigma=0.2)
    moving = sum(abs(a - b) for a, b in zip(series[1:], series, strict=False)) / 19
    centre = sum(series) / 20
    assert chart is not None and smooth is not None
    by = "naive second program"
    agree(
        "XmR",
        "20 simulated periods",
        [centre - 2.66 * moving, centre + 2.66 * moving],
        [chart.low[3], chart.high[3]],
        by=by,
    )
    weights = [[0.2 * 0.8 ** (t - s) for s in range(t + 1)] for t in range(20)]
    naive = [sum(w * x for w, x in zip(row, series, strict=False)) - 0.8 ** (t + 1) for t, row in enumerate(weights)]
    agree("EWMA", "20 simulated periods", naive, smooth.values, by=by)


def test_unequal_periods_get_limits_of_their_own_width() -> None:
    random = np.random.default_rng(8)
    days = [-np.rint(random.exponential(1.3, n)) for n in (10, 40, 12, 25, 11, 60, 18, 30, 14)]
    means, variances, sizes = ([f(day) for day in days] for f in (np.mean, lambda x: x.var(ddof=1), len))
    chart = laney(means, variances, sizes, 8)
    assert chart is not None
    everyone = np.concatenate(days[:8])
    within = np.concatenate([day - day.mean() for day in days[:8]])
    se = [math.sqrt((within**2).sum() / (everyone.size - 8)) / math.sqrt(len(day)) for day in days]
    z = [(day.mean() - everyone.mean()) / one for day, one in zip(days, se, strict=True)]
    sigma = sum(abs(b - a) for a, b in itertools.pairwise(z[:8])) / 7 / 1.128
    by = "naive second program"
    agree("Laney chart, centre", "9 periods, baseline of 8", everyone.mean(), chart.centre, by=by)
    for side, sign in (("low", -1), ("high", 1)):
        limits = [everyone.mean() + sign * 3 * one * sigma for one in se]
        agree("Laney limits of unequal periods", f"9 periods, {side}", limits, getattr(chart, side), by=by)
    assert laney(means, [0.0] * 9, sizes) is None and laney(means[:5], variances[:5], sizes[:5]) is None


def test_quiet_charts_of_skewed_answers_keep_their_centre_and_their_peace() -> None:
    centres, signals = [], 0
    for seed in range(300):
        random = np.random.default_rng(seed)
        days = [-np.rint(random.exponential(1.3, n)) for n in random.integers(10, 21, 20)]
        chart = laney([day.mean() for day in days], [day.var(ddof=1) for day in days], [day.size for day in days])
        assert chart is not None
        centres.append(chart.centre)
        signals += bool(chart.signals)
    assert abs(np.mean(centres) + 1.266) < 0.02 and signals / 300 < 0.15


def test_signals_are_found_by_all_three_rules() -> None:
    quiet = [1.0, 0.0] * 4
    assert [(s.at, s.rule) for s in xmr([*quiet, 9.0], 8).signals] == [(8, "beyond")]
    eight = xmr([*quiet, *[0.6] * 9], 8)
    assert [(s.at, s.rule, s.above) for s in eight.signals] == [(15, "one_side", True), (16, "one_side", True)]
    assert [(s.at, s.rule) for s in xmr([*quiet, 2.2, 0.4, 2.2, 2.2], 8).signals] == [(11, "near_limit")]


def test_short_and_flat_series_say_so() -> None:
    assert xmr([1.0] * 5) is None and ewma([1.0]) is None
    flat = xmr([1.0] * 7)
    assert flat.flags == ("short_baseline", "no_variation") and flat.signals == ()


def test_an_open_wave_has_wider_limits_that_start_at_thirty() -> None:
    few = confidence_sequence(Frequencies.from_dict({-1.0: 10, 0.0: 19}), 200)
    some = confidence_sequence(Frequencies.from_dict({-1.0: 50, 0.0: 50}), 200)
    assert (few.low, few.reason) == (None, "too_early")
    assert some.high - some.value > t_quantile(99, 0.975) * math.sqrt(25 / 99) / 10
    assert confidence_sequence(Frequencies.from_dict({0.0: 50}), 200).reason == "no_variance"
    assert confidence_sequence(Frequencies.from_dict({}), 200).reason == "no_respondents"


def test_looking_every_time_seldom_misses_the_mean() -> None:
    drawn = np.random.default_rng(2).choice([-2.0, -1.0, 0.0, 1.0], (400, 600), p=[0.2, 0.4, 0.3, 0.1])
    n = np.arange(1, 601)
    mean = np.cumsum(drawn, axis=1) / n
    sd = np.sqrt(np.maximum(np.cumsum(drawn**2, axis=1) / n - mean**2, 1e-9) * n / np.maximum(n - 1, 1))
    rho = tuned(300)
    reach = np.array([sequence_half_width(1.0, int(one), rho) for one in n])
    missed = (np.abs(mean + 0.7) > sd * reach)[:, 29:].any(axis=1).mean()
    assert missed <= 0.05


def test_panel_and_fresh_changes_match_r() -> None:
    sleep = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    other = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    found = panel_change(Frequencies.of(sleep - other))
    agree("change of the same people", "sleep", R["sleep"],
          [found.estimate.value, found.t.value, found.p.value, found.estimate.low, found.estimate.high],
          by="R 4.2.2")  # fmt: skip
    before, after = (Cell.of(Frequencies.of(GAP[wave == AFTER])) for wave in (0, 1))
    fresh = fresh_change(before, after)
    agree("change between fresh samples", BANK, R["welch"],
          [fresh.estimate.value, fresh.t.value, fresh.df, fresh.p.value, fresh.estimate.low, fresh.estimate.high],
          by="R 4.2.2")  # fmt: skip


def by_branch() -> dict[str, tuple[Frequencies, Frequencies]]:
    return {str(g): tuple(Frequencies.of(GAP[(g == HOME) & (wave == AFTER)]) for wave in (0, 1)) for g in range(14)}


def test_branch_difference_in_differences_matches_clubsandwich() -> None:
    found, wanted = branch_did(by_branch(), frozenset("01234"), rng()), R["did"]
    agree("difference in differences, branches as clusters", BANK,
          [wanted["beta"][3], wanted["df"][3],
           wanted["beta"][3] - t_quantile(wanted["df"][3], 0.975) * wanted["se"][3]],
          [found.estimate.value, found.df, found.estimate.low], by="clubSandwich 0.5.8", rel=1e-8)  # fmt: skip
    assert found.at_verdict.flags == ("few_clusters",) and found.at_verdict.method.endswith("wild cluster bootstrap")


def test_one_branch_with_an_action_proves_nothing() -> None:
    assert branch_did(by_branch(), frozenset("0"), rng()).estimate.reason == "few_branches"
    empty = {name: (one, Frequencies.from_dict({})) for name, (one, _) in by_branch().items()}
    assert branch_did(empty, frozenset("012"), rng()).estimate.reason == "few_branches"


def test_a_shrunken_baseline_carries_its_own_error() -> None:
    found = guarded_change(-1.0, 0.1, Cell(100, -0.5, 1.2))
    se = math.sqrt(1.2**2 / 100 + 0.01)
    df = se**4 / ((1.2**2 / 100) ** 2 / 99)
    agree("change from a shrunken baseline", "100 answers", [0.5, 0.5 - t_quantile(df, 0.975) * se],
          [found.estimate.value, found.estimate.low], by="naive second program")  # fmt: skip


def changed(low: float | None, high: float | None) -> Change:
    none = Statistic(None)
    found = Statistic(0.4, low, high, 0.9, 100, "change")
    return Change(found, found, none, none, none, 50.0)


@pytest.mark.parametrize(
    ("low", "high", "status", "outcome"),
    [
        (0.1, 0.7, "no_defect_shown", "closed"),
        (0.1, 0.7, "probable", "improving"),
        (-0.1, 0.7, "no_defect_shown", "not_demonstrated"),
        (-0.9, -0.1, "confirmed", "worse"),
        (None, None, "confirmed", "not_judged"),
    ],
)
def test_the_verdict_follows_the_limits(low: float, high: float, status: Any, outcome: str) -> None:
    assert judge_change(changed(low, high), "shrunken", 40, status).outcome == outcome


def test_no_verdict_without_a_guard_or_enough_answers() -> None:
    assert judge_change(changed(0.1, 0.7), None, 40, "no_defect_shown").why == "no_guard"
    assert judge_change(changed(0.1, 0.7), "held_out", 29, "no_defect_shown").why == "few_answers"


def test_closed_is_sustained_by_the_next_wave_or_eight_quiet_periods() -> None:
    assert sustained("closed", None, 7) is None and sustained("closed", None, 8) is True
    assert sustained("closed", "closed", None) is True and sustained("closed", "improving", 3) is False
    assert sustained("improving", "closed", 9) is None


def test_regression_to_the_mean_does_not_close_a_defect() -> None:
    """Fifteen equal cells, the worst chosen by its own baseline, nothing done: the guarded baseline keeps its head."""
    random = np.random.default_rng(8)
    naive = guarded = 0
    for _ in range(200):
        waves = random.normal(-0.7, 1.2, (2, 15, 60))
        means, v = waves[0].mean(axis=1), waves[0].var(axis=1, ddof=1) / 60
        worst = int(means.argmin())
        after = Cell(60, float(waves[1, worst].mean()), float(waves[1, worst].std(ddof=1)))
        before = Cell(60, float(means[worst]), float(waves[0, worst].std(ddof=1)))

        pooled = pool(means, v)
        eb = shrink(means, v, pooled.tau2, pooled.mean, pooled.se)
        naive += fresh_change(before, after).at_verdict.low > 0
        guarded += guarded_change(float(eb.means[worst]), float(eb.se_full[worst]), after).at_verdict.low > 0
    assert naive > 3 * guarded and guarded / 200 <= 0.09


def test_half_of_the_baseline_is_held_out() -> None:
    mask = held_out(101, rng())
    assert mask.sum() == 50 and mask.size == 101


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([-3.0, -1.0, -0.5, 0.0, 2.0]), max_size=30), st.integers(0, 30))
def test_any_series_gives_finite_limits(series: list[float], baseline: int) -> None:
    with np.errstate(all="raise", under="ignore"):
        chart, smooth = xmr(series, baseline or None), ewma(series)
    assert chart is None or all(map(math.isfinite, (*chart.low, *chart.high)))
    assert smooth is None or all(low >= 0 for low in smooth.half_width)
    later = xmr([x + 5 for x in series], baseline or None)
    assert chart is None or [s.at for s in later.signals] == [s.at for s in chart.signals]


CELLS = st.builds(Cell, st.integers(0, 50), st.floats(-6, 6), st.floats(0, 3))


@settings(max_examples=60, deadline=None)
@given(CELLS, CELLS, CELLS, CELLS)
def test_any_cells_give_a_change_or_a_reason(a: Cell, b: Cell, c: Cell, d: Cell) -> None:
    with np.errstate(all="raise", under="ignore"):
        for found in (fresh_change(a, b), difference_in_differences((a, b), (c, d)), guarded_change(-1.0, 0.2, a)):
            one = found.estimate
            assert (one.value is None or one.low is None) == (one.reason is not None)
            assert one.low is None or one.low <= one.value <= one.high
            turned = replace(one, value=None)
            assert turned.n == one.n
