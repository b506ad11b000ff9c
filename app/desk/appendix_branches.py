"""Branches: whether they differ, and by how much, each with its interval."""

from __future__ import annotations

from analysis.compare.report import Branch, Branches
from app.desk.appendix_charts import funnel_chart
from app.desk.appendix_parts import Column, Given, P, Point, Section, Table, build, column, ranged, third
from app.desk.appendix_words import Terms
from app.desk.report_words import joined, reason, share
from app.words import _, count, decimal, pvalue

OUTSIDE = ("low", "far_low", "high", "far_high")


def place_words() -> dict[str, str]:
    """Where a branch lies in the funnel."""
    return {
        "inside": _("inside the limits"),
        "low": _("below the inner limit"),
        "far_low": _("below the outer limit"),
        "high": _("above the inner limit"),
        "far_high": _("above the outer limit"),
        "no_funnel": _("no funnel: too few branches"),
    }


def branches(terms: Terms) -> Section:
    """All branches on the overall score and the stages."""
    found = terms.research.branches
    if not found:
        return Section(
            "branches",
            _("Branches"),
            _("There are no two branches that may be shown."),
            points=(Point("open", _("Whether branches differ cannot be told: no two of them may be shown.")),),
        )
    tables = [_table(terms, name, one) for name, one in found.items()]
    return Section(
        "branches",
        _("Branches"),
        _sentence(terms, found["overall"]) if "overall" in found else "",
        (
            _(
                "Adjusted: as if every branch had the same mix of customers. Shrunken (empirical Bayes): drawn towards "
                "the mean of all branches, the more the less is known about the branch. Rank 1 is the largest "
                "shortfall; "
                "it is printed only with its interval, and only where the branch means are reliable enough (ICC(2) "
                "from %(at)s)."
            )
            % {"at": decimal(terms.thresholds.rank_reliability)},
            _(
                "Funnel plot: limits of %(inner)s and %(outer)s round the mean, widened for over-dispersion by an "
                "additive variance. A branch outside is a reason to look, not a verdict."
            )
            % {"inner": share(terms.thresholds.level), "outer": share(terms.thresholds.funnel_outer, 1)},
        ),
        (tables[0], _between(terms), _pooled(terms), *tables[1:]),
        funnel_chart(terms),
        _points(terms, found.get("overall")),
    )


def outside(one: Branches) -> list[str]:
    """Branches outside the inner limits of the funnel."""
    return [name for name, branch in one.branches.items() if branch.place in OUTSIDE]


def _sentence(terms: Terms, one: Branches) -> str:
    if one.icc1.value is None:
        return _("Whether branches differ cannot be told: %(why)s.") % {"why": reason(one.icc1)}
    icc = {"icc": share(max(one.icc1.value, 0), 1), "branches": len(one.branches), "p": pvalue(one.p_q.value)}
    words = _(
        "%(icc)s of the variance lies between the %(branches)s branches (ICC(1); test that all are equal: p %(p)s)."
    )
    odd = outside(one)
    if all(branch.place == "no_funnel" for branch in one.branches.values()):
        place = _("They are too few for a funnel plot.")
    elif odd:
        place = _("Outside the funnel: %(names)s.") % {"names": joined(odd)}
    else:
        place = _("All lie inside the funnel.")
    return _("%(first)s %(second)s") % {"first": words % icc, "second": place}


def _points(terms: Terms, one: Branches | None) -> tuple[Point, ...]:
    if one is None or one.icc1.value is None:
        return (Point("open", _("Whether branches differ cannot be told yet.")),)
    differ = one.p_q.value is not None and one.p_q.value < 1 - terms.thresholds.level
    odd = outside(one)
    part = {"share": share(max(one.icc1.value, 0)), "names": joined(odd)}
    if odd:
        text = _("Branches differ (%(share)s of the variance); look at %(names)s, outside the funnel.")
        return (Point("caution", text % part),)
    if differ:
        text = _("Branches differ a little (%(share)s of the variance), but none stands out from the others.")
        return (Point("good", text % part),)
    return (Point("good", _("No difference between branches is shown beyond chance.")),)


def _table(terms: Terms, name: str, one: Branches) -> Table:
    form = terms.score_text
    words = place_words()
    order = sorted(one.branches.items(), key=_order)
    unranked = _unranked(one)
    rows: list[tuple[str, list[Given]]] = []
    for unit, branch in order:
        values: list[Given] = [branch.raw, branch.adjusted, branch.shrunken, branch.reliability]
        values += [words[branch.place], branch.z, *([] if unranked else [_rank(branch)])]
        rows.append((unit, values))
    heads = [
        column(_("Raw mean"), form),
        ranged(_("Adjusted"), form),
        ranged(_("Shrunken"), form),
        Column(_("Reliability of the branch")),
        Column(_("In the funnel")),
        Column("z", form),
        *([] if unranked else [Column(_("Rank"))]),
    ]
    caption = _("Branches: %(score)s") % {"score": terms.score(name)}
    note = _("No ranks: %(why)s.") % {"why": unranked} if unranked else ""
    return build(terms, caption, _("Branch"), heads, rows, folded=name != "overall" or len(rows) > 60, note=note)


def _unranked(one: Branches) -> str:
    """Why no branch has a rank; empty where some have."""
    reasons = {_rank(branch) if branch.rank.value is None else "" for branch in one.branches.values()}
    return reasons.pop() if len(reasons) == 1 else ""


def _order(pair: tuple[str, Branch]) -> tuple[str]:
    """By name: the order of a table would be read as a ranking."""
    return (pair[0],)


def _rank(branch: Branch) -> str:
    rank = branch.rank
    if rank.value is None or rank.low is None or rank.high is None:
        return reason(rank)
    low, high = decimal(rank.low, 0), decimal(rank.high, 0)
    return _("%(rank)s (%(low)s to %(high)s)") % {"rank": decimal(rank.value, 0), "low": low, "high": high}


def _between(terms: Terms) -> Table:
    """How much the branches really differ."""
    heads = (
        ranged(_("SD between branches")),
        ranged("ICC(1)", third),
        ranged("ICC(2)"),
        ranged("I²", share),
        Column(_("Branches")),
    )
    rows: list[tuple[str, list[Given]]] = [
        (terms.score(name), [one.between_sd, one.icc1, one.icc2, one.i2, count(len(one.branches))])
        for name, one in terms.research.branches.items()
    ]
    note = _(
        "ICC(1): share of the variance that lies between branches. ICC(2): reliability of their means. I²: share of "
        "what their means vary that is not chance. Intervals of the SD and I² by the Q profile, of the ICC by F."
    )
    return build(terms, _("Variance between branches"), _("Score"), heads, rows, note=note)


def _pooled(terms: Terms) -> Table:
    """Means over the branches, the tests, and the same variance by other methods."""
    heads = (
        ranged(_("Mean of the branches"), terms.score_text),
        ranged(_("Each branch once"), terms.score_text),
        Column("Q"),
        P,
        Column(_("Over-dispersion φ")),
        Column(_("p of φ"), P.form),
        Column(_("SD, DerSimonian-Laird")),
        Column("ICC(1), REML", third),
    )
    rows: list[tuple[str, list[Given]]] = []
    for name, one in terms.research.branches.items():
        tests: list[Given] = [one.q, one.p_q, one.overdispersion, one.p_overdispersion]
        rows.append((terms.score(name), [one.mean, one.equal_mean, *tests, one.between_sd_dl, one.icc_reml]))
    caption = _("Branches together: means, tests, and the variance by other methods")
    return build(terms, caption, _("Score"), heads, rows, folded=True)
