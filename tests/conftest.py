"""Property tests see the same examples each time; none is timed, for the first call compiles."""

from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")
