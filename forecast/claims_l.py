"""Claims on ailing alliances and the dyads."""

from forecast.claims_dyads import l3 as l3
from forecast.claims_dyads import l4 as l4
from forecast.claims_dyads import l9 as l9
from forecast.claims_dyads import l10 as l10
from forecast.claims_dyads import l12 as l12
