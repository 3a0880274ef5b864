"""Generate counter-based random numbers: Philox4x32-10, keyed by (seed, path), counted by (time, entity, purpose).

A number depends on its address alone. The thread, the order of the draws and the rest of the plan have no influence,
and all scenario cells of a path receive the same shocks (common random numbers). An entity is addressed by a digest of
its name, not by its position. Source: Salmon, Moraes, Dror and Shaw 2011, Parallel random numbers: as easy as 1, 2, 3
(SC11).
"""

from forecast.simulation.elementary import cos_turns, log, number, power
from forecast.simulation.jit import device
from forecast.simulation.lanes import absolute, any_lane, lane_numbers, minimum, product, sqrt, where

# Purposes: the last word of an address. Unless a comment differs, time counts quarters (spending: years).
SPENDING = 1
GROWTH = 2
COMMON_FACTOR = 3
LEADER = 4  # change of leader, early election
THREAT_AND_RATER = 6
FACTORS = 7
EXIT = 8
CUT_TIME = 9
CUT_SIZE = 10
PLANNED_CUT_TIME = 11
PLANNED_CUT_SIZE = 12
CANDIDATE_MISSION = 45  # start, leadership and shared interest of a new mission
JOIN = 46  # a member's own interest in it, whether it joins, how long it stays; time is the mission's address
# the alliance
ORIENTATION = 20
START_ORIENTATION = 21
EVENTS = 22
NOTICE = 24
COMMAND = 25
POSTURE = 26
DRAWDOWN_TIME = 27
DRAWDOWN_SIZE = 28
CUT_MODE = 40
CUT_SEEN = 41
CAMPAIGN = 42  # losses, battlefield, hand-over
PUBLIC = 43  # opposition
WING = 44  # left-right position of a new leader; at time 0 the third number is for the leader in office
CURVE = 47  # whether a mission follows the Kaplan-Meier curve
# dyads
OUTLOOK = 60  # wars, crises and presidential signal of the United States
OUTLOOK_START = 61
FEARS_AND_END = 62
PURPOSE_AND_DEMAND = 63
TROOPS = 64

_MASK = 0xFFFFFFFF
_M0, _M1 = 0xD2511F53, 0xCD9E8D57
_W0, _W1 = 0x9E3779B9, 0xBB67AE85


@device
def philox(c0, c1, c2, c3, k0, k1):
    """Return four 32-bit words: ten Philox rounds on a counter of four words, with a key of two words.

    With lanes in the counter, each word has lanes.
    """
    for _ in range(10):
        p0, p1 = product(c0, _M0), product(c2, _M1)
        c0 = ((p1 >> 32) & _MASK) ^ c1 ^ k0
        c1 = p1 & _MASK
        c2 = ((p0 >> 32) & _MASK) ^ c3 ^ k1
        c3 = p0 & _MASK
        k0 = (k0 + _W0) & _MASK
        k1 = (k1 + _W1) & _MASK
    return c0, c1, c2, c3


@device
def uniforms(seed, path, time, entity, purpose):
    """Return the four uniforms strictly inside (0, 1) of one address; lanes of times or entities have one for each."""
    zero = 0 * (time + entity)
    a, b, c, d = philox(zero + time, zero + entity, zero + purpose, zero, seed, path)
    return to_unit(a), to_unit(b), to_unit(c), to_unit(d)


@device
def times(first):
    """Return the times of a block: `first` and those after it."""
    return first + lane_numbers()


@device
def to_unit(word):
    """Return (w + 0.5) / 2^32 for a 32-bit word w: strictly inside (0, 1)."""
    return (number(word) + 0.5) * 2.3283064365386963e-10


@device
def exponential(u):
    """Return an Exp(1) variate from a uniform, by inversion."""
    return -log(u)


@device
def student(u, v, nu):
    """Return a Student-t variate with nu degrees of freedom from two uniforms.

    Exact for any nu > 0 (Bailey 1994, Mathematics of Computation 62).
    """
    return sqrt(nu * (power(u, -2.0 / nu) - 1.0)) * cos_turns(v)


@device
def normal(u):
    """Return a standard normal from a uniform, by inversion; relative error 1e-15 (Wichura 1988, algorithm AS 241)."""
    q = u - 0.5
    r = sqrt(-log(minimum(u, 1.0 - u)))
    far = _ratio_middle(r - 1.6)
    if any_lane(r > 5.0):  # no word of 32 bits leads there
        far = where(r > 5.0, _ratio_tail(r - 5.0), far)
    return where(absolute(q) <= 0.425, q * _ratio_center(0.180625 - q * q), where(q > 0.0, far, -far))


@device
def _ratio_center(r):
    a = 2.5090809287301226727e3 * r + 3.3430575583588128105e4
    a = (a * r + 6.7265770927008700853e4) * r + 4.5921953931549871457e4
    a = (a * r + 1.3731693765509461125e4) * r + 1.9715909503065514427e3
    a = (a * r + 1.3314166789178437745e2) * r + 3.3871328727963666080e0
    b = 5.2264952788528545610e3 * r + 2.8729085735721942674e4
    b = (b * r + 3.9307895800092710610e4) * r + 2.1213794301586595867e4
    b = (b * r + 5.3941960214247511077e3) * r + 6.8718700749205790830e2
    b = (b * r + 4.2313330701600911252e1) * r + 1.0
    return a / b


@device
def _ratio_middle(r):
    a = 7.74545014278341407640e-4 * r + 2.27238449892691845833e-2
    a = (a * r + 2.41780725177450611770e-1) * r + 1.27045825245236838258e0
    a = (a * r + 3.64784832476320460504e0) * r + 5.76949722146069140550e0
    a = (a * r + 4.63033784615654529590e0) * r + 1.42343711074968357734e0
    b = 1.05075007164441684324e-9 * r + 5.47593808499534494600e-4
    b = (b * r + 1.51986665636164571966e-2) * r + 1.48103976427480074590e-1
    b = (b * r + 6.89767334985100004550e-1) * r + 1.67638483018380384940e0
    b = (b * r + 2.05319162663775882187e0) * r + 1.0
    return a / b


@device
def _ratio_tail(r):
    a = 2.01033439929228813265e-7 * r + 2.71155556874348757815e-5
    a = (a * r + 1.24266094738807843860e-3) * r + 2.65321895265761230930e-2
    a = (a * r + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0
    a = (a * r + 5.46378491116411436990e0) * r + 6.65790464350110377720e0
    b = 2.04426310338993978564e-15 * r + 1.42151175831644588870e-7
    b = (b * r + 1.84631831751005468180e-5) * r + 7.86869131145613259100e-4
    b = (b * r + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1
    b = (b * r + 5.99832206555887937690e-1) * r + 1.0
    return a / b
