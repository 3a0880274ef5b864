"""Counting the dyads, as `tally` counts the alliance."""

from forecast.core.compile import loop
from forecast.core.histogram import cohesion_slot, share_slot
from forecast.core.tally import fixed


@loop
def tally_dyads(row, n, t, luck, world, tally, joint):
    """All dyads in quarter t of cell n; what is summed stands in the order of `WHOLE_STATE`."""
    for d in range(world.dyads.size):
        state, shared = world.dyads[d], luck.dyads[t, d]
        world.bins[1 + d, t] = cohesion_slot(state.cohesion)
        tally.dyad_intact[n, d, t] += state.intact
        tally.dyad_refused[n, d, t] += state.refused
        whole = (
            state.cohesion, state.abandonment, state.entrapment, state.opinion, shared.support,
            shared.troops,
        )  # fmt: skip
        for i in range(6):
            tally.dyad_sum[n, d, t, i] += fixed(whole[i])
            if row < joint.dyads.shape[0]:
                joint.dyads[row, n, d, i, t] = whole[i]


@loop
def tally_partners(n, y, world, tally):
    """Shares of the partners in year y of cell n."""
    for d in range(world.dyads.size):
        tally.partner_share[n, d, y, share_slot(world.dyads[d].share)] += 1
