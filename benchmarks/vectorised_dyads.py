"""The dyads of a block of paths in a group of cells: arrays (dyads, cells, paths)."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from vectorised_alliance import fixed
from vectorised_random import Array, bins, histogram, logistic

from forecast.simulation import histograms as fan
from forecast.simulation.steps.dyads import REFUSAL_LASTS
from forecast.simulation.tallies import Tally


class Dyads:
    """Fears, opinion, cohesion, treaty and the partners' spending."""

    def __init__(self, cells: Any, parts: Array, shocks: Any, plan: Any, own: Any) -> None:
        c, self.shocks, self.parts = plan.constants, shocks, parts
        self.constants, self.par, self.signal = c, own.parameters, own.dyad_cells.signal
        self.pledge, self.china_focus = plan.dyad_pledge, cells.china_focus[:, None]
        self.own, self.partner = _columns(own.dyads), _columns(own.partners)
        shape = (plan.dyads.id.size, cells.china_focus.size, own.parameters.kappa.size)
        o, outlook = self.own, own.outlook
        war = outlook.war_start / (outlook.war_start + outlook.war_end)
        crisis = outlook.crisis_start / (outlook.crisis_start + outlook.crisis_end)
        lasting = 1.0 - o.fear_persistence
        reach = o.reach_now * o.reach_exposure * c.reach
        fear = o.abandonment_reach * reach / lasting
        drive = (o.entrapment_war * war + o.entrapment_crisis * crisis) / lasting
        self.first = fear, drive - o.entrapment_abandonment * fear
        self.abandonment, self.entrapment = (np.array(np.broadcast_to(x, shape)) for x in self.first)
        self.opinion, self.share = (
            np.zeros(shape),
            np.array(np.broadcast_to(self.partner.start, shape)),
        )
        self.intact, self.refused = np.ones(shape, bool), np.zeros(shape, bool)
        self.cohesion = self.work_out(o.threat, o.gap)

    def work_out(self, threat: Array, gap: Array) -> Array:
        """Cohesion of the dyads."""
        o = self.own
        out = o.weight_threat * (threat - gap)
        out = out - o.weight_abandonment * self.abandonment
        out -= o.weight_entrapment * self.entrapment
        out += o.weight_opinion * self.opinion
        return out

    def step(self, t: int, tally: Tally) -> None:
        """All dyads in quarter t."""
        c, o, shocks, outlook, part = (
            self.constants,
            self.own,
            self.shocks.dyads,
            self.shocks.outlook,
            self.parts[t],
        )
        hazard: Array = o.termination
        if c.grey_zone_dyad <= t < c.grey_zone_dyad + REFUSAL_LASTS:
            hazard = np.where(self.refused, hazard * o.refusal_termination, hazard)
        chance = 1.0 - np.exp(-hazard * np.exp(-o.termination_cohesion * self.cohesion))
        self.intact &= ~(shocks.end[t][:, None] < chance)
        noise: Array = shocks.abandonment[t][:, None]
        if t == c.grey_zone_dyad:
            answered = logistic(o.honour + o.honour_cohesion * self.cohesion)
            self.refused = shocks.honour[t][:, None] >= answered
            noise = noise + self.refused * o.refusal_abandonment
        seen = part * self.signal + outlook.executive[t] - shocks.cut[t][:, None]
        seen = np.minimum(np.maximum(seen, -1.0), 1.0)
        demand = shocks.demand[t][:, None]
        fresh = o.abandonment_reach * shocks.reach[t][:, None] + o.abandonment_demand * demand + noise
        fresh = fresh - o.abandonment_signal * seen
        self.abandonment *= o.fear_persistence
        self.abandonment += fresh
        self.entrapment *= o.fear_persistence
        drive = o.entrapment_war * outlook.war[t] + o.entrapment_crisis * outlook.crisis[t]
        self.entrapment += drive + shocks.entrapment[t][:, None]
        self.entrapment -= o.entrapment_abandonment * fresh
        self.opinion *= o.fear_persistence
        self.opinion += shocks.opinion[t][:, None] - o.opinion_demand * demand
        self.opinion += o.opinion_signal * seen
        gap = shocks.gap[t][:, None] + part * self.china_focus * o.gap_china
        self.cohesion = self.work_out(shocks.threat[t][:, None], gap)
        self.tell(t, tally)

    def tell(self, t: int, tally: Tally) -> None:
        """Add the quarter to the tally."""
        at_bin = bins(self.cohesion, fan.COHESION_LOW, fan.COHESION_STEP, fan.COHESION_BINS)
        tally.dyad_cohesion[:, :, t] += histogram(at_bin, fan.COHESION_BINS).swapaxes(0, 1)
        tally.dyad_intact[:, :, t] += self.intact.sum(-1).T
        tally.dyad_refused[:, :, t] += self.refused.sum(-1).T
        state = np.stack([self.cohesion, self.abandonment, self.entrapment, self.opinion])
        tally.dyad_sum[:, :, t, :4] += fixed(state).transpose(2, 1, 0)
        shared = np.stack([self.shocks.dyads.support[t], self.shocks.dyads.troops[t]])
        tally.dyad_sum[:, :, t, 4:] += fixed(shared).T

    def spend(self, y: int, tally: Tally) -> None:
        """The partners set the share of year y, each towards its own pledge; fears move it."""
        c, o = self.constants, self.own
        change = o.contribution_abandonment * (self.abandonment - self.first[0])
        change -= o.contribution_entrapment * (self.entrapment - self.first[1])
        change *= c.fears
        change += self.shocks.partners[y][:, None]
        change -= self.par.kappa * (self.share - self.partner.target)
        gap = np.maximum(0.0, self.pledge[:, y, None, None] - self.share)
        change += self.shocks.common.response[y] * gap
        self.share = np.minimum(np.maximum(self.share + change, c.floor), c.cap)
        at_bin = bins(self.share, fan.SHARE_LOW, fan.SHARE_STEP, fan.SHARE_BINS)
        tally.partner_share[:, :, y] += histogram(at_bin, fan.SHARE_BINS).swapaxes(0, 1)


def _columns(own: Any) -> SimpleNamespace:
    """Parameters of dyads, ready to meet arrays (dyads, cells, paths)."""
    return SimpleNamespace(**{name: values[:, None] for name, values in vars(own).items()})
