"""Claims on defection from coalitions."""

from forecast.claims_dyads import m14 as m14
