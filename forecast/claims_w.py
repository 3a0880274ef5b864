"""Claims on four designs of the alliance."""

from forecast.claims_j import w5 as w5
