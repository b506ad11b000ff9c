"""Comments counted in the open: filed by a word list, compared by keyness; nothing is guessed about feelings."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.adjust import benjamini_hochberg
from analysis.frequencies import wilson
from analysis.lexicon import DIMENSIONS, STAGES, STOPWORDS
from analysis.results import Statistic, undefined
from analysis.thresholds import DEFAULT, Thresholds

CHINESE = re.compile(r"[㐀-鿿]+")
WORD = re.compile(r"[a-z][a-z'’-]{2,}")


@dataclass(frozen=True)
class Topic:
    """One dimension or stage."""

    share: Statistic  # of the comments
    p_above: Statistic  # exact binomial: more often than topics on average
    examples: tuple[str, ...]  # words of the list that were found, the commonest first


@dataclass(frozen=True)
class KeyTerm:
    """A term that one set of comments uses more than the other."""

    term: str
    count: int
    other: int
    z: float  # log-odds over its standard error; positive: more in the first set
    q: float  # Benjamini-Hochberg over all terms tested


@dataclass(frozen=True)
class Comments:
    """What comments are about."""

    n: int
    unfiled: Statistic  # share that no word of the list finds
    dimensions: dict[str, Topic]
    stages: dict[str, Topic]
    key_terms: tuple[KeyTerm, ...]  # first set against the other, both ends


def found_words(text: str, lexicon: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Topic -> its words that occur in a text: beginnings of English words, Chinese anywhere."""
    lowered = f" {text.casefold()}"
    found = {}
    for topic, words in lexicon.items():
        hits = tuple(
            word for word in words
            if (word in lowered if CHINESE.search(word) else re.search(rf"(?<![a-z]){re.escape(word)}", lowered))
        )  # fmt: skip
        if hits:
            found[topic] = hits
    return found


def terms(text: str) -> list[str]:
    """English words of three letters and more without stopwords, and every two Chinese characters side by side."""
    lowered = text.casefold()
    english = [word for word in WORD.findall(lowered) if word not in STOPWORDS]
    chinese = [run[at : at + 2] for run in CHINESE.findall(lowered) for at in range(len(run) - 1)]
    return english + chinese


def comments(
    texts: Sequence[str], others: Sequence[str] = (), thresholds: Thresholds = DEFAULT, floor: int = 1
) -> Comments:
    """Describe a set of comments, beside another set where there is one.

    Parameters
    ----------
    texts : sequence of str
        Such as answers to "what should be put right first".
    others : sequence of str
        Such as answers to "what does the bank do well": the key terms are those that tell the two apart.
    floor : int
        Fewer comments are not described, and no word or term that fewer comments hold is shown.

    Returns
    -------
    Comments
        Undefined ("no_respondents", "too_few") with none or too few.
    """
    n = len(texts)
    if n < max(floor, 1):
        none = undefined("too_few" if n else "no_respondents", 0)
        blank = Topic(none, none, ())
        return Comments(0, none, dict.fromkeys(DIMENSIONS, blank), dict.fromkeys(STAGES, blank), ())
    by_dimension = [found_words(text, DIMENSIONS) for text in texts]
    by_stage = [found_words(text, STAGES) for text in texts]
    unfiled = sum(not found for found in by_dimension)
    share = wilson(unfiled, n, thresholds.level)
    return Comments(
        n,
        share.hidden() if 0 < unfiled < floor else share,
        _topics(by_dimension, tuple(DIMENSIONS), thresholds, floor),
        _topics(by_stage, tuple(STAGES), thresholds, floor),
        keyness(texts, others, thresholds, floor) if len(others) >= max(floor, 1) else (),
    )


def _topics(
    found: Sequence[Mapping[str, Sequence[str]]], topics: tuple[str, ...], thresholds: Thresholds, floor: int
) -> dict[str, Topic]:
    """Share of each topic, and whether it is above the mean share of all topics."""
    n = len(found)
    counts = {topic: sum(topic in one for one in found) for topic in topics}
    base = sum(counts.values()) / (n * len(topics))
    few = {topic for topic, k in counts.items() if 0 < k < floor}
    alone = len(few) == 1  # its count would follow from the mean of the topics, which every p tells
    result = {}
    for topic, k in counts.items():
        words = Counter(word for one in found for word in one.get(topic, ()))
        shown = tuple(word for word, times in words.most_common(5) if times >= floor)
        share = wilson(k, n, thresholds.level)
        p = undefined("no_variance", n, "exact binomial")
        if 0 < base < 1:
            chance = 1.0 if k == 0 else float(special.bdtrc(k - 1, n, base))
            p = Statistic(chance, n=n, method="exact binomial, share above the mean of the topics")
        result[topic] = Topic(
            share.hidden() if topic in few else share, p.hidden() if alone or topic in few else p, shown
        )
    return result


