"""The gaps again, by other methods: bootstrap, branches as clusters, the zone of tolerance."""

from __future__ import annotations

from app.desk.appendix_parts import Column, Given, P, Section, Table, build, column, ranged
from app.desk.appendix_words import Terms
from app.desk.report_words import share
from app.words import _, count, decimal, signed


def gaps(terms: Terms) -> Section:
    """The mean gaps by other methods."""
    tables = [_bootstrap(terms), _designed(terms), _zone(terms), *_anchor(terms)]
    return Section(
        "gaps",
        _("Gaps again"),
        _sentence(terms),
        (
            _(
                "BCa: bias-corrected and accelerated bootstrap, %(draws)s resamples of customers. Clusters: CR2 "
                "standard errors with Satterthwaite degrees of freedom, for customers drawn branch by branch; "
                "the design "
                "effect is the variance over that of independent customers."
            )
            % {"draws": count(terms.thresholds.bca_draws)},
        )
        if terms.research.bootstrap or terms.research.designed
        else (),
        tuple(table for table in tables if table.rows),
    )


def _sentence(terms: Terms) -> str:
    boot = terms.research.bootstrap.get("overall")
    if boot is None:
        return _("Expectation was not asked, so there is no gap to test by other methods.")
    if boot.value is None or boot.low is None:
        return _("The mean gap cannot be told yet.")
    words = _("The mean gap over all dimensions is %(gap)s (bootstrap %(low)s to %(high)s, n %(n)s)") % {
        "gap": signed(boot.value),
        "low": signed(boot.low),
        "high": signed(boot.high),
        "n": count(boot.n),
    }
    own = terms.research.designed.get("overall")
    if own is not None and own.clustered.low is not None:
        words += _("; with branches as clusters %(low)s to %(high)s, design effect %(effect)s") % {
            "low": signed(own.clustered.low),
            "high": signed(own.clustered.high),
            "effect": decimal(own.design_effect.value),
        }
    return words + _(".")


def _bootstrap(terms: Terms) -> Table:
    return build(
        terms,
        _("Mean gap, bootstrap interval"),
        _("Score"),
        (column(_("Mean gap"), signed),),
        ((terms.score(name), (one,)) for name, one in terms.research.bootstrap.items()),
    )


def _designed(terms: Terms) -> Table:
    three = terms.format == "three_column"
    limit = signed(0.0 if three else -terms.thresholds.delta(terms.layout.points))
    rows = [
        (terms.score(name), (one.clustered, one.p_nil, one.p_minimum_effect, one.design_effect, one.icc))
        for name, one in terms.research.designed.items()
    ]
    heads = (
        column(_("Mean gap"), signed),
        Column(_("p: no gap"), P.form),
        Column(_("p: not beyond %(limit)s") % {"limit": limit}, P.form),
        Column(_("Design effect")),
        Column("ICC(1)", decimal),
    )
    note = _("The p are one-sided and not adjusted for one another; a defect's status is decided in the report.")
    caption = _("Mean gap, branches as clusters")
    return build(terms, caption, _("Score"), heads, rows, folded=len(rows) > 12, note=note)


def _anchor(terms: Terms) -> list[Table]:
    """What a step of overall satisfaction is worth in gap points."""
    found = terms.research.anchor
    if found is None:
        return []
    if found.reason is not None:
        return []
    rows: list[tuple[str, list[Given]]] = [
        (_("From %(low)s to %(high)s") % {"low": one.lower, "high": one.upper}, [one.difference]) for one in found.steps
    ]
    rows.append((_("All steps together"), [found.pooled]))
    note = _(
        "An anchor for the smallest gap that matters (%(delta)s in use): how far the mean gap moves from one step of "
        "overall satisfaction to the next. It alters nothing."
    ) % {"delta": decimal(found.delta)}
    caption = _("Gap points in a step of overall satisfaction")
    return [build(terms, caption, _("Step"), (column(_("Difference"), signed),), rows, folded=True, note=note)]


def _zone(terms: Terms) -> Table:
    rows = [
        (
            terms.item(name),
            (
                one.adequacy,
                one.superiority,
                one.width,
                one.position,
                one.below,
                one.within,
                one.above,
                one.inconsistent,
            ),
        )
        for name, one in terms.research.zone.items()
    ]
    heads = (
        column(_("Adequacy (P − minimum)"), signed),
        ranged(_("Superiority (P − desired)"), signed),
        Column(_("Width of the zone")),
        Column(_("Position in the zone")),
        Column(_("Below"), share),
        Column(_("Within"), share),
        Column(_("Above"), share),
        Column(_("Minimum above desired"), share),
    )
    return build(
        terms,
        _("Zone of tolerance"),
        _("Item"),
        heads,
        rows,
        folded=True,
        note=_("Position: 0 at the minimum, 1 at the desired level; a ratio of means."),
    )
