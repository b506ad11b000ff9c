"""Whether the answers have the dimensions of the theory: exploratory and confirmatory factor analysis."""

from __future__ import annotations

from analysis.confirm.report import ConfirmatoryColumn
from analysis.explore.report import Exploratory, FactorSolution
from analysis.results import Statistic
from app.desk.appendix_charts import scree_chart
from app.desk.appendix_fit import chi2_head, index_head, indices_of, kind_note, main_kind
from app.desk.appendix_parts import (
    Column,
    Given,
    P,
    Point,
    Section,
    Table,
    build,
    column,
    grouped,
    ranged,
    simple,
    third,
    whole,
    why,
)
from app.desk.appendix_words import Terms, status_words, with_model, yes_no
from app.desk.report_words import capital
from app.words import _, count, decimal, pvalue


def structure(terms: Terms) -> Section:
    """Factors, explored and confirmed."""
    found = terms.research
    tables: list[Table] = []
    columns = sorted(found.confirmatory.columns.items(), key=lambda pair: pair[0] != "perception")
    for name, one in columns[:1]:
        tables += [_fits(terms, name, one), _convergence(terms, name, one), _discriminance(terms, name, one)]
    tables += [_counts(terms), _general(terms)]
    for at, (name, one) in enumerate(columns):
        parts = [_loadings(terms, name, one), _modifications(terms, name, one)]
        heading = _("Loadings and modification indices: %(column)s")
        if at:
            parts = [_fits(terms, name, one), _convergence(terms, name, one), _discriminance(terms, name, one), *parts]
            heading = _("Confirmatory factor analysis: %(column)s")
        tables += grouped(heading % {"column": terms.column(name)}, parts)
    for name, explored in sorted(found.exploratory.items(), key=lambda pair: pair[0] != "perception"):
        parts = [_adequacy(terms, name, explored), *_solution(terms, name, explored)]
        tables += grouped(_("Exploratory factor analysis: %(column)s") % {"column": terms.column(name)}, parts)
    return Section(
        "structure",
        _("Structure"),
        _sentence(terms),
        (
            _(
                "Guides: CFI and TLI from %(cfi)s (%(fair)s is fair), RMSEA up to %(rmsea)s (%(rmsea_fair)s), "
                "SRMR up to "
                "%(srmr)s (Hu and Bentler 1999). They are guides, not tests, and were found for other models and "
                "samples."
            )
            % {
                "cfi": decimal(terms.thresholds.cfi_good),
                "fair": decimal(terms.thresholds.cfi_fair),
                "rmsea": decimal(terms.thresholds.rmsea_good),
                "rmsea_fair": decimal(terms.thresholds.rmsea_fair),
                "srmr": decimal(terms.thresholds.srmr_good),
            },
            _("Expectation and perception are modelled separately, never their difference."),
        ),
        tuple(table for table in tables if table.rows),
        scree_chart(terms),
        _points(terms),
    )


def _verdict(verdict: str) -> str:
    return {
        "one_factor_suffices": _("one factor describes the answers as well as several: one general impression"),
        "stages_fit": _("the stages describe the answers as factors; the dimensions add nothing"),
        "second_order_fits": _("the dimensions show, and one general impression lies behind them"),
        "dimensions_fit": _("the correlated dimensions of the theory fit"),
        "bifactor_fits": _("one general impression and separate dimensions beside it fit"),
        "none_fits": _("none of the models fits well enough"),
        "unrelated_items": _("the items hardly correlate"),
        "not_estimable": _("no model can be estimated"),
    }.get(verdict, verdict)