def keyness(
    texts: Sequence[str], others: Sequence[str], thresholds: Thresholds = DEFAULT, floor: int = 1, most: int = 10
) -> tuple[KeyTerm, ...]:
    """Terms that tell two sets of texts apart: log-odds with an informative Dirichlet prior.

    Parameters
    ----------
    texts, others : sequences of str
    floor : int
        Fewest texts that a term must occur in.
    most : int
        Terms of either end.

    Returns
    -------
    tuple of KeyTerm
        Those with abs(z) above `keyness_z` and q at most `q`, the strongest first.

    Notes
    -----
    With y counts, a prior a equal to the pooled counts, n and a0 their totals: ``delta = log((y1 + a)/(n1 + a0 - y1 -
    a)) - log((y2 + a)/(n2 + a0 - y2 - a))``, ``z = delta/sqrt(1/(y1 + a) + 1/(y2 + a))``.

    References
    ----------
    Monroe, B. L., Colaresi, M. P. and Quinn, K. M. (2008). Fightin' words. Political Analysis 16, 372-403.
    """
    first, second = (
        Counter(t for text in texts for t in terms(text)),
        Counter(t for text in others for t in terms(text)),
    )
    spread = Counter(t for text in (*texts, *others) for t in set(terms(text)))
    pooled = first + second
    totals = [sum(one.values()) for one in (first, second, pooled)]
    z = {
        term: log_odds_z(first[term], second[term], pooled[term], totals[0], totals[1], totals[2])
        for term in pooled
        if spread[term] >= max(floor, 2)
    }
    q = benjamini_hochberg([2 * float(special.ndtr(-abs(one))) for one in z.values()])
    kept = [
        KeyTerm(term, first[term], second[term], score, adjusted or 0.0)
        for (term, score), adjusted in zip(z.items(), q, strict=True)
        if abs(score) > thresholds.keyness_z and adjusted is not None and adjusted <= thresholds.q
    ]
    kept.sort(key=lambda one: (-abs(one.z), one.term))
    ends = [[one for one in kept if (one.z > 0) is side][:most] for side in (True, False)]
    return tuple(ends[0] + ends[1])


def log_odds_z(y1: int, y2: int, prior: float, n1: int, n2: int, total: float) -> float:
    """The z of one term, see `keyness`; 0 where a term is all there is."""
    a, b = n1 + total - y1 - prior, n2 + total - y2 - prior
    if a <= 0 or b <= 0:
        return 0.0
    delta = math.log((y1 + prior) / a) - math.log((y2 + prior) / b)
    return delta / math.sqrt(1 / (y1 + prior) + 1 / (y2 + prior))


def cohen_kappa(first: Sequence[str], second: Sequence[str], level: float = 0.95) -> Statistic:
    """Agreement of two coders beyond chance, from -1 to 1, with its large-sample interval.

    Undefined without units, or when both used one code only.

    References
    ----------
    Cohen, J. (1960). Educ. Psychol. Meas. 20, 37-46.  Fleiss, J. L., Cohen, J. and Everitt, B. S. (1969). Psychological
    Bulletin 72, 323-327 (standard error).
    """
    n, method = len(first), "Cohen's kappa"
    if n == 0:
        return undefined("no_respondents", 0, method, level)
    codes = sorted({*first, *second})
    table = np.zeros((len(codes),) * 2)
    for a, b in zip(first, second, strict=True):
        table[codes.index(a), codes.index(b)] += 1 / n
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    agreed, chance = float(np.trace(table)), float(rows @ columns)
    if chance > 1 - 1e-12:
        return undefined("no_variance", n, method, level)
    kappa = (agreed - chance) / (1 - chance)
    own = sum(table[i, i] * (1 - (rows[i] + columns[i]) * (1 - kappa)) ** 2 for i in range(len(codes)))
    cross = (1 - kappa) ** 2 * sum(
        table[i, j] * (columns[i] + rows[j]) ** 2 for i in range(len(codes)) for j in range(len(codes)) if i != j
    )
    variance = float(own + cross - (kappa - chance * (1 - kappa)) ** 2) / (n * (1 - chance) ** 2)
    reach = float(special.ndtri((1 + level) / 2)) * math.sqrt(max(variance, 0.0))
    return Statistic(kappa, max(-1.0, kappa - reach), min(1.0, kappa + reach), level, n, method)


def krippendorff_alpha(ratings: Sequence[Sequence[str | None]]) -> Statistic:
    """Agreement of any number of coders on nominal codes; None is not coded.

    Parameters
    ----------
    ratings : sequence of units, each a sequence of the coders' codes

    Returns
    -------
    Statistic
        ``1 - D_o/D_e`` over the units coded by two and more; undefined without such units ("no_complete_pairs") or with
        one code only ("no_variance").

    References
    ----------
    Krippendorff, K. (2004). Content Analysis, 2nd ed., chapter 11.
    """
    method = "Krippendorff's alpha, nominal"
    units = [[code for code in unit if code is not None] for unit in ratings]
    units = [unit for unit in units if len(unit) > 1]
    total = sum(len(unit) for unit in units)
    if not units:
        return undefined("no_complete_pairs", 0, method)
    margins = Counter(code for unit in units for code in unit)
    expected = sum(a * b for a, b in combinations(margins.values(), 2)) * 2
    if expected == 0:
        return undefined("no_variance", len(units), method)
    observed = sum(
        2 * sum(a * b for a, b in combinations(Counter(unit).values(), 2)) / (len(unit) - 1) for unit in units
    )
    return Statistic(1 - (total - 1) * observed / expected, n=len(units), method=method)


def precision(filed: NDArray[np.bool_], judged: NDArray[np.bool_], level: float = 0.95) -> Statistic:
    """Of the comments that the word list filed under a topic, the share that a person agrees with: (n,) each."""
    return wilson(int((filed & judged).sum()), int(filed.sum()), level, reason="no_respondents")
