"""One of the many fits of a back-test: short, and made once more where its chains did not find each other."""

from typing import Any, Final

from forecast.plan import FitSettings
from forecast.progress import Report

#: R-hat above which chains are so far apart that their draws are of no use; 1.01 is for fits that are published.
FAR_APART: Final = 1.1


def refit(compiled: Any, settings: FitSettings, seed: int, report: Report) -> Any:
    """A `models.fit.Fit`; a second, with twice the tuning and draws and another seed, if R-hat exceeds `FAR_APART`."""
    from forecast.models.fit import short_fit

    done = short_fit(compiled, settings, seed, report)
    if done.diagnostics.rhat <= FAR_APART:
        return done
    longer = settings.model_copy(update={"tune": 2 * settings.tune, "draws": 2 * settings.draws})
    return short_fit(compiled, longer, seed + 1, report)
