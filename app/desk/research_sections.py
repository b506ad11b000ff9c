"""What the statistical appendix says: a sentence and tables for each family, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from analysis.research import Research
from analysis.results import Statistic
from app.desk.report_tables import Row, Table, cell_text
from app.desk.report_words import reason
from app.words import _, count, decimal, percent, pvalue, signed, worded
from surveys.questionnaire import Questionnaire

Form = Callable[[float | None], str]


@dataclass(frozen=True)
class Section:
    """One family."""

    id: str
    title: str
    sentence: str
    tables: tuple[Table, ...]
    grey: bool = False  # its groups may not be compared


@dataclass(frozen=True)
class Words:
    """Names of everything, in the reader's language."""

    questionnaire: Questionnaire
    label: Callable[..., str]
    names: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        found = {"overall": _("whole"), "total": _("all items")}
        for dimension in self.questionnaire.dimensions:
            found[dimension.id] = worded(dimension.name)
        for stage in self.questionnaire.stages:
            found[stage.id] = worded(stage.short or stage.name)
        object.__setattr__(self, "names", found)

    def score(self, name: str) -> str:
        """Name of "overall", "stage:ID", "dimension:ID"."""
        identifier = name.rpartition(":")[2]
        return self.names.get(identifier, identifier)

    def trait(self, name: str, value: str | None = None) -> str:
        """Name of a trait or of one of its values."""
        if name == "language":
            return _("Language") if value is None else {"en": "English", "zh-CN": "中文"}.get(value, value)
        return self.label(name) if value is None else self.label(name, value)


def number(one: Statistic | None, form: Form = decimal) -> str:
    """A value, or why there is none."""
    if one is None:
        return "–"
    return form(one.value) if one.value is not None else reason(one)


def limits(one: Statistic | None, form: Form = decimal) -> tuple[str, str, str]:
    """Value, lower and upper limit."""
    if one is None or one.value is None:
        return number(one, form), "–", "–"
    return form(one.value), form(one.low), form(one.high)


def sections(found: Research, words: Words) -> tuple[Section, ...]:
    """All families that the answers hold."""
    made = (
        _reliability(found, words),
        _structure(found, words),
        *_comparability(found, words),
        _branches(found, words),
        _drivers(found, words),
        _outcomes(found, words),
        _course(found, words),
        _precision(found, words),
        _quality(found, words),
        _missing(found, words),
        _comments(found, words),
    )
    return tuple(one for one in made if one is not None)


def _reliability(found: Research, words: Words) -> Section:
    """Alpha and its companions, of perception."""
    column = found.consistency.columns["perception"]
    scales = {"total": column.total, **column.dimensions, **column.stages}
    rows = tuple(
        Row(
            words.score(name),
            (*limits(one.alpha), number(one.omega), number(one.lambda2), number(one.lambda6), number(one.lambda4)),
        )
        for name, one in scales.items()
    )
    values = [one.alpha.value for one in column.dimensions.values() if one.alpha.value is not None]
    low = sum(value < 0.7 for value in values)
    sentence = (
        _("Reliability cannot be judged yet.")
        if not values
        else _("All dimensions are measured reliably enough to compare groups (alpha of .70 and above).")
        if not low
        else _(
            "%(low)s of %(all)s dimensions are measured too roughly to compare groups "
            "(alpha below .70): read their differences with care."
        )
        % {"low": low, "all": len(values)}
    )
    heads: tuple[str, ...] = (_("Scale"), _("alpha"), _("lower limit"), _("upper limit"), _("omega"), "λ2", "λ6", "λ4")
    tables = [Table(_("Reliability of perception"), heads, rows)]
    if found.consistency.difference is not None:
        gap = found.consistency.columns["gap"]
        parts = {"total": found.consistency.difference.total, **found.consistency.difference.dimensions}
        alphas = {"total": gap.total, **gap.dimensions}
        lines = tuple(
            Row(words.score(name), (number(one.reliability), number(alphas[name].alpha))) for name, one in parts.items()
        )
        heads = (_("Scale"), _("reliability of the difference"), _("alpha of the item gaps"))
        tables.append(Table(_("The gap as a difference of two ratings"), heads, lines))
    return Section("reliability", _("Reliability"), sentence, tuple(tables))


