"""Test the requirements of the science by simulation experiments.

A requirement has an id, and the function that tests it has the same name in lower case (`k5`, `m21`; `zero_1` for 0.1).
The letter names the source:

- 0: how the sources are read (`definitions`)
- K: cohesion of the alliance (`cohesion`)
- W: designs of the alliance (`designs`)
- M: withdrawal from missions (`withdrawal`)
- J: alliances and coalitions of the willing (`coalitions`)
- L: ailing alliances (`ailing_alliances`); requirements on the dyads are in `dyads`
"""
