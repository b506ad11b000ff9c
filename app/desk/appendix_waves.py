"""Two waves, and the same people asked twice, in words and tables."""

from __future__ import annotations

from analysis import figure_waves as draw
from analysis.consistency.retest import Retest
from analysis.trend.change import VERDICT_LEVEL
from analysis.waves import CellProof, Waves
from app.desk.appendix_charts import figured
from app.desk.appendix_groups import consequence_word
from app.desk.appendix_parts import (
    Column,
    Figured,
    Given,
    P,
    Point,
    Section,
    Table,
    build,
    column,
    ranged,
    said,
    third,
)
from app.desk.appendix_words import Terms
from app.desk.report_words import joined, level, status_word
from app.words import _, count, decimal, signed


def verdict_word(outcome: str) -> str:
    """The verdict on a defect of the earlier wave."""
    return {
        "closed": _("closed"),
        "improving": _("improving"),
        "not_demonstrated": _("not demonstrated"),
        "worse": _("worse"),
        "not_judged": _("not judged"),
    }[outcome]


def why_words() -> dict[str, str]:
    """Why nothing was judged."""
    return {
        "no_guard": _("nothing guards against regression to the mean"),
        "few_answers": _("too few answers in the later wave"),
        "no_change": _("no change could be estimated"),
        "not_comparable": _("the waves' answers do not mean the same"),
    }


def waves(terms: Terms) -> Section | None:
    """The change since an earlier wave, and the verdicts on its defects."""
    found = terms.research.waves
    if found is None:
        return None
    tables = [_proofs(terms, found), _scores(terms, found)]
    return Section(
        "waves",
        _("Change since the earlier wave"),
        _sentence(terms, found),
        _notes(terms, found),
        tuple(table for table in tables if table.rows),
        _chart(terms, found),
        _points(terms, found),
    )


def _sentence(terms: Terms, found: Waves) -> str:
    overall = found.scores.get("overall")
    if overall is None or overall.change.estimate.value is None:
        return _("The waves cannot be compared: too few answers in one of them.")
    one = overall.change.estimate
    if one.low is None:
        return _("All together moved by %(change)s points.") % {"change": signed(one.value)}
    return _("All together moved by %(change)s points (%(level)s interval %(low)s to %(high)s).") % {
        "change": signed(one.value),
        "level": level(one.level),
        "low": signed(one.low),
        "high": signed(one.high),
    }


def _notes(terms: Terms, found: Waves) -> tuple[str, ...]:
    notes = [
        _(
            "What looked worst in one wave looks better in the next by itself. A verdict therefore starts from a "
            "baseline drawn towards the mean of all cells, or from the difference to branches without the action. "
            "Closed: improved beyond chance, and no defect shown any more."
        )
    ]
    if found.treated:
        notes.append(
            _(
                "Branches with the action: %(names)s. The comparison with the others is fair only where these "
                "were not chosen for their bad figures."
            )
            % {"names": joined(list(found.treated))}
        )
    course = found.before_action
    if course is not None and course.difference.value is not None and course.difference.low is not None:
        notes.append(
            _(
                "Before the action their scores moved by %(slope)s points a week more than the others' (%(low)s to "
                "%(high)s, %(n)s weeks); the comparison takes this to be nought."
            )
            % {
                "slope": signed(course.difference.value),
                "low": signed(course.difference.low),
                "high": signed(course.difference.high),
                "n": count(course.periods),
            }
        )
    if found.invariance is not None:
        notes.append(
            _("May the waves' means be compared? %(word)s.") % {"word": consequence_word(found.invariance.consequence)}
        )
    if found.mix:
        names = joined([terms.trait(name) for name in found.mix])
        notes.append(
            _("Same mix: the later wave weighted to the earlier one's customers by %(names)s.") % {"names": names}
        )
    return tuple(notes)


def _comparison(name: str) -> str:
    return {
        "shrunken": _("from the shrunken baseline"),
        "difference_in_differences": _("against the other branches"),
        "plain": _("plain change"),
    }[name]


def _proofs(terms: Terms, found: Waves) -> Table:
    rows: list[tuple[str, list[Given]]] = []
    for cell, one in found.cells.items():
        proof = one.proof
        verdict = verdict_word(proof.outcome)
        if proof.why:
            verdict = _("%(verdict)s: %(why)s") % {"verdict": verdict, "why": why_words()[proof.why]}
        reached = "–" if proof.reached_target is None else (_("yes") if proof.reached_target else _("no"))
        values: list[Given] = [verdict, status_word(one.before), status_word(one.after), _comparison(one.comparison)]
        rows.append((terms.cell(cell), [*values, proof.change.at_verdict, reached]))
    target = next((one.proof.target for one in found.cells.values()), 0.0)
    return build(
        terms,
        _("Defects of the earlier wave"),
        _("Cell"),
        (
            Column(_("Verdict")),
            Column(_("Earlier wave")),
            Column(_("Later wave")),
            Column(_("Judged by")),
            column(_("Change"), signed),
            Column(_("At least %(target)s") % {"target": signed(target)}),
        ),
        rows,
    )