def _structure(found: Research, words: Words) -> Section:
    """How many factors, and which model describes the ratings."""
    sentences = {
        "one_factor_suffices": _(
            "One overall impression describes the ratings: differences between dimensions carry little of their own."
        ),
        "stages_fit": _("The stages of the service describe the ratings."),
        "second_order_fits": _("The dimensions show in the ratings, and one overall impression stands behind them."),
        "dimensions_fit": _("The dimensions of the questionnaire show in the ratings."),
        "bifactor_fits": _("One overall impression and the dimensions beside it describe the ratings."),
        "none_fits": _(
            "None of the factor models describes the ratings well: the dimensions are a "
            "way to sort items, no proven scales."
        ),
        "unrelated_items": _("The items hardly go together: no factor model is called for."),
        "not_estimable": _("The structure cannot be examined with these answers."),
    }
    models = {
        "dimensions": _("dimensions, correlated"),
        "stages": _("stages, correlated"),
        "one_factor": _("one factor"),
        "second_order": _("second order"),
        "bifactor": _("bifactor"),
    }
    column = found.confirmatory.columns["perception"]
    rows = []
    for name, one in column.models.items():
        fit = one.fit
        numbers = (
            ("–",) * 8
            if fit is None
            else (number(fit.chi2), str(fit.df), number(fit.cfi), number(fit.tli), *limits(fit.rmsea), number(fit.srmr))
        )
        rows.append(Row(models[name], numbers))
    heads: tuple[str, ...] = (_("Model"), "χ²", "df", "CFI", "TLI", "RMSEA", _("lower limit"), _("upper limit"), "SRMR")
    tables = [Table(_("Factor models of perception"), heads, tuple(rows))]
    lines = []
    for name, part in found.exploratory.items():
        called = {"perception": _("Perception"), "expectation": _("Expectation")}[name]
        general = part.solution.general
        lines.append(
            Row(
                called,
                (
                    number(part.adequacy.kmo),
                    number(part.adequacy.bartlett_p, pvalue),
                    number(part.suggested, count),
                    number(part.count.components, count),
                    number(part.count.map, count),
                    number(general.omega_hierarchical if general else None),
                ),
            )
        )
    heads = (
        _("Column"),
        "KMO",
        _("Bartlett, p"),
        _("factors, parallel analysis"),
        _("components, Horn"),
        _("components, MAP"),
        _("omega hierarchical"),
    )
    tables.append(Table(_("Number of factors"), heads, tuple(lines)))
    apart = tuple(
        Row(" – ".join(words.score(part) for part in name.split(".")), limits(one.htmt))
        for name, one in column.discriminance.items()
    )
    heads = (_("Dimensions"), "HTMT", _("lower limit"), _("upper limit"))
    tables += [Table(_("Are two dimensions two? (HTMT below .85)"), heads, apart)] if apart else []
    return Section("structure", _("Structure"), sentences[column.verdict], tuple(tables))


def _comparability(found: Research, words: Words) -> list[Section]:
    """Each trait: whether its groups may be compared, and their means."""
    told = {
        "comparable": _("These groups mean the same by their answers: their means may be compared."),
        "partially_comparable": _(
            "Nearly all items mean the same to these groups: their means may be "
            "compared, with the items named in the data set aside."
        ),
        "not_comparable": _("These groups do not mean the same by their answers: their means must not be compared."),
        "not_testable": _(
            "Whether these groups mean the same by their answers cannot be checked with "
            "so few complete answers: read differences with care."
        ),
    }
    made = []
    for trait, scores in found.groups.items():
        test = found.invariance.get(trait)
        overall = scores["overall"]
        rows = tuple(
            Row(words.trait(trait, group), (count(one.n), *limits(one, signed)))
            for group, one in overall.groups.items()
        )
        heads = (_("Group"), "n", _("mean gap"), _("lower limit"), _("upper limit"))
        lines = tuple(
            Row(words.score(name), (number(one.p, pvalue), number(one.p_h, pvalue), *limits(one.omega2)))
            for name, one in scores.items()
        )
        tests = (_("Score"), _("Welch, p"), _("Kruskal–Wallis, p"), "ω²", _("lower limit"), _("upper limit"))
        tables = [
            Table(words.trait(trait), heads, rows),
            Table(_("Do the groups differ?"), tests, lines),
        ]
        sentence = told[test.consequence] if test is not None else ""
        grey = test is not None and test.consequence == "not_comparable"
        made.append(Section(f"trait-{trait}", words.trait(trait), sentence, tuple(tables), grey))
    return made


