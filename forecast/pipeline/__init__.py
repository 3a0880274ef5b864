"""The order of a run; manifest, degraded run, changes since the last good one."""
