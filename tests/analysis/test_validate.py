"""The validation measures what it says, and a statistic that is broken does not pass it."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis import defects
from analysis.compare.branches import Shrunken
from analysis.compare.welch import games_howell, welch_test
from analysis.designed import clustered_mean, weighted_mean
from analysis.results import Statistic
from analysis.trend.change import Change, branch_did
from analysis.validation import branching, coverage, errors, planned, proof, rule
from analysis.validation.check import Check, Material, average, rate, settled
from analysis.validation.run import FAMILIES, failed, run_family
from app.cli import main
from app.validation import bound, material, page, verdict
from surveys.codes import NOT_ASKED

SEED = 7


@pytest.fixture(scope="module")
def stuff() -> Material:
    return material()


def checks_of(family: Any, runs: int, stuff: Material) -> dict[str, Check]:
    found: tuple[Check, ...] = family(np.random.default_rng(SEED), runs, stuff)
    return {one.name: one for one in found}


def narrowed(found: Statistic) -> Statistic:
    if found.value is None or found.low is None or found.high is None:
        return found
    return replace(found, low=(found.value + found.low) / 2, high=(found.value + found.high) / 2)


def half_as_wide(make: Callable[..., Statistic]) -> Callable[..., Statistic]:
    return lambda *given, **named: narrowed(make(*given, **named))


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "planned_em"])
def test_every_family_runs_and_returns_whole_checks(family: str, stuff: Material) -> None:
    found = run_family(family, stuff, 30, SEED)
    assert found
    assert len({one.name for one in found}) == len(found)
    for one in found:
        assert one.what and math.isfinite(one.measured) and math.isfinite(one.simulation_error)
        assert one.simulation_error >= 0 and one.runs >= 0
        assert one.bound_low is not None or one.bound_high is not None or one.holds


def test_same_seed_gives_the_same_numbers(stuff: Material) -> None:
    assert run_family("effects", stuff, 20, SEED) == run_family("effects", stuff, 20, SEED)
    assert run_family("effects", stuff, 20, SEED) != run_family("effects", stuff, 20, SEED + 1)


def test_a_value_beyond_its_bound_by_more_than_chance_fails() -> None:
    assert settled("x", "", 0.961, 0.01, 100, 0.99).holds
    assert not settled("x", "", 0.959, 0.01, 100, 0.99).holds
    assert not settled("x", "", 0.081, 0.01, 100, None, 0.05).holds
    assert not rate("x", "", [True] * 40, None, 0.05).holds
    assert rate("x", "", [False] * 40, 0.05, None).simulation_error > 0
    assert average("x", "", [1.0, 3.0]).measured == 2.0
    assert failed([settled("bad", "", 2.0, 0.0, 0, None, 1.0), settled("good", "", 1.0, 0.0, 0, None, 1.0)]) == ("bad",)


@pytest.mark.parametrize(
    ("module", "function", "family", "check"),
    [
        (coverage, "mean_statistic", coverage.mean_gaps, "coverage.mean_t.n100"),
        (coverage, "bca_mean", coverage.mean_gaps, "coverage.mean_bca.n100"),
        (coverage, "hodges_lehmann", coverage.medians, "coverage.hodges_lehmann.fine"),
        (coverage, "wilson", coverage.shares, "coverage.wilson.mean.n100"),
        (coverage, "net_promoter", coverage.shares, "coverage.net_promoter"),
        (coverage, "alpha_statistic", coverage.alphas, "coverage.alpha_feldt.normal"),
        (coverage, "weighted_mean", coverage.effects, "coverage.weighted_mean"),
        (coverage, "position_in_zone", coverage.effects, "coverage.zone_position"),
    ],
)
def test_interval_of_half_the_width_is_caught(
    module: Any, function: str, family: Any, check: str, stuff: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, function, half_as_wide(getattr(module, function)))
    assert not checks_of(family, 240, stuff)[check].holds


def test_limits_of_half_the_width_are_caught(stuff: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(made: tuple[float, float]) -> tuple[float, float]:
        middle = sum(made) / 2
        return (made[0] + middle) / 2, (made[1] + middle) / 2

    for name in ("noncentral_interval", "bonett_interval", "duhachek_interval"):
        make = getattr(coverage, name)
        monkeypatch.setattr(coverage, name, lambda *given, make=make: half(make(*given)))
    assert not checks_of(coverage.effects, 300, stuff)["coverage.d_z"].holds
    alphas = checks_of(coverage.alphas, 200, stuff)
    assert not alphas["coverage.alpha_bonett.normal"].holds
    assert not alphas["coverage.alpha_duhachek.normal"].holds


def test_pairs_without_the_studentized_range_are_caught(stuff: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(branching, "games_howell", lambda a, b, k: games_howell(a, b, 2))
    assert not checks_of(branching.simultaneous, 500, stuff)["coverage.games_howell"].holds


def test_shrinking_nothing_and_shrinking_blindly_are_caught(stuff: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(means: Any, variances: Any, *_: float) -> Shrunken:
        return Shrunken(np.ones(means.size), means, np.sqrt(variances) / 2, np.sqrt(variances) / 2)

    monkeypatch.setattr(branching, "shrink", none)
    found = checks_of(branching.shrunken, 100, stuff)
    assert not found["recovery.branches.error"].holds
    assert not found["coverage.branches.shrunken"].holds


def test_branches_taken_as_independent_are_caught(stuff: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(n: Any, means: Any, variances: Any, delta: float) -> Any:
        found = clustered_mean(n, means, variances, delta)
        return replace(found, clustered=narrowed(found.clustered))

    monkeypatch.setattr(branching, "clustered_mean", wrong)
    assert not checks_of(branching.clusters, 150, stuff)["coverage.clusters.cr2"].holds


def test_rule_without_control_of_false_discoveries_is_caught(stuff: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defects, "benjamini_hochberg", list)
    found = checks_of(rule.false_discoveries, 200, stuff)
    assert [name for name in found if "fdr.all_at_limit" in name and found[name].holds] == []


def test_sequence_as_narrow_as_a_plain_interval_is_caught(stuff: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "sequence_half_width", lambda sd, n, rho: 1.96 * sd / math.sqrt(n))
    assert not checks_of(coverage.always, 100, stuff)["coverage.sequence"].holds


def test_test_that_cries_wolf_is_caught(stuff: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "welch_test", lambda means, variances, n: welch_test(means, variances / 2, n))
    assert not checks_of(errors.groups, 200, stuff)["errors.welch"].holds


def test_baseline_that_is_not_shrunken_is_caught(stuff: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    def bare(means: Any, variances: Any, *_: float) -> Shrunken:
        return Shrunken(np.ones(means.size), means, np.sqrt(variances), np.sqrt(variances))

    monkeypatch.setattr(proof, "shrink", bare)
    assert not checks_of(proof.regression_to_the_mean, 500, stuff)["proof.shrunken"].holds


def test_verdict_that_does_not_wait_for_its_limit_is_caught(stuff: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    def certain(*given: Any) -> Change:
        found = branch_did(*given)
        return replace(found, at_verdict=narrowed(narrowed(found.at_verdict)))

    monkeypatch.setattr(proof, "branch_did", certain)
    assert not checks_of(proof.with_branches, 600, stuff)["proof.did"].holds


def test_short_form_asks_the_core_and_so_many_of_each_stage(stuff: Material) -> None:
    rng = np.random.default_rng(SEED)
    matrix = stuff.whole(50, rng)
    short = planned.short_form(matrix, stuff, rng)
    asked = np.asarray(short.perception != NOT_ASKED, np.bool_)
    assert asked[:, list(stuff.core)].all()
    assert (asked.sum(axis=1) == len(stuff.core) + sum(stuff.drawn.values())).all()
    assert (short.perception[asked] == matrix.perception[asked]).all()


def test_items_of_the_short_form_that_are_answered_differently_are_caught(
    stuff: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = planned.short_form

    def kinder(matrix: Any, *given: Any) -> Any:
        found = right(matrix, *given)
        up = np.minimum(found.perception + 1, 7)
        return replace(found, perception=np.where(found.perception <= 7, up, found.perception).astype(np.uint8))

    monkeypatch.setattr(planned, "short_form", kinder)
    found = checks_of(planned.short_forms, 30, stuff)
    assert not found["planned.items"].holds and not found["planned.stages"].holds


def test_lost_defects_are_caught(stuff: Material) -> None:
    blind = replace(stuff, planted=lambda rng: (stuff.planted(rng)[0], frozenset({"encounter.tangibles"})))
    found = checks_of(rule.campaigns, 30, blind)
    assert not found["campaign.found"].holds and not found["campaign.false"].holds


def test_command_prints_its_seed_and_succeeds(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out, numbers = tmp_path / "validation.md", tmp_path / "validation.json"
    given = ["validate", "--only", "charts", "--runs", "20", "--seed", "3"]
    assert main([*given, "--markdown", str(out), "--json", str(numbers)]) == 0
    told = capsys.readouterr()
    assert "seed 3, 20 runs" in told.out and "4 checks" in told.out and told.err == ""
    assert "| errors.xmr.signals |" in out.read_text(encoding="utf-8")
    written = json.loads(numbers.read_text(encoding="utf-8"))
    assert written["seed"] == 3
    assert set(written["checks"][0]) == set(Check.__dataclass_fields__)


def test_command_names_what_fails(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "weighted_mean", half_as_wide(weighted_mean))
    assert main(["validate", "--only", "effects", "--runs", "200"]) == 1
    assert capsys.readouterr().err == "failed: coverage.weighted_mean\n"


def test_numbers_alone_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--only", "charts", "--runs", "20", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == 20


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--only", "luck"], "--only: the value is 'luck'; allowed are defects, campaign"),
        (["--runs", "1"], "--runs: the value is 1; allowed is a whole number from 2"),
        (["--only", "charts", "--runs", "9", "--json", "nowhere/there.json"], "nowhere/there.json: cannot be written"),
    ],
)
def test_command_refuses_plainly(given: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", *given]) == 2
    assert told in capsys.readouterr().err


def test_page_says_what_fails() -> None:
    good, bad, bare = (
        settled("a.good", "good", 0.5, 0.0, 0, 0.4, 0.6),
        settled("a.bad", "bad", 0.9, 0.0, 0, None, 0.6),
        settled("a.bare", "bare", 0.9, 0.0, 0),
    )
    text = page([good, bad, bare], 1, 2)
    assert "1 of 2 bounds do not hold: a.bad." in text
    assert "All 1 bounds hold." in page([good, bare], 1, 2)
    assert [verdict(one) for one in (good, bad, bare)] == ["holds", "FAILS", "–"]
    assert [bound(one) for one in (good, bad, bare)] == ["0.4 to 0.6", "at most 0.6", "reported"]
