"""Atomic files and folders, JSON and NetCDF, digests, locks and run folders."""