def _branches(found: Research, words: Words) -> Section | None:
    """Raw and shrunken means, place in the funnel, rank with its interval."""
    if "overall" not in found.branches:
        return None
    all_of_them = found.branches["overall"]
    places = {
        "inside": _("within"),
        "low": _("below 95 %"),
        "far_low": _("below 99.8 %"),
        "high": _("above 95 %"),
        "far_high": _("above 99.8 %"),
        "no_funnel": "–",
    }
    rows = tuple(
        Row(
            name,
            (
                count(one.raw.n),
                number(one.raw, signed),
                number(one.adjusted, signed),
                *limits(one.shrunken, signed),
                places[one.place],
                *limits(one.rank, count),
            ),
        )
        for name, one in all_of_them.branches.items()
    )
    heads: tuple[str, ...] = (
        _("Branch"),
        "n",
        _("mean gap"),
        _("same mix of customers"),
        _("shrunken"),
        _("lower limit"),
        _("upper limit"),
        _("funnel"),
        _("rank"),
        _("from"),
        _("to"),
    )
    summary = tuple(
        Row(called, (number(one, form),))
        for called, one, form in (
            (_("Share of the variance between branches, ICC(1)"), all_of_them.icc_reml, decimal),
            (_("Reliability of branch means, ICC(2)"), all_of_them.icc2, decimal),
            (_("Standard deviation between branches"), all_of_them.between_sd, decimal),
            (_("Over-dispersion of the funnel"), all_of_them.overdispersion, decimal),
        )
    )
    icc = all_of_them.icc2.value
    sentence = (
        _("Branches cannot be told apart yet.")
        if icc is None
        else _("Branch means are reliable enough to be put in order; each rank stands with its interval.")
        if icc >= 0.7
        else _("Branches differ too little, or answers are too few, to put them in order: no ranks are given.")
    )
    return Section(
        "branches",
        _("Branches"),
        sentence,
        (
            Table(_("Branches, mean gap"), heads, rows),
            Table(_("How much branches differ"), (_("Measure"), _("value")), summary),
        ),
    )


def _drivers(found: Research, words: Words) -> Section | None:
    """Shares of importance, coefficients, kinds of factors, and whether the gap is a fair summary."""
    if not found.driving.sets:
        return None
    main = found.driving.sets[0]
    ranked = sorted(
        ((one.share.value, name) for name, one in main.drivers.items() if one.share.value is not None), reverse=True
    )
    sentence = _("What drives satisfaction cannot be told yet.")
    if ranked:
        sentence = _(
            "Most of what satisfaction has to do with the dimensions goes with %(name)s "
            "(association, not proof of cause)."
        ) % {"name": words.score(ranked[0][1])}
    kinds = {
        "basic": _("basic factor: low ratings cost, high ones earn little"),
        "performance": _("performance factor"),
        "excitement": _("excitement factor: high ratings earn, low ones cost little"),
        "wrong_sign": _("unexpected sign"),
        "unclear": _("unclear"),
        "too_few": _("too few low or high ratings"),
    }
    rows = tuple(
        Row(
            words.score(name),
            (
                *limits(one.beta, signed),
                *limits(one.share),
                number(one.relative_weight),
                kinds[found.driving.contrast[name].label] if name in found.driving.contrast else "–",
            ),
        )
        for name, one in main.drivers.items()
    )
    heads: tuple[str, ...] = (
        _("Dimension"),
        _("effect of one point"),
        _("lower limit"),
        _("upper limit"),
        _("share of R²"),
        _("lower limit"),
        _("upper limit"),
        _("relative weight"),
        _("kind"),
    )
    lines = [Row("R²", (number(main.r2),))]
    surface = found.driving.surface
    if surface is not None:
        fair = {
            "adequate": _("yes"),
            "not_adequate": _("no: perception and expectation work apart"),
            "not_identified": _("cannot be told: too few differ in one direction"),
        }
        lines.append(Row(_("Is the gap a fair summary of both ratings?"), (fair[surface.summary],)))
    return Section(
        "drivers",
        _("Drivers"),
        sentence,
        (
            Table(_("Satisfaction on the dimensions"), heads, rows),
            Table(_("The model"), (_("Measure"), _("value")), tuple(lines)),
        ),
    )


def _outcomes(found: Research, words: Words) -> Section | None:
    """NPS, CSAT, CES."""
    named = (
        (_("Net promoter score"), found.indices.nps, signed),
        (_("Satisfied (top two of the scale)"), found.indices.csat, percent),
        (_("Made easy, mean"), found.indices.ces, decimal),
        (_("Satisfaction, 0 to 100"), found.indices.index, decimal),
    )
    rows = tuple(Row(name, limits(one, form)) for name, one, form in named if one is not None)
    if not rows:
        return None
    heads: tuple[str, ...] = (_("Index"), _("value"), _("lower limit"), _("upper limit"))
    sentence = _("Outcomes of the whole service, with their intervals.")
    return Section("outcomes", _("Outcomes"), sentence, (Table(_("Outcomes"), heads, rows),))