def _sentence(terms: Terms) -> str:
    one = terms.research.confirmatory.columns.get("perception")
    if one is None or one.reason is not None:
        return _("The structure of the answers cannot be told: %(why)s.") % {
            "why": why(Statistic(None, reason=one.reason) if one else None)
        }
    words = _("Confirmatory factor analysis of perception: %(verdict)s") % {"verdict": _verdict(one.verdict)}
    fit = one.models["dimensions"].fit if "dimensions" in one.models else None
    if fit is not None:
        own = indices_of(fit)
        words += _(" (correlated dimensions: CFI %(cfi)s, RMSEA %(rmsea)s, SRMR %(srmr)s, n %(n)s)") % {
            "cfi": decimal(own.cfi.value, 3),
            "rmsea": decimal(own.rmsea.value, 3),
            "srmr": decimal(fit.srmr.value, 3),
            "n": count(fit.n),
        }
    return words + _(".")


def _points(terms: Terms) -> tuple[Point, ...]:
    one = terms.research.confirmatory.columns.get("perception")
    if one is None or one.reason is not None or one.verdict == "not_estimable":
        told = why(Statistic(None, reason=one.reason)) if one and one.reason else _("no model can be estimated")
        return (
            Point("open", _("Whether the dimensions show in the answers cannot be told: %(why)s.") % {"why": told}),
        )
    explored = terms.research.exploratory.get("perception")
    general = explored.solution.general if explored else None
    if one.verdict in ("dimensions_fit", "bifactor_fits", "second_order_fits"):
        words, mark = _("The dimensions of the questionnaire show in the answers."), "good"
    elif one.verdict == "one_factor_suffices":
        words, mark = (
            _("The answers are one general impression: do not read the dimensions as separate scores."),
            "caution",
        )
    elif one.verdict == "stages_fit":
        words, mark = _("Customers tell the stages apart, not the dimensions: read the stages first."), "caution"
    else:
        words, mark = _("The answers do not follow the dimensions of the questionnaire closely."), "caution"
    if general is not None and general.omega_hierarchical.value is not None:
        share = decimal(100 * general.omega_hierarchical.value, 0)
        told = _(
            "A general impression carries %(share)s %% of the variance of the total score (omega hierarchical)."
        ) % {"share": share}
        if "dominates" in (*general.omega_hierarchical.flags, *general.ecv.flags):
            more = _("It dominates: differences between the dimensions are small beside it.")
            told = _("%(first)s %(second)s") % {"first": told, "second": more}
            mark = "caution"
        words = _("%(first)s %(second)s") % {"first": words, "second": told}
    return (Point("good" if mark == "good" else "caution", words),)


def _fits(terms: Terms, name: str, one: ConfirmatoryColumn) -> Table:
    rows: list[tuple[str, list[Given]]] = []
    kind = main_kind(rival.fit for rival in one.models.values())
    for model, rival in one.models.items():
        fit = rival.fit
        if fit is None:
            rows.append((with_model(model), [status_words(rival.status), *("–",) * 8]))
            continue
        own = indices_of(fit, kind)
        values: list[Given] = [status_words(rival.status), own.chi2, str(fit.df), own.p, own.cfi, own.tli, own.rmsea]
        rows.append((with_model(model), [*values, fit.srmr, yes_no(rival.acceptable)]))
    heads = (
        Column(_("Status")),
        Column(chi2_head(kind)),
        Column("df"),
        P,
        Column(index_head("CFI", kind), third),
        Column(index_head("TLI", kind), third),
        ranged(index_head("RMSEA", kind), third),
        Column("SRMR", third, n=True),
        Column(_("Fits acceptably")),
    )
    estimator = {
        "MLR": _("robust maximum likelihood (MLR)"),
        "ML": _("maximum likelihood (ML)"),
        "WLSMV": _("weighted least squares for ordered categories (WLSMV)"),
    }.get(one.estimator, one.estimator)
    note = _("%(estimator)s; n %(n)s, of whom %(complete)s answered everything.") % {
        "estimator": estimator,
        "n": count(one.n),
        "complete": count(one.n_complete),
    }
    flags = [kind_note(kind), *(capital(terms.caution(flag)) + _(".") for flag in one.flags)]
    caption = _("Confirmatory factor analysis: %(column)s") % {"column": terms.column(name)}
    told = " ".join(part for part in (capital(note), *flags) if part)
    return build(terms, caption, _("Model"), heads, rows, note=told)


