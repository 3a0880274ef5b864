"""The label step: errors of probabilities that no path, or every path, shows."""

import numpy as np

from forecast.projection.labelled_tree import error_of_probability


def test_an_event_on_no_path_has_the_rule_of_three_as_its_limit() -> None:
    probability, error = np.array([0.0, 1.0, 0.25, np.nan]), np.array([0.0, 0.0, 0.01, np.nan])
    paths = 600
    bounded = error_of_probability(probability, error, paths)
    np.testing.assert_array_equal(bounded[2:], error[2:])
    # With no event in n trials, the upper 95 % limit p solves (1 - p)^n = 0.05; 3 / n is close to it from above.
    exact = 1.0 - 0.05 ** (1.0 / paths)
    assert exact < 2 * bounded[0] < 1.01 * exact and bounded[1] == bounded[0]
