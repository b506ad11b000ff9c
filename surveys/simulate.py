"""Simulated campaigns with planted defects, for the demonstration and for testing the statistics.

Answers come from a known factor model: every rating is a standard normal made of a general factor, a factor of its
dimension, one of its stage and an error, cut into scale points.  The cut is placed so that the *expected* answer is
exactly the planned one; the planted gaps are therefore true on the scale, not only in the latent variable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from surveys.codes import BLANK, NOT_APPLICABLE, NOT_ASKED
from surveys.coding import Codebook, codebook
from surveys.lots import lots
from surveys.questionnaire import Item, Question, Questionnaire
from surveys.store.collect import Arrival, new_key

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Plan:
    """What is planted.

    Attributes
    ----------
    gaps
        Expected gap by item id, by cell (``stage.dimension``) or by dimension; the most particular one holds.
    otherwise
        Expected gap of everything not named in `gaps`.
    expectation
        Expected expectation (desired level), in scale points from the bottom of a seven-point scale.
    units
        Branch -> effect on all its perceptions, in points; branches are drawn with equal shares.
    no_experience
        Share without experience by stage: all its perceptions do not apply.
    blank, careless
        Share of ratings left blank; share of respondents who give one answer throughout.
    """

    gaps: Mapping[str, float] = field(default_factory=dict)
    otherwise: float = -0.1
    expectation: float = 6.0
    sd: float = 1.1
    units: Mapping[str, float] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    no_experience: Mapping[str, float] = field(default_factory=dict)
    blank: float = 0.0
    careless: float = 0.0
    chinese: float = 0.5
    first_day: date = date(2026, 9, 7)
    days: int = 28


@dataclass(frozen=True)
class Campaign:
    """Simulated answers: (n, fields) bytes in the codebook's order, and what came with each."""

    closed: Bytes
    unit: NDArray[np.object_]
    channel: NDArray[np.object_]
    language: NDArray[np.object_]
    day: NDArray[np.object_]


@lru_cache(maxsize=4096)
def location(target: float, sd: float, points: int) -> float:
    """Latent mean at which a normal, rounded and cut to 1..points, has the expected value `target`."""
    cuts = np.arange(1.5, points, 1.0)

    def surplus(mean: float) -> float:
        # E[answer] = 1 + sum over the cuts of P(latent above the cut).
        return float(1 + np.sum(1 - ndtr((cuts - mean) / sd)) - target)

    return float(brentq(surplus, -3 * points, 4 * points, xtol=1e-12))


def simulate(questionnaire: Questionnaire, n: int, plan: Plan, rng: np.random.Generator) -> Campaign:
    """Draw a campaign.

    Parameters
    ----------
    questionnaire : Questionnaire
        In any format; in the short form, by lot, what each respondent is not asked is marked.
    n : int
        Respondents.
    plan : Plan
        What is planted.
    rng : numpy Generator
        The same seed gives the same campaign.

    Returns
    -------
    Campaign
    """
    book = codebook(questionnaire)
    closed: Bytes = np.zeros((n, len(book)), dtype=np.uint8)
    units = list(plan.units) or [""]
    unit = rng.integers(0, len(units), n)
    effect = np.array([plan.units.get(name, 0.0) for name in units])[unit]
    latent = _Latent(questionnaire, n, rng)
    for item in questionnaire.items:
        _rate_item(questionnaire, book, closed, item, plan, latent, effect)
    perceived = latent.level + effect / plan.sd
    for question in questionnaire.questions():
        _answer(questionnaire, book, closed, question, perceived, rng)
    _leave_open(questionnaire, book, closed, plan, rng)
    _leave_out(questionnaire, book, closed, rng)
    channels = list(plan.channels) or [""]
    return Campaign(
        closed,
        np.array(units, dtype=object)[unit],
        np.array(channels, dtype=object)[rng.integers(0, len(channels), n)],
        np.where(rng.random(n) < plan.chinese, "zh-CN", "en").astype(object),
        np.array([plan.first_day + timedelta(days=int(d)) for d in rng.integers(0, plan.days, n)], dtype=object),
    )


