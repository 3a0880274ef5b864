"""Counting the dyads, as `tally` counts the alliance."""

from forecast.core.compile import device
from forecast.core.tally import (
    COHESION_BINS,
    COHESION_LOW,
    COHESION_STEP,
    SHARE_BINS,
    SHARE_LOW,
    SHARE_STEP,
    fixed,
    slot,
)


@device
def tally_dyads(path, batch, n, t, luck, world, tally, joint):
    """All dyads in quarter t of cell n; what is summed stands in the order of `WHOLE_STATE`."""
    for d in range(world.dyads.size):
        state, shared = world.dyads[d], luck.dyads[t, d]
        at = slot(state.cohesion, COHESION_LOW, COHESION_STEP, COHESION_BINS)
        tally.dyad_cohesion[n, d, t, at] += 1
        tally.dyad_intact[batch, n, d, t] += state.intact
        tally.dyad_refused[batch, n, d, t] += state.refused
        whole = (
            state.cohesion, state.abandonment, state.entrapment, state.opinion, shared.support,
            shared.troops,
        )  # fmt: skip
        for i in range(6):
            tally.dyad_sum[batch, n, d, i, t] += fixed(whole[i])
            if path < joint.dyads.shape[0]:
                joint.dyads[path, n, d, i, t] = whole[i]


@device
def tally_partners(n, y, world, tally):
    """Shares of the partners in year y of cell n."""
    for d in range(world.dyads.size):
        at = slot(world.dyads[d].share, SHARE_LOW, SHARE_STEP, SHARE_BINS)
        tally.partner_share[n, d, y, at] += 1