def _course(found: Research, words: Words) -> Section:
    """Confidence sequences while the wave is open."""
    rows = tuple(Row(words.score(name), limits(one, signed)) for name, one in found.trend.sequences.items())
    sentence = (
        _("The wave is closed: the intervals of the report hold.")
        if found.trend.closed
        else _("The wave is still open: of all intervals only these hold however often you look.")
    )
    chart = found.trend.chart
    if chart is not None:
        sentence += " " + (
            _("The control chart shows a signal: the course of the wave is not only chance.")
            if chart.signals
            else _("The control chart shows no signal: the course of the wave is within chance.")
        )
    heads: tuple[str, ...] = (_("Score"), _("mean"), _("lower limit"), _("upper limit"))
    return Section("course", _("Course of the wave"), sentence, (Table(_("Confidence sequences"), heads, rows),))


def _precision(found: Research, words: Words) -> Section:
    """What the answers resolve and how many the next wave needs."""
    rows = tuple(
        Row(
            words.score(name),
            (
                number(one.sd),
                number(one.reached),
                count(one.for_quarter),
                count(one.for_delta),
                count(one.for_change_fresh),
            ),
        )
        for name, one in found.sampling.scores.items()
    )
    heads: tuple[str, ...] = (
        _("Score"),
        _("standard deviation"),
        _("± with these answers"),
        _("answers for ±0.25 of seven points"),
        _("answers to confirm a gap of 1.0"),
        _("answers in each wave to prove a change of 0.3"),
    )
    sentence = _("How exactly this wave measures, and how many answers the next one needs.")
    return Section("precision", _("Precision and sample size"), sentence, (Table(_("Precision"), heads, rows),))


def _quality(found: Research, words: Words) -> Section:
    """Signs of careless answering, and the key results with and without."""
    signs = {
        "longstring": _("long runs of one answer"),
        "uniform": _("one answer to everything"),
        "irv": _("hardly any variation"),
        "straight_gap": _("perception equals expectation throughout"),
        "mahalanobis": _("very unusual combination of answers"),
        "even_odd": _("contradictory within dimensions"),
        "attention": _("attention check failed"),
        "self_report": _("asked us not to use the answers"),
        "speed": _("too fast"),
        "duplicate": _("duplicate"),
    }
    rows = tuple(Row(signs[name], limits(one, percent)) for name, one in found.quality.flagged.items())
    lines = tuple(
        Row(words.score(name), (number(one.all, signed), number(one.without, signed)))
        for name, one in found.with_and_without.items()
    )
    sentence = _(
        "%(share)s of the respondents show signs of careless answering; nobody was left out of the report."
    ) % {"share": number(found.quality.excluded, percent)}
    return Section(
        "quality",
        _("Response quality"),
        sentence,
        (
            Table(_("Signs of careless answering"), (_("Sign"), _("share"), _("lower limit"), _("upper limit")), rows),
            Table(_("Key results with and without these respondents"), (_("Score"), _("all"), _("without")), lines),
        ),
    )


def _missing(found: Research, words: Words) -> Section:
    """Blanks."""
    part = found.missingness
    rows = (
        Row(_("Left blank"), limits(part.blank, percent)),
        Row(_("Does not apply"), limits(part.not_applicable, percent)),
        Row(_("Respondents without a blank"), limits(part.complete, percent)),
        Row(_("Missing by chance alone? Little's test, p"), (cell_text(part.p_little, pvalue), "–", "–")),
    )
    p = part.p_little.value
    sentence = (
        _("Little was left open, or it cannot be tested why.")
        if p is None
        else (
            _("Nothing speaks against blanks being chance.")
            if p > 0.05
            else _("Blanks are not chance alone: some items or people are left out more often.")
        )
    )
    heads: tuple[str, ...] = (_("Ratings"), _("share"), _("lower limit"), _("upper limit"))
    return Section("missing", _("Missing answers"), sentence, (Table(_("Missing answers"), heads, rows),))


def _comments(found: Research, words: Words) -> Section | None:
    """What comments are about."""
    if found.comments is None:
        return None
    rows = tuple(
        Row(words.score(name), (*limits(one.share, percent), number(one.p_above, pvalue), ", ".join(one.examples)))
        for name, one in (*found.comments.dimensions.items(), *found.comments.stages.items())
    )
    heads: tuple[str, ...] = (
        _("Topic"),
        _("share"),
        _("lower limit"),
        _("upper limit"),
        _("more than others, p"),
        _("words found"),
    )
    sentence = _("Comments are filed by a list of words that anybody can read; nothing is guessed about feelings.")
    return Section("comments", _("Comments"), sentence, (Table(_("What comments are about"), heads, rows),))