class _Latent:
    """The factors behind the ratings, all standard normal."""

    GENERAL, DIMENSION, STAGE = 0.35, 0.15, 0.10  # shares of variance; the rest is error

    def __init__(self, questionnaire: Questionnaire, n: int, rng: np.random.Generator):
        self.n, self.rng = n, rng
        self.level = rng.standard_normal(n)  # how good the bank is to this person
        self.demand = rng.standard_normal(n)  # how much this person asks for
        self.dimensions = {d.id: rng.standard_normal(n) for d in questionnaire.dimensions}
        self.stages = {s.id: rng.standard_normal(n) for s in questionnaire.stages}

    def draw(self, item: Item, general: NDArray[np.float64]) -> NDArray[np.float64]:
        """One standard normal rating of an item."""
        total = np.sqrt(self.GENERAL) * general + np.sqrt(self.DIMENSION) * self.dimensions[item.dimension]
        left = 1 - self.GENERAL - self.DIMENSION
        if item.stage:
            total = total + np.sqrt(self.STAGE) * self.stages[item.stage]
            left -= self.STAGE
        drawn: NDArray[np.float64] = total + np.sqrt(left) * self.rng.standard_normal(self.n)
        return drawn


def planned_gap(plan: Plan, item: Item) -> float:
    """The expected gap of an item under a plan."""
    cell = f"{item.stage}.{item.dimension}"
    return next((plan.gaps[key] for key in (item.id, cell, item.dimension) if key in plan.gaps), plan.otherwise)


def _cut(latent: NDArray[np.float64], points: int) -> Bytes:
    rounded: Bytes = np.clip(np.rint(latent), 1, points).astype(np.uint8)
    return rounded


def _rate_item(
    questionnaire: Questionnaire,
    book: Codebook,
    closed: Bytes,
    item: Item,
    plan: Plan,
    latent: _Latent,
    effect: NDArray[np.float64],
) -> None:
    scale = questionnaire.rating_scale
    stretch = (scale.points - 1) / 6
    expected = 1 + (plan.expectation - 1) * stretch
    sd, gap = plan.sd * stretch, planned_gap(plan, item) * stretch

    def put(suffix: str, mean: float, z: NDArray[np.float64], shift: NDArray[np.float64] | float = 0.0) -> None:
        at = book.place.get(f"{item.id}_{suffix}")
        if at is not None:
            answers = _cut(location(round(mean, 9), sd, scale.points) + shift * stretch + sd * z, scale.points)
            closed[:, at] = scale.points + 1 - answers if item.reversed else answers

    wanted = latent.draw(item, latent.demand)
    put("E", expected, wanted)
    put("D", expected, wanted)
    put("M", expected - 1.5 * stretch, wanted)
    put("P", expected + gap, latent.draw(item, latent.level), effect)
    put("I", expected, latent.draw(item, latent.demand))


