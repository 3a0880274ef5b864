"""The steps of a quarter: what the kernel does in order."""