def _convergence(terms: Terms, name: str, one: ConfirmatoryColumn) -> Table:
    return build(
        terms,
        _("Convergent validity: %(column)s") % {"column": terms.column(name)},
        _("Dimension"),
        (ranged(_("Composite reliability (CR)")), column(_("Average variance extracted (AVE)"))),
        ((terms.dimensions[key], (part.cr, part.ave)) for key, part in one.convergence.items()),
        note=_("Guides: CR from %(cr)s, AVE from %(ave)s.")
        % {"cr": decimal(terms.thresholds.cr_least), "ave": decimal(terms.thresholds.ave_least)},
    )


def _discriminance(terms: Terms, name: str, one: ConfirmatoryColumn) -> Table:
    verdicts = {
        "distinct": _("distinct"),
        "distinct_leniently": _("distinct by the lenient guide"),
        "not_distinct": _("not distinct"),
        "not_defined": _("not defined"),
    }
    rows = []
    for pair, part in one.discriminance.items():
        first, _dot, second = pair.partition(".")
        head = f"{terms.dimensions[first]} – {terms.dimensions[second]}"
        rows.append(
            (head, (part.correlation, yes_no(part.fornell_larcker), part.htmt, part.htmt2, verdicts[part.verdict]))
        )
    return build(
        terms,
        _("Discriminant validity: %(column)s") % {"column": terms.column(name)},
        _("Dimensions"),
        (
            ranged(_("r of the factors")),
            Column(_("Fornell-Larcker met")),
            ranged("HTMT"),
            column("HTMT2"),
            Column(_("By HTMT")),
        ),
        rows,
        note=_("HTMT below %(strict)s: distinct; below %(lenient)s: by the lenient guide.")
        % {"strict": decimal(terms.thresholds.htmt_strict), "lenient": decimal(terms.thresholds.htmt_lenient)},
    )


def _loadings(terms: Terms, name: str, one: ConfirmatoryColumn) -> Table:
    return build(
        terms,
        _("Standardised loadings: %(column)s") % {"column": terms.column(name)},
        _("Item"),
        (Column(_("Dimension")), column(_("Loading"))),
        ((terms.item(key), (terms.dimensions[part.dimension], part.loading)) for key, part in one.loadings.items()),
        folded=True,
    )


def _modifications(terms: Terms, name: str, one: ConfirmatoryColumn) -> Table:
    kinds = {"loading": _("loading on another dimension"), "error_covariance": _("correlated errors")}
    found = one.models["dimensions"].modifications if "dimensions" in one.models else ()
    return build(
        terms,
        _("Largest modification indices: %(column)s") % {"column": terms.column(name)},
        _("Item"),
        (Column(_("With")), Column(_("Kind")), Column(_("Index")), P, Column(_("Expected change"), n=True)),
        (
            (
                terms.item(part.item),
                (
                    terms.items.get(part.other) or terms.predictor(part.other),
                    kinds[part.kind],
                    part.index,
                    part.p,
                    part.change,
                ),
            )
            for part in found
        ),
        folded=True,
        note=_("A list to think with, not a recipe: a model changed to fit one sample fits that sample."),
    )