def _answer(
    questionnaire: Questionnaire,
    book: Codebook,
    closed: Bytes,
    question: Question,
    perceived: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    n = len(closed)
    places = [number for number, entry in enumerate(book.fields) if entry.question == question.id]
    checked = question in tuple(questionnaire.questions("quality"))
    if question.type == "scale" and question.scale and question.correct is not None:
        wrong = rng.integers(1, question.scale.points + 1, n)
        closed[:, places[0]] = np.where(rng.random(n) < ATTENTIVE, question.correct - question.scale.min + 1, wrong)
    elif question.type == "scale" and question.scale:
        points = question.scale.points
        z = 0.7 * perceived + np.sqrt(1 - 0.49) * rng.standard_normal(n)
        closed[:, places[0]] = _cut(
            location(round(1 + 0.68 * (points - 1), 6), points / 6, points) + z * points / 6, points
        )
    elif question.type == "single":
        shares = np.array([3.0 if "told" not in o.code and "silent" not in o.code else 1.0 for o in question.options])
        if checked:  # nearly everybody says that the answers may be used
            shares = np.array([0.02 if o.code == "no" else 0.98 for o in question.options])
        closed[:, places[0]] = 1 + rng.choice(len(question.options), n, p=shares / shares.sum())
    elif question.type == "multiple":
        closed[:, places] = 1 + (rng.random((n, len(places))) < 0.25)
        alone = [number for number, option in zip(places, question.options, strict=True) if option.exclusive]
        nothing = (closed[:, places] == 2).sum(axis=1) == 0
        for number in alone:
            closed[:, number] = np.where(nothing, 2, 1)
    elif question.type == "constant_sum":
        closed[:, places] = _points(question, n, rng) + 1
    if question.condition:
        other, equal, code = question.condition
        options = next(q for q in questionnaire.questions() if q.id == other).options
        wanted = [o.code for o in options].index(code) + 1
        met = (closed[:, book.place[other]] == wanted) == equal
        closed[np.ix_(np.flatnonzero(~met), np.array(places))] = BLANK


ATTENTIVE = 0.97
"""Share who do what an attention check asks for."""

# What customers of banks give when they share out 100 points over five dimensions, or over three stages.
TYPICAL = {5: (0.11, 0.31, 0.22, 0.22, 0.14), 3: (0.27, 0.33, 0.40)}


def _points(question: Question, n: int, rng: np.random.Generator) -> Bytes:
    """Points in steps of five that add up to the total, around the shares of `TYPICAL`."""
    options, steps = len(question.options), question.total // 5
    weight = np.array(TYPICAL.get(options, (1.0,) * options))
    shares = rng.dirichlet(12 * weight / weight.sum() * options / 3, n)
    whole = np.floor(shares * steps).astype(int)
    rest = steps - whole.sum(axis=1)
    order = np.argsort(-(shares * steps - whole), axis=1)
    whole[np.arange(n)[:, None], order] += (np.arange(options)[None, :] < rest[:, None]).astype(int)
    points = whole * 5
    points[:, -1] += question.total - points.sum(axis=1)
    return points.astype(np.uint8)


def _leave_open(
    questionnaire: Questionnaire, book: Codebook, closed: Bytes, plan: Plan, rng: np.random.Generator
) -> None:
    n = len(closed)
    ratings = [number for number, entry in enumerate(book.fields) if entry.column is not None]
    if plan.careless and ratings:
        careless = rng.random(n) < plan.careless
        level = rng.integers(1, questionnaire.rating_scale.points + 1, n).astype(np.uint8)
        closed[np.ix_(np.flatnonzero(careless), np.array(ratings))] = level[careless][:, None]
    if plan.blank and ratings:
        # ndarray indexing with a list copies, so the blanks are written back.
        block = closed[:, ratings]
        block[rng.random(block.shape) < plan.blank] = BLANK
        closed[:, ratings] = block
    for stage, share in plan.no_experience.items():
        absent = rng.random(n) < share
        for item in questionnaire.items:
            if item.stage == stage and item.allow_na:
                closed[absent, book.place[f"{item.id}_P"]] = NOT_APPLICABLE


def _leave_out(questionnaire: Questionnaire, book: Codebook, closed: Bytes, rng: np.random.Generator) -> None:
    """The short form: of each lot as many items are asked as are drawn; nothing is drawn in the whole form."""
    for lot in lots(questionnaire):
        places = [[at for at, one in enumerate(book.fields) if one.drawn and one.item == item] for item in lot.items]
        order = rng.random((len(closed), len(lot.items))).argsort(axis=1)
        for item, own in enumerate(places):
            rows = np.flatnonzero((order[:, lot.drawn :] == item).any(axis=1))
            closed[np.ix_(rows, np.array(own))] = NOT_ASKED


DEMO = Plan(
    gaps={
        "trk_res_1": -1.9,
        "trk_rel_1": -1.85,
        "trk_rel_2": -0.55,
        "trk_emp_1": -0.95,
        "trk_emp_2": -1.15,
        "trk_ass_1": -0.5,
        "trk_tan_1": -0.45,
        "trf_ass_1": -1.55,
        "trf_ass_2": 0.05,
        "trf_emp_1": -1.1,
        "enc_emp_1": -0.9,
        "enc_emp_2": -0.5,
        "enc_rel_1": -0.5,
        "enc_res_1": -0.55,
        "enc_tan_1": -0.35,
        "enc_tan_2": -0.5,
        "trf_tan_1": -0.4,
        "trf_rel_1": -0.15,
        "trf_rel_2": -0.2,
        "trf_res_1": -0.45,
        "trf_res_2": -0.35,
        "enc_ass_1": 0.2,
    },
    units={
        "Riverside": 0.15,
        "Old Town": 0.0,
        "Airport Road": 0.1,
        "North Bridge": -0.1,
        "Science Park": 0.05,
        "Lakeside": 0.2,
        "West Gate": -0.1,
        "Garden Square": 0.0,
        "University": 0.1,
        "South Station": -0.4,
    },
    channels=("branch", "app", "letter"),
    no_experience={"tracking": 0.22, "transfer": 0.08, "encounter": 0.01},
    blank=0.01,
    careless=0.01,
    expectation=6.1,
)
"""The demonstration: follow-up falls short most, risk warnings and agreed reviews above all."""


def arrivals(campaign: Campaign) -> list[Arrival]:
    """A campaign as answers at the door, to go in by the one way in."""
    return [
        Arrival(new_key(), row.tobytes(), {}, str(language), day, str(unit), str(channel))
        for row, language, day, unit, channel in zip(
            campaign.closed, campaign.language, campaign.day, campaign.unit, campaign.channel, strict=True
        )
    ]


def simulate_arrivals(questionnaire: Questionnaire, n: int, day: date) -> list[Arrival]:
    """A few more simulated answers of today, with fresh randomness."""
    plan = replace(DEMO, first_day=day, days=1)
    return arrivals(simulate(questionnaire, n, plan, np.random.default_rng()))
