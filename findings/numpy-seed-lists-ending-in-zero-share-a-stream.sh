#!/usr/bin/env bash
# numpy 2.5.5 (Python 3.13). A list as seed, [seed, part], is a common way to give each part of a program a stream of
# its own. Up to four words are filled up with zeros, so [2026], [2026, 0] and [2026, 0, 0, 0] are one stream, the first
# part (number 0) has the stream of the whole, and [2026, 3] is that of [2026, 3, 0]. A seed above 32 bits is cut into
# words from the low end, so 2**32 + 7 is the list [7, 1]: the large seed of one run is the (seed, part) of another.
# One expects two different lists to give two different streams. It matters where draws are to be independent: a study
# that adds the numbers of scenario and replicate to its seed has the same random numbers for replicate 0 as for the run
# without replicates, and nothing shows it.
# What to do: keep the seed alone and give the part as spawn_key (spawn() does so): then the seed is filled up to four
# words first and the key comes after. Or put the part first, [part, seed], with a seed that is not 0.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check numpy==2.5.5
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(numpy)=='
cat > seeds.py <<'PY'
import numpy as np


def first(*arguments, **keywords):
    return int(np.random.default_rng(np.random.SeedSequence(*arguments, **keywords)).integers(10**9))


print("2026 and lists with zeros:", len({first(s) for s in (2026, [2026], [2026, 0], [2026, 0, 0], [2026, 0, 0, 0])}))
print("five words:", first([2026, 0, 0, 0, 0]) == first(2026))
print("[2026, 3] and [2026, 3, 0]:", first([2026, 3]) == first([2026, 3, 0]))
print("2**32 + 7 and [7, 1]:", first(2**32 + 7) == first([7, 1]))
print("spawn_key (0,):", first(2026, spawn_key=(0,)) == first(2026))
print("keys () (0,) (0, 0) (3,) (3, 0):", len({first(2026, spawn_key=key) for key in ((), (0,), (0, 0), (3,), (3, 0))}))
PY
env/bin/python seeds.py | tee seen.txt
diff seen.txt - <<'SEEN'
2026 and lists with zeros: 1
five words: False
[2026, 3] and [2026, 3, 0]: True
2**32 + 7 and [7, 1]: True
spawn_key (0,): False
keys () (0,) (0, 0) (3,) (3, 0): 5
SEEN
