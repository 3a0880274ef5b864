"""Files written whole, JSON and NetCDF, digests, locks, the run folder."""