def _scores(terms: Terms, found: Waves) -> Table:
    rows: list[tuple[str, list[Given]]] = []
    for name, one in found.scores.items():
        p = one.change.p
        rows.append((terms.score(name), [one.before, one.after, one.change.estimate, p, one.q, one.same_mix]))
    return build(
        terms,
        _("Scores of both waves"),
        _("Score"),
        (
            Column(_("Earlier wave"), terms.score_text, n=True),
            Column(_("Later wave"), terms.score_text, n=True),
            ranged(_("Change"), signed),
            P,
            Column(_("p, adjusted"), P.form),
            ranged(_("Change at the same mix"), signed),
        ),
        rows,
        folded=bool(found.cells),
        grey=found.invariance is not None and found.invariance.consequence == "not_comparable",
        note=_("Plain changes of fresh samples (Welch); adjusted within each level (Benjamini-Hochberg)."),
    )


def _chart(terms: Terms, found: Waves) -> Figured | None:
    names = {cell: terms.cell(cell) for cell in found.cells}
    words = {"x_axis": _("change (points); to the right is better")}
    words |= {outcome: verdict_word(outcome) for outcome in ("closed", "improving", "not_demonstrated", "worse")}
    words["not_judged"] = verdict_word("not_judged")
    return figured(
        "waves",
        _summary(found),
        _("Change of each defect of the earlier wave with its %(level)s interval; n %(before)s and %(after)s")
        % {"level": level(VERDICT_LEVEL), "before": count(found.n_before), "after": count(found.n_after)},
        lambda width: draw.mended(found.cells, names, words, width),
    )


def _counts(found: Waves) -> dict[str, list[CellProof]]:
    kinds: dict[str, list[CellProof]] = {}
    for one in found.cells.values():
        kinds.setdefault(one.proof.outcome, []).append(one)
    return kinds


def _summary(found: Waves) -> str:
    kinds = _counts(found)
    order = ("closed", "improving", "not_demonstrated", "worse", "not_judged")
    told = [
        _("%(n)s %(verdict)s") % {"n": len(kinds[kind]), "verdict": verdict_word(kind)}
        for kind in order
        if kind in kinds
    ]
    return _("Defects of the earlier wave: %(told)s") % {"told": joined(told)}


def _points(terms: Terms, found: Waves) -> tuple[Point, ...]:
    if not found.cells:
        text = _("The earlier wave had no defect to mend, or no later figures of one may be shown.")
        return (Point("open", text),)
    kinds = _counts(found)
    words = _("%(summary)s.") % {"summary": _summary(found)}
    if set(kinds) <= {"closed", "improving"}:
        return (Point("good", words),)
    return (Point("open" if set(kinds) == {"not_judged"} else "caution", words),)


# -- the same people twice -------------------------------------------------------------------------------------------


def repeated(terms: Terms) -> Section | None:
    """How far people who answered twice agree with themselves."""
    found = terms.research.repeated
    if found is None:
        return None
    tables = [
        _retests(terms, name, parts) for name, parts in (("gap", found.gap), ("perception", found.perception)) if parts
    ]
    main = (found.gap or found.perception)["overall"].agreement
    word = said(main) if main.value is None else third(main.value)
    good = main.value is not None and main.value >= terms.thresholds.alpha_group
    return Section(
        "repeated",
        _("The same people, asked twice"),
        _("%(n)s people answered twice; agreement of all together: ICC %(word)s.")
        % {"n": count(found.n), "word": word},
        (
            _(
                "ICC(A,1) counts a shift between the occasions as error, ICC(C,1) does not. A person's score must "
                "move by more than the smallest detectable change before one may say that it has changed."
            ),
        ),
        tuple(tables),
        points=(
            Point(
                "good" if good else "caution",
                _("Asked again, the same people agree with themselves: ICC %(word)s.") % {"word": word}
                if good
                else _("Asked again, the same people agree with themselves only weakly: ICC %(word)s.")
                % {"word": word},
            ),
        ),
    )


def _retests(terms: Terms, name: str, parts: dict[str, Retest]) -> Table:
    return build(
        terms,
        _("Test-retest reliability: %(column)s") % {"column": terms.column(name)},
        _("Score"),
        (
            column("ICC(A,1)", third),
            ranged("ICC(C,1)", third),
            Column(_("Error of measurement (points)"), decimal),
            Column(_("Smallest detectable change (points)"), decimal),
        ),
        (
            (terms.score(score), (one.agreement, one.consistency, one.error, one.smallest_change))
            for score, one in parts.items()
        ),
    )