def _counts(terms: Terms) -> Table:
    sentences = {
        "as_theory": _("as the theory says"),
        "fewer": _("fewer than the theory says"),
        "more": _("more than the theory says"),
        "not_factorable": _("the correlations are no matter for factors"),
        "undefined": _("cannot be told"),
    }
    return build(
        terms,
        _("How many factors?"),
        _("Column"),
        (
            Column(_("Parallel analysis, components"), whole),
            Column(_("Parallel analysis, factors"), whole),
            Column(_("Velicer's MAP"), whole, n=True),
            Column(_("Theory")),
            Column(_("Suggested"), whole),
            Column(_("Beside the theory")),
        ),
        (
            (
                terms.column(name),
                (
                    one.count.components,
                    one.count.factors,
                    one.count.map,
                    str(one.theory),
                    one.suggested,
                    sentences[one.sentence],
                ),
            )
            for name, one in terms.research.exploratory.items()
        ),
        note=_("In large samples the parallel analysis of factors also counts factors too small to use."),
    )


def _general(terms: Terms) -> Table:
    rows = []
    for name, one in terms.research.exploratory.items():
        part = one.solution.general
        if part is not None:
            rows.append((terms.column(name), (part.omega_hierarchical, part.omega_total, part.ecv)))
    return build(
        terms,
        _("General factor (Schmid-Leiman)"),
        _("Column"),
        (
            Column(_("Omega hierarchical")),
            Column(_("Omega total")),
            Column(_("Explained common variance (ECV)"), n=True),
        ),
        rows,
        note=_("From omega hierarchical %(omega)s or ECV %(ecv)s on, the total score dominates.")
        % {"omega": decimal(terms.thresholds.omega_h), "ecv": decimal(terms.thresholds.ecv)},
    )


def _adequacy(terms: Terms, name: str, one: Exploratory) -> Table:
    found = one.adequacy
    bartlett = _("Bartlett's test: chi square %(value)s, df %(df)s, p %(p)s.") % {
        "value": decimal(found.bartlett.value),
        "df": found.bartlett_df,
        "p": pvalue(found.bartlett_p.value),
    }
    rows = [(_("All items (KMO)"), (found.kmo,)), *((terms.item(key), (msa,)) for key, msa in found.msa.items())]
    return build(
        terms,
        _("Sampling adequacy (KMO, MSA): %(column)s") % {"column": terms.column(name)},
        _("Item"),
        (Column("MSA", n=True),),
        rows,
        folded=True,
        note=bartlett,
    )


def _solution(terms: Terms, name: str, one: Exploratory) -> list[Table]:
    """Pattern, structure and correlations of the rotated factors."""
    found = one.solution
    heads = {"column": terms.column(name)}
    if not found.names:
        return []
    pattern = simple(
        _("Exploratory factors, pattern (minres, oblimin): %(column)s") % heads,
        (_("Item"), *found.names, "h²", *((_("General"),) if found.general else ())),
        ((terms.item(key), _pattern(found, key)) for key in found.pattern),
        True,
    )
    rotated = simple(
        _("Exploratory factors, structure: %(column)s") % heads,
        (_("Item"), *found.names),
        ((terms.item(key), [decimal(row[f]) for f in found.names]) for key, row in found.structure.items()),
        True,
    )
    phi = simple(
        _("Correlations of the exploratory factors: %(column)s") % heads,
        (_("Factor"), *found.names),
        ((key, [decimal(row[f]) for f in found.names]) for key, row in found.phi.items()),
        True,
    )
    fit = build(
        terms,
        _("Fit of the exploratory factors: %(column)s") % heads,
        _("Factors"),
        (Column("χ²"), Column("df"), P, Column("TLI", third), ranged("RMSEA", third), Column("RMSR", third, n=True)),
        [
            (
                decimal(found.status.value, 0),
                (found.chi2, str(found.df), found.p, found.tli, found.rmsea, found.rmsr),
            )
        ],
        folded=True,
        note=_("Polychoric correlations") if one.input == "polychoric" else _("Pearson correlations"),
    )
    return [pattern, rotated, phi, fit]


def _pattern(found: FactorSolution, key: str) -> list[str]:
    row = [decimal(found.pattern[key][factor]) for factor in found.names]
    row.append(decimal(found.communality.get(key)))
    return [*row, decimal(found.general.loadings.get(key))] if found.general else row
