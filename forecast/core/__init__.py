"""The wall around numba: nothing outside this folder imports it. Bare arrays and numbers, no labels.

`state` says what the kernel reads and writes, `dynamics` holds one small function for each rule of the model, `kernel`
the order in which they happen, `philox` the addressed random numbers, `tally` the integer counts.
"""
