"""The response surface says where it is level, and along which axis, only inside the range of the ratings."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.driving.surface import ResponseSurface, axis_crosses, response_surface
from analysis.schema import schema_of
from tests.agreement import agree

WHERE = "simulated ratings with an ideal point, n 500"


Floats = NDArray[np.float64]


def ratings(top: tuple[float, float]) -> tuple[Floats, Floats, Floats]:
    """Perception, expectation, and an outcome that is highest where they are at `top`, from the middle of the scale."""
    rng = np.random.default_rng(4)
    p, e = rng.integers(1, 8, (2, 500)).astype(float)
    x, y = p - 4 - top[0], e - 4 - top[1]
    return p, e, 6 - 0.3 * x * x + 0.3 * x * y - 0.2 * y * y + rng.normal(0, 0.5, 500)


def test_a_point_and_an_axis_on_the_scale_are_those_of_linear_algebra() -> None:
    found = response_surface(*ratings((0.5, -0.5)), 4.0, np.random.default_rng(1))
    b = [one.value for one in found.coefficients.values()]
    bend = np.array([[2 * b[3], b[4]], [b[4], 2 * b[5]]])
    want = np.linalg.solve(bend, [-b[1], -b[2]])
    agree("response surface, stationary point", WHERE, want, found.stationary, by="numpy")
    vectors = np.linalg.eigh(bend)[1]
    slope = vectors[1, 1] / vectors[0, 1]
    agree("response surface, principal axis", WHERE, slope, found.axis_slope.value, by="numpy")
    assert found.stationary_reason is None
    assert found.axis_slope.low < found.axis_slope.value < found.axis_slope.high


@pytest.mark.parametrize("top", [(3.4, 0.0), (0.0, -3.5), (9.0, 9.0)])
def test_a_point_off_the_scale_is_not_given(top: tuple[float, float]) -> None:
    found = response_surface(*ratings(top), 4.0, np.random.default_rng(1))
    assert (found.stationary, found.stationary_reason) == (None, "off_scale")


def test_an_axis_that_misses_the_ratings_is_not_given_and_one_that_crosses_them_is() -> None:
    beside = response_surface(*ratings((-9.0, 9.0)), 4.0, np.random.default_rng(1))
    assert (beside.axis_slope.value, beside.axis_slope.reason) == (None, "off_scale")
    along = response_surface(*ratings((6.0, 8.0)), 4.0, np.random.default_rng(1))
    assert along.stationary is None and along.axis_slope.value is not None
    assert axis_crosses((5.0, 5.0), 1.0, (-3.0, 3.0)) and not axis_crosses((5.0, -5.0), 1.0, (-3.0, 3.0))


def test_a_surface_that_cannot_be_fitted_says_why_there_is_no_point() -> None:
    p, e, y = ratings((0.0, 0.0))
    assert response_surface(p, p, y, 4.0, np.random.default_rng(1)).stationary_reason == "singular"
    assert response_surface(p[:5], e[:5], y[:5], 4.0, np.random.default_rng(1)).stationary_reason == "no_complete_cases"


def test_the_schema_has_the_reason() -> None:
    assert "stationary_reason" in schema_of(ResponseSurface)[0]
