"""Names and words of the statistical appendix in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from analysis.matrix import Layout
from analysis.research import Research
from analysis.thresholds import Thresholds
from app.desk.report_words import Named, capital, reasons
from app.languages import own_name
from app.words import _, decimal, signed, worded
from surveys.questionnaire import Questionnaire


@dataclass(frozen=True)
class Terms(Named):
    """A questionnaire with its results: what things are called."""

    questionnaire: Questionnaire
    layout: Layout
    research: Research
    thresholds: Thresholds
    floor: int

    @property
    def n(self) -> int:
        """Respondents in view."""
        return self.research.n

    @property
    def format(self) -> str:
        """Two columns, three columns or perception alone."""
        return self.questionnaire.format

    @property
    def plain_scores(self) -> bool:
        """Whether the score of a group is a mean of perception, because no gap was asked."""
        return self.format == "perception_only"

    def score_text(self, value: float | None) -> str:
        """A gap with its sign, or a mean."""
        return decimal(value) if self.plain_scores else signed(value)

    @cached_property
    def items(self) -> dict[str, str]:
        """Items as they stand in tables: id and touchpoint, else id and statement."""
        found = {}
        for name in self.layout.items:
            item = self.questionnaire.item(name)
            words = capital(worded(item.touchpoint)) if item.touchpoint else worded(item.wording("perception"))
            found[name] = f"{name} · {words}" if words else name
        return found

    def item(self, name: str) -> str:
        """An item, or what stands for one."""
        return self.items.get(name, name)

    def score(self, name: str) -> str:
        """A score ("overall", "stage:…", "dimension:…", "cell:…") in words."""
        level, _colon, own = name.partition(":")
        if level == "overall":
            return _("All (mean of the dimensions)")
        if level == "cell":
            return self.cell(own)
        return {"stage": self.stages, "dimension": self.dimensions}.get(level, {}).get(own, own)

    def predictor(self, name: str) -> str:
        """A predictor: a dimension, a stage or a cell."""
        return self.dimensions.get(name) or self.stages.get(name) or self.cell(name)

    def cell(self, name: str) -> str:
        """A cell as "stage · dimension", or what stands for one."""
        return self.cells.get(name, name)

    def column(self, name: str) -> str:
        """A column of the ratings."""
        if name == "expectation":
            return _("Desired") if self.format == "three_column" else _("Expectation")
        return {"perception": _("Perception"), "gap": _("Gap")}[name]

    def trait(self, name: str) -> str:
        """What people are grouped by."""
        question = self.questionnaire.question(name)
        if question is not None:
            return worded(question.short or question.prompt)
        return {"language": _("Language"), "via": _("Way in"), "unit": _("Branch")}.get(name, name)

    def group(self, trait: str, value: str) -> str:
        """One group of them."""
        question = self.questionnaire.question(trait)
        if question is not None:
            return next((worded(option.label) for option in question.options if option.code == value), value)
        return own_name(value, self.questionnaire.languages) if trait == "language" else value

    def outcome(self, name: str) -> str:
        """An outcome question."""
        known = {
            "satisfaction": _("Overall satisfaction"),
            "overall_quality": _("Overall quality"),
            "recommend": _("Recommendation"),
            "effort": _("Ease"),
            "stay": _("Staying with the bank"),
        }
        question = self.questionnaire.question(name)
        short = worded(question.short) if question is not None and question.short else ""
        return short or known.get(name) or (worded(question.prompt) if question is not None else name)

    def caution(self, flag: str) -> str:
        """A flag in words; a flag about one item names it."""
        kind, _colon, what = flag.partition(":")
        if kind == "guide":
            return guide_words().get(what, what)
        words = flag_words().get(kind) or reason_words().get(kind, kind)
        if not what:
            return words
        return _("%(words)s: %(what)s") % {"words": words, "what": self.items.get(what) or self.predictor(what)}


def guide_words() -> dict[str, str]:
    """What a reliability is good for."""
    return {
        "low": _("below the guide for research"),
        "research": _("enough to compare groups in research"),
        "dimension": _("enough to report a dimension"),
        "individual": _("enough to judge individuals"),
        "redundant": _("so high that the items repeat one another"),
    }


def flag_words() -> dict[str, str]:
    """Every caution by name."""
    return {
        "below_display_floor": _("few answers"),
        "below_smallest_number": _("smaller than a computer can write"),
        "coarsened": _("differences rounded to a grid before they were ranked"),
        "collapsed_categories": _("a group never uses one of its categories, so neighbours were joined"),
        "complete_rows_only": _("only respondents who rated every item"),
        "configural_poor": _("the model fits badly even without equality, so its equality says little"),
        "constant_item": _("no variance"),
        "dichotomous_item": _("two categories in use only: left out"),
        "dominates": _("the general factor dominates"),
        "empty_category": _("nobody answered in"),
        "equivalent": _("shown to be as good as expected"),
        "expectation_at_ceiling": _("expectation stands at the top of the scale"),
        "few_clusters": _("few branches: read with care"),
        "few_pairs": _("few repeated answers"),
        "from_sample": _("from a random sample of the answers"),
        "groups_only": _("for groups only, not for single customers"),
        "heywood": _("Heywood case: an item without error of its own"),
        "improper": _("an improper solution"),
        "inadmissible": _("outside 0 to 1"),
        "indicative": _("indicative only: few answers for this model"),
        "interval_reaches_limit": _("the interval reaches the limit"),
        "interval_widened": _("the resamples lay beside the estimate, so the interval was widened to hold it"),
        "just_identified": _("just identified"),
        "latent_responses": _("of the latent responses, not of the scores used"),
        "low_item_rest": _("hardly correlates with the other items"),
        "low_ave": _("below the guide for AVE"),
        "low_cr": _("below the guide for CR"),
        "methods_disagree": _("the methods disagree"),
        "mean_outside": _("the mean lay beside the interval, which was widened to hold it"),
        "moving_mean": _("the mean has moved: earlier and later intervals exclude one another"),
        "negative_alpha": _("negative: is an item scored the wrong way round?"),
        "no_bootstrap": _("no bootstrap"),
        "no_residual": _("nothing left to explain"),
        "no_variation": _("no variation"),
        "not_converged": _("not converged"),
        "not_identified": _("not identified; Spearman-Brown instead"),
        "not_positive_definite": _("too few answer the same items"),
        "pairwise": _("by pairs of answers"),
        "percentile": _("percentile interval instead"),
        "perfect_correlation": _("a perfect correlation"),
        "plain_indices": _("indices of this row: plain"),
        "pseudo_inverse": _("items repeat one another: generalised inverse"),
        "random_splits": _("random splits, not all"),
        "redundant": _("so high that the items repeat one another"),
        "rises_if_dropped": _("alpha rises without this item"),
        "sampled_bootstrap": _("bootstrap of a random part"),
        "scaled_indices": _("indices of this row: scaled"),
        "several_minima": _("several solutions fit nearly as well; the best is shown"),
        "several_rotations": _("several rotations are nearly as simple; the simplest is shown"),
        "short_baseline": _("fewer periods than preferred behind the limits"),
        "single_item": _("one item only"),
        "small_sample_limits": _("the stricter limits for small samples"),
        "smoothed": _("correlations smoothed"),
        "sparse_categories": _("some pairs of answers never occur together"),
        "suppressed": _("coefficient and correlation differ in sign"),
        "thin_cells": _("ordinal coefficients: few answers in some combinations"),
        "treated_as_continuous": _("ordered categories taken as continuous"),
        "trimmed": _("large weights cut"),
        "two_factors": _("two factors: equal loadings assumed"),
        "two_stage": _("answers are missing: means and covariances by EM, and errors and tests that allow for it"),
        "unanswered_item": _("nobody answered"),
    }


def status_words(status: str) -> str:
    """State of an estimate of a factor model."""
    words = {
        "proper": _("estimated"),
        "heywood": _("not shown: Heywood case (a negative variance)"),
        "factors_not_positive_definite": _("not shown: impossible correlations of the factors"),
        "not_identified": _("not shown: the model is not identified"),
        "not_converged": _("not shown: the estimation did not converge"),
    }
    return words.get(status) or capital(reason_words().get(status, status))


def reason_words() -> dict[str, str]:
    """Why a statistic has no value, by plain name."""
    return {str(name): words for name, words in reasons().items()}


def with_model(name: str) -> str:
    """A factor model."""
    return {
        "dimensions": _("Correlated dimensions"),
        "stages": _("Stages as factors"),
        "one_factor": _("One factor"),
        "second_order": _("Second-order factor"),
        "bifactor": _("Bifactor model"),
    }.get(name, name)


def step_word(step: str) -> str:
    """A step of measurement invariance."""
    return {
        "configural": _("Configural invariance"),
        "thresholds": _("Threshold invariance"),
        "metric": _("Metric invariance"),
        "scalar": _("Scalar invariance"),
        "partial_scalar": _("Partial scalar invariance"),
        "strict": _("Strict invariance"),
    }.get(step, step)


def yes_no(value: bool | None) -> str:
    """A decision; a dash where there is none."""
    return "–" if value is None else (_("yes") if value else _("no"))


def quadrant_words() -> dict[str, str]:
    """What a place in the chart means."""
    return {
        "concentrate": _("concentrate here"),
        "keep_up": _("keep up the good work"),
        "low_priority": _("low priority"),
        "possible_overkill": _("possible overkill"),
        "borderline": _("borderline"),
        "undefined": _("cannot be told"),
    }
