/* The kernel of forecast/core once more in C, from the same equations, so that the benchmark can tell what numba costs.
 *
 * Functions bear the names and stand in the order of the Python files, where the equations are explained. Constants,
 * records and structs of pointers come from a header that c_twin.py makes of the Python definitions. Tables are
 * contiguous and indexed by hand; `size` tells how many there are of each thing.
 */

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "twin.h"

typedef struct {
    double at[4];
} Four;

typedef struct { /* what most loops hand on: the tables, and where the kernel stands */
    Sizes size;
    Layout layout;
    Draws draws;
    Luck luck;
    World world;
    Tally tally;
    Joint joint;
    uint32_t seed, path;
    int64_t row, p, n; /* of the path among those asked for, of its parameters, of the cell */
    const Constants *constants;
    const Parameter *parameter;
    const Cell *cell;
    const CellParameter *cell_parameter;
} Core;

static inline double maxf(double a, double b) { return b > a ? b : a; }
static inline double minf(double a, double b) { return b < a ? b : a; }
static inline int64_t maxi(int64_t a, int64_t b) { return b > a ? b : a; }
static inline int64_t mini(int64_t a, int64_t b) { return b < a ? b : a; }

/* ---- philox.py ---- */

static inline double to_unit(uint32_t word) { return ((double)word + 0.5) * 2.3283064365386963e-10; }

/* Philox4x32-10 and the four uniforms that its words stand for. */
static inline Four uniforms(const Core *all, uint32_t time, uint32_t entity, uint32_t purpose) {
    uint32_t c0 = time, c1 = entity, c2 = purpose, c3 = 0, k0 = all->seed, k1 = all->path;
    for (int i = 0; i < 10; i++) {
        const uint64_t p0 = (uint64_t)PHILOX_M0 * c0;
        const uint64_t p1 = (uint64_t)PHILOX_M1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += PHILOX_W0;
        k1 += PHILOX_W1;
    }
    return (Four){{to_unit(c0), to_unit(c1), to_unit(c2), to_unit(c3)}};
}

static inline double exponential(double u) { return -log(u); }

static inline double student(double u, double v, double nu) {
    return sqrt(nu * (pow(u, -2.0 / nu) - 1.0)) * cos(2.0 * PI * v);
}

static inline double ratio_center(double r) {
    double a = 2.5090809287301226727e3 * r + 3.3430575583588128105e4;
    a = (a * r + 6.7265770927008700853e4) * r + 4.5921953931549871457e4;
    a = (a * r + 1.3731693765509461125e4) * r + 1.9715909503065514427e3;
    a = (a * r + 1.3314166789178437745e2) * r + 3.3871328727963666080e0;
    double b = 5.2264952788528545610e3 * r + 2.8729085735721942674e4;
    b = (b * r + 3.9307895800092710610e4) * r + 2.1213794301586595867e4;
    b = (b * r + 5.3941960214247511077e3) * r + 6.8718700749205790830e2;
    b = (b * r + 4.2313330701600911252e1) * r + 1.0;
    return a / b;
}

static inline double ratio_middle(double r) {
    double a = 7.74545014278341407640e-4 * r + 2.27238449892691845833e-2;
    a = (a * r + 2.41780725177450611770e-1) * r + 1.27045825245236838258e0;
    a = (a * r + 3.64784832476320460504e0) * r + 5.76949722146069140550e0;
    a = (a * r + 4.63033784615654529590e0) * r + 1.42343711074968357734e0;
    double b = 1.05075007164441684324e-9 * r + 5.47593808499534494600e-4;
    b = (b * r + 1.51986665636164571966e-2) * r + 1.48103976427480074590e-1;
    b = (b * r + 6.89767334985100004550e-1) * r + 1.67638483018380384940e0;
    b = (b * r + 2.05319162663775882187e0) * r + 1.0;
    return a / b;
}

static inline double ratio_tail(double r) {
    double a = 2.01033439929228813265e-7 * r + 2.71155556874348757815e-5;
    a = (a * r + 1.24266094738807843860e-3) * r + 2.65321895265761230930e-2;
    a = (a * r + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0;
    a = (a * r + 5.46378491116411436990e0) * r + 6.65790464350110377720e0;
    double b = 2.04426310338993978564e-15 * r + 1.42151175831644588870e-7;
    b = (b * r + 1.84631831751005468180e-5) * r + 7.86869131145613259100e-4;
    b = (b * r + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1;
    b = (b * r + 5.99832206555887937690e-1) * r + 1.0;
    return a / b;
}

static inline double normal(double u) {
    const double q = u - 0.5;
    if (fabs(q) <= 0.425)
        return q * ratio_center(0.180625 - q * q);
    const double r = sqrt(-log(minf(u, 1.0 - u)));
    const double x = r <= 5.0 ? ratio_middle(r - 1.6) : ratio_tail(r - 5.0);
    return q > 0.0 ? x : -x;
}

/* ---- dynamics.py ---- */

static inline double ramp(int64_t quarter, int64_t onset, int64_t length) {
    if (quarter < onset)
        return 0.0;
    return minf(1.0, (double)(quarter - onset + 1) / (double)length);
}

static inline double fade(int64_t quarter, int64_t onset, double half_life) {
    if (half_life <= 0.0 || quarter < onset)
        return 1.0;
    return pow(0.5, (double)(quarter - onset) / half_life);
}

static inline double threat_level(double level, double target, double persistence, double sd, double z) {
    return maxf(0.0, persistence * level + (1.0 - persistence) * target + sd * z);
}

static inline double autoregress(double x, double mean, double phi, double sd, double z) {
    return mean + phi * (x - mean) + sd * z;
}

static inline double growth(double last, double mean, double phi, double bounce, double sd, double z) {
    return mean + phi * (last - mean) + bounce * maxf(0.0, -last) + sd * z;
}

static inline double correlate(double z, double common, double correlation) {
    return sqrt(correlation) * common + sqrt(1.0 - correlation) * z;
}

static inline double gap(double log_share, double log_mark) { return maxf(0.0, log_mark - log_share); }
static inline double response(double log_response) { return minf(1.0, exp(log_response)); }
static inline double scaled(double part, double multiplier) { return 1.0 + part * (multiplier - 1.0); }
static inline double spread(double scale, double log_volatility) { return scale * exp(log_volatility); }

static inline double spending_change(
    double log_share, double target, double kappa, double common, double gap, double front, double b_growth,
    double growth, double election, double extra, double noise) {
    const double pull = -kappa * (log_share - target);
    return pull + common + gap + front + b_growth * (growth - 0.02) + election + extra + noise;
}

static inline double clip(double x, double low, double high) { return minf(maxf(x, low), high); }

static inline double turnover_probability(
    double quiet, double offset, int64_t vote, int64_t after, int64_t before, double b_vote, double b_after,
    double b_before, double tenure) {
    const double logit = quiet + vote * (b_vote + offset) + after * (b_after + offset);
    return 1.0 / (1.0 + exp(-(logit + before * b_before + tenure)));
}

static inline double president_turnover(int64_t inauguration, int64_t limited, double p_election, double p_off_cycle) {
    if (!inauguration)
        return p_off_cycle;
    return limited ? 1.0 : p_election;
}

static inline double cohesion_index(const double *weights, const double *factors) {
    return weights[0] * factors[0] + weights[1] * factors[1] + weights[2] * factors[2] + weights[3] * factors[3];
}

static inline int64_t verdict(double cohesion, double low, double high, double rater_sd, double z) {
    const double seen = cohesion + rater_sd * z;
    if (seen < low)
        return 0;
    return seen < high ? 1 : 2;
}

static inline int64_t bin_of(const int64_t *bins, int64_t count, int64_t quarters) {
    return bins[mini(quarters, count - 1)];
}

/* ---- alliance_rules.py ---- */

static inline double chance(double rate) { return 1.0 - exp(-rate); }
static inline double logistic(double x) { return 1.0 / (1.0 + exp(-x)); }
static inline double echo(double level, double decay, int64_t event) { return decay * level + event; }
static inline double crisis_strain(double size, double late, double early) { return -size * (late - early); }

static inline double next_orientation(double before, bool coalition, bool sceptic, double size, double jitter) {
    if (coalition)
        return sceptic ? -size : size;
    return minf(maxf(before + jitter, -1.0), 1.0);
}

static inline double burden_composite(double european, double start, double sd) { return log(european / start) / sd; }

static inline double burden_gap(double usa, double european, double now, double sd) {
    return (usa - log(european) - now) / sd;
}

static inline double heterogeneity(double total, double squares, int64_t count) {
    const double mean = total / count;
    return sqrt(maxf(0.0, squares / count - mean * mean));
}

static inline double felt_threat(double distance, double reach, double eye, double z) {
    return exp(eye * z - distance / reach);
}

static inline double block_logit(
    double base, double by_spread, double spread, double by_low, double low, double by_absent, double absent) {
    return base + by_spread * spread + by_low * low + by_absent * absent;
}

static inline double valve(bool run_by_alliance, double outside) { return run_by_alliance ? 1.0 : outside; }

static inline double notice_lift(double by_cohesion, double cohesion, bool broken, double factor) {
    return exp(by_cohesion * cohesion) * (broken ? factor : 1.0);
}

static inline double burden_lift(double b, double gap) { return exp(b * gap); }
static inline double promised_troops(double part, double cut) { return 1.0 - part * cut; }

static inline double next_credibility(double credibility, double decay, double surplus) {
    return credibility * maxf(0.0, 1.0 - decay * maxf(0.0, surplus));
}

static inline double believed_multiplier(double credibility, double multiplier, double backsliding) {
    return credibility * multiplier + (1.0 - credibility) * backsliding;
}

static inline double china_response(double size, bool pacific, double far) { return pacific ? size : size * far; }

static inline double next_confidence(double level, double start, double persistence, double shock) {
    return minf(maxf(start + persistence * (level - start) + shock, 0.01), 0.99);
}

static inline double honour_logit(
    double base, double by_confidence, double confidence, double by_distance, double distance, double by_orientation,
    double orientation) {
    return base + by_confidence * confidence + by_distance * distance + by_orientation * orientation;
}

static inline double broken_index(double cohesion, double low, double rater_sd) {
    return minf(cohesion, low - 2.0 * rater_sd);
}

static inline double political_index(const double *weights, const double *factors, double confidence) {
    const double inside = weights[0] * factors[0] + weights[2] * factors[2] + weights[3] * factors[3];
    return inside / (weights[0] + weights[2] + weights[3]) + confidence;
}

static inline double military_index(double institutions, double burden) { return 0.5 * (institutions + burden); }

static inline double discordance(const double *factors) {
    const double mean = 0.25 * (factors[0] + factors[1] + factors[2] + factors[3]);
    double total = 0.0;
    for (int f = 0; f < 4; f++)
        total += (factors[f] - mean) * (factors[f] - mean);
    return sqrt(0.25 * total);
}

static inline double deterrence_signal(double military, double confidence) { return logistic(military + confidence); }

static inline double deterred(double target, double feedback, double signal) {
    return target * (1.0 - feedback * (2.0 * signal - 1.0));
}

/* ---- mission_rules.py ---- */

static inline double leader_lift(int64_t changed, int64_t election_ahead, double b_change, double b_ahead) {
    return exp(b_change * changed + b_ahead * election_ahead);
}

static inline double cohesion_lift(double cohesion, double b) { return exp(b * cohesion); }

static inline double mission_lift(double contagion, double b_contagion, bool lead_gone, double b_lead_gone) {
    if (contagion == 0.0 && !lead_gone)
        return 1.0;
    return exp(10.0 * b_contagion * contagion + b_lead_gone * lead_gone);
}

static inline double ending_lift(int64_t quarters_left, double b_ending) {
    return quarters_left <= 4 ? exp(b_ending) : 1.0;
}

static inline double contagion_share(int64_t left_1, int64_t left_2, int64_t ever, double cap) {
    return minf(cap, (double)(left_1 + left_2) / (double)ever);
}

static inline double partial_ratio(double full_exit) { return (1.0 - full_exit) / full_exit; }
static inline bool has_crossed(double cumulative, double threshold) { return cumulative >= threshold; }

static inline bool is_hollow(double flags, double operation, double flags_line, double operation_line) {
    return flags >= flags_line && operation < operation_line;
}

static inline bool is_ended(double flags, double operation, bool lead_gone, double flags_line, double collapse_line) {
    return flags < flags_line || (lead_gone && operation < collapse_line);
}

static inline double tethered(double ratio, double pull) {
    return pull != 0.0 ? (1.0 + ratio) / (1.0 + ratio * exp(-pull)) : 1.0;
}

static inline int64_t mode_of(double u, double cuts, double re_role, double caveat, double swap) {
    if (u < cuts)
        return 0;
    const double rest = (u - cuts) / (1.0 - cuts) * (re_role + caveat + swap);
    if (rest < re_role)
        return 1;
    return rest < re_role + caveat ? 2 : 3;
}

static inline double caveat_share(double share, int64_t coalition, double odds) {
    return coalition == 1 ? share * odds : share;
}

static inline double profile_of(double troops, double role, double reach) { return troops * role * reach; }
static inline double felt_losses(double z, double aversion) { return z < 0.0 ? z : aversion * z; }

static inline double campaign_lift(
    double losses, double b_losses, double age, double b_age, double trend, double b_trend) {
    return exp(b_losses * losses + b_age * age + b_trend * trend);
}

static inline double public_lift(
    double opposition, double consensus, double b_opposition, bool right, double b_right, int64_t left_turn,
    double b_left) {
    return exp(b_opposition * (1.0 - consensus) * opposition + b_right * right + b_left * left_turn);
}

static inline double backfill_lift(double remaining, double lost, double b) {
    return lost > 0.0 && remaining > 0.0 ? pow((remaining + lost) / remaining, b) : 1.0;
}

static inline double reduced_lift(double b) { return exp(b); }
static inline double framework_lift(double b) { return exp(b); }

static inline double arrival_hazard(double rate, double part, double multiplier) {
    return rate * (1.0 + part * (multiplier - 1.0));
}

static inline bool us_leads(double u, double chance, double part, double first, double wars) {
    return u < chance * (1.0 + part * (first - 1.0)) * (1.0 + part * (wars - 1.0));
}

static inline double interest(double common, double sd_common, double own, double sd_own) {
    return sd_common * common + sd_own * own;
}

static inline bool joins(double u, double s, double cost, double solidarity, double call, double depends) {
    return u < 1.0 / (1.0 + exp(cost - s - solidarity - call * depends));
}

static inline int64_t decision_lag(int64_t framework, double absent, double quarters) {
    return framework == 1 ? (int64_t)floor(1.0 + quarters * absent) : 0;
}

static inline bool takes_over(double u, double chance, bool leaderless, int64_t collapsed) {
    return (leaderless || collapsed == 1) && u < chance;
}

/* ---- dyad_rules.py ---- */

static inline double signal(double design_part, double design, double executive, double cut) {
    return minf(maxf(design_part * design + executive - cut, -1.0), 1.0);
}

static inline double reach_level(double now, double growth, int64_t quarters) {
    double power = 1.0, square = 1.0 - growth;
    for (int64_t left = quarters; left != 0; left >>= 1, square *= square)
        if (left & 1)
            power *= square;
    return 1.0 - (1.0 - now) * power;
}

static inline double abandonment(
    double fear, double persistence, double b_signal, double signal, double b_reach, double reach, double b_demand,
    double log_demand, double noise) {
    return persistence * fear - b_signal * signal + b_reach * reach + b_demand * log_demand + noise;
}

static inline double entrapment(
    double fear, double persistence, double b_war, double war, double b_crisis, double crisis, double b_new,
    double new_abandonment, double noise) {
    const double drive = b_war * war + b_crisis * crisis - b_new * new_abandonment;
    return persistence * fear + drive + noise;
}

static inline double opinion(
    double level, double persistence, double b_demand, double log_demand, double b_signal, double signal,
    double noise) {
    return persistence * level - b_demand * log_demand + b_signal * signal + noise;
}

static inline double settled(double drive, double persistence) { return drive / (1.0 - persistence); }

static inline double support_growth(double base, double response, double log_demand) {
    return 0.25 * base + response * log_demand;
}

static inline double dyad_cohesion(double threat, double gap, const DyadParameter *own, const DyadState *state) {
    return own->weight_threat * (threat - gap) - own->weight_abandonment * state->abandonment
        - own->weight_entrapment * state->entrapment + own->weight_opinion * state->opinion;
}

static inline double contribution(
    double b_abandonment, double gained_abandonment, double b_entrapment, double gained_entrapment) {
    return b_abandonment * gained_abandonment - b_entrapment * gained_entrapment;
}

static inline double end_chance(double hazard, double b_cohesion, double cohesion, double factor) {
    return 1.0 - exp(-hazard * factor * exp(-b_cohesion * cohesion));
}

static inline double honour_chance(double logit, double b_cohesion, double cohesion) {
    return 1.0 / (1.0 + exp(-(logit + b_cohesion * cohesion)));
}

static inline int64_t chain(int64_t inside, double u, double start, double end) {
    if (inside)
        return u < end ? 0 : 1;
    return u < start ? 1 : 0;
}

/* ---- histogram.py ---- */

static inline int64_t slot(double x, double low, double step, int64_t bins) {
    return mini(maxi((int64_t)floor((x - low) / step), 0), bins - 1);
}

/* ---- luck.py: a country's leaders stand `countries` records apart, a quarter each ---- */

static inline int64_t live_leader(
    const Core *all, const Country *country, const CountryParameter *own, const Parameter *parameter,
    const Constants *constants, bool is_usa, LeaderLuck *leaders) {
    int64_t clock = country->next_election, office = country->in_office, limited = constants->usa_limited;
    int64_t voted = country->voted;
    for (int64_t t = 0; t < all->size.quarters; t++) {
        const Four u = uniforms(all, t, country->id, DRAW_LEADER);
        const bool may_be_early = country->parliamentary == 1 && clock - t > 2;
        const int64_t vote = clock == t || (may_be_early && u.at[1] < constants->early_election);
        if (vote)
            clock = t + country->term;
        const int64_t before = 0 < clock - t && clock - t <= 2 && !vote;
        double turnover;
        if (is_usa)
            turnover = president_turnover(voted, limited, parameter->usa_election, constants->usa_off_cycle);
        else
            turnover = turnover_probability(
                own->turnover, own->turnover_offset, vote, voted, before, parameter->turnover_election,
                parameter->turnover_after, parameter->turnover_before,
                parameter->tenure[bin_of(TENURE_BIN, TENURE_BINS, office)]);
        const int64_t change = u.at[0] < turnover;
        if (change)
            limited = 0;
        else if (voted == 1)
            limited = 1;
        office = change ? 0 : office + 1;
        leaders[t * all->size.countries].vote = vote;
        leaders[t * all->size.countries].change = change;
        voted = vote;
    }
    return clock;
}

static inline void lift_hazards(
    const Core *all, int64_t next_vote, const Country *country, const Parameter *parameter, LeaderLuck *leaders) {
    double lifts[4];
    for (int i = 0; i < 4; i++)
        lifts[i] = leader_lift(i / 2, i % 2, parameter->leader_change, parameter->election_ahead);
    for (int64_t t = all->size.quarters - 1; t >= 0; t--) {
        LeaderLuck *leader = leaders + t * all->size.countries;
        int64_t changed = leader->change;
        if (t > 0)
            changed = maxi(changed, (leader - all->size.countries)->change);
        else if (country->in_office == 0)
            changed = 1;
        if (leader->vote == 1)
            next_vote = t;
        const int64_t ahead = 0 <= next_vote - t && next_vote - t <= 4;
        leader->lift = lifts[2 * changed + ahead];
    }
}

static inline void draw_budget(
    const Core *all, int64_t y, int64_t who, double last, double scale, double nu, const Constants *constants,
    BudgetLuck *budget) {
    Four u = uniforms(all, y, who, DRAW_GROWTH);
    budget->growth = growth(
        last, constants->growth_mean, constants->growth_phi, constants->growth_bounce, constants->growth_sd,
        normal(u.at[0]));
    u = uniforms(all, y, who, DRAW_SPENDING);
    budget->noise = scale * student(u.at[0], u.at[1], nu);
}

static inline double votes_in_year(const Core *all, int64_t first, int64_t country) {
    if (country >= 0)
        for (int64_t t = maxi(first, 0); t < mini(first + 4, all->size.quarters); t++)
            if (all->luck.leaders[t * all->size.countries + country].vote == 1)
                return 1.0;
    return 0.0;
}

static inline void draw_budgets(const Core *all, const Parameter *parameter, const MemberParameter *members) {
    const Constants *constants = all->constants;
    double factor = parameter->common_start, closed = parameter->response_start;
    double volatility = parameter->volatility_start;
    const double innovation = parameter->common_scale * sqrt(1.0 - parameter->common_phi * parameter->common_phi);
    const double unrest = parameter->volatility_sd * sqrt(1.0 - parameter->volatility_phi * parameter->volatility_phi);
    for (int64_t y = 0; y < all->size.years; y++) {
        Four u = uniforms(all, y, 0, DRAW_COMMON_FACTOR);
        const double heavy = student(u.at[0], u.at[1], COMMON_TAILS);
        factor = autoregress(factor, 0.0, parameter->common_phi, innovation, heavy);
        all->luck.common[y] = factor;
        u = uniforms(all, y, 1, DRAW_COMMON_FACTOR);
        closed = autoregress(
            closed, parameter->response_mean, parameter->response_phi, parameter->response_sd, normal(u.at[0]));
        all->luck.response[y] = closed;
        volatility = autoregress(volatility, 0.0, parameter->volatility_phi, unrest, normal(u.at[1]));
        all->luck.volatility[y] = volatility;
        for (int64_t m = 0; m < all->size.members; m++) {
            const Member *member = all->layout.members + m;
            BudgetLuck *budget = all->luck.budgets + y * all->size.members + m;
            const double last = y == 0 ? member->start_growth : (budget - all->size.members)->growth;
            draw_budget(
                all, y, member->id, last, spread(members[m].scale, volatility), parameter->nu, constants, budget);
            budget->election = votes_in_year(all, 4 * y - constants->quarter_of_year, member->country);
        }
    }
}

static inline void draw_alliance(const Core *all, double correlation, AllianceLuck *alliance) {
    for (int64_t t = 0; t < all->size.quarters; t++) {
        Four u = uniforms(all, t, 0, DRAW_THREAT_AND_RATER);
        alliance[t].threat = normal(u.at[0]);
        alliance[t].rater = normal(u.at[1]);
        const double common = normal(u.at[2]);
        u = uniforms(all, t, 0, DRAW_FACTORS);
        for (int f = 0; f < 4; f++)
            alliance[t].factors[f] = correlate(normal(u.at[f]), common, correlation);
    }
}

/* ---- alliance_luck.py ---- */

static inline void orient(
    const Core *all, const Country *country, double sceptic, double start, double jitter, const Parameter *parameter,
    LeaderLuck *leaders) {
    double now = start;
    const double rate = chance(parameter->scapegoat_rate);
    for (int64_t t = 0; t < all->size.quarters; t++) {
        LeaderLuck *leader = leaders + t * all->size.countries;
        leader->orientation = now;
        leader->scapegoat = 0;
        if (leader->change == 0 && now >= 0.0)
            continue;
        const Four u = uniforms(all, t, country->id, DRAW_ORIENTATION);
        if (leader->change == 1)
            now = next_orientation(
                now, u.at[0] < parameter->coalition_change, u.at[1] < sceptic, u.at[2], jitter * normal(u.at[2]));
        leader->orientation = now;
        leader->scapegoat = now < 0.0 && u.at[3] < rate;
    }
}

static inline void raise_voice(
    const Core *all, double voice, double start, const LeaderLuck *leaders, AllianceLuck *alliance) {
    if (voice > 0.0)
        for (int64_t t = 0; t < all->size.quarters; t++) {
            const LeaderLuck *leader = leaders + t * all->size.countries;
            alliance[t].voice += voice * (leader->orientation - start);
            alliance[t].scapegoat += voice * leader->scapegoat;
        }
}

static inline void draw_events(const Core *all, const Parameter *parameter, AllianceLuck *alliance) {
    const double crisis = chance(parameter->crisis_rate), wedge = chance(parameter->wedge_rate);
    const double dispute = chance(parameter->dispute_rate);
    for (int64_t t = 0; t < all->size.quarters; t++) {
        const Four u = uniforms(all, t, 0, DRAW_EVENTS);
        alliance[t].crisis = u.at[0] < crisis;
        alliance[t].wedge = u.at[1] < wedge;
        alliance[t].dispute = u.at[2] < dispute;
        alliance[t].block = u.at[3];
    }
}

static inline void leave_command(const Core *all, Four u, const Parameter *parameter, AllianceLuck *alliance) {
    const double out = exponential(u.at[0]) / parameter->command_exit_rate;
    const double back = out + exponential(u.at[1]) / parameter->command_return_rate;
    const double again = back + exponential(u.at[2]) / parameter->command_exit_rate;
    if (out < all->size.quarters)
        alliance[(int64_t)out].command_exits += 1;
    if (again < all->size.quarters)
        alliance[(int64_t)again].command_exits += 1;
}

static inline void draw_allies(const Core *all, const Parameter *parameter) {
    double total = 0.0, squares = 0.0;
    for (int64_t m = 0; m < all->size.members; m++) {
        const Member *member = all->layout.members + m;
        AllyLuck *ally = all->luck.allies + m;
        const Four u = uniforms(all, 0, member->id, DRAW_NOTICE);
        ally->notice = exponential(u.at[0]);
        ally->reversal = u.at[1];
        ally->honour = log(u.at[2] / (1.0 - u.at[2]));
        const double felt =
            felt_threat(member->distance, parameter->threat_reach, parameter->threat_eye, normal(u.at[3]));
        total += felt;
        squares += felt * felt;
        for (int64_t t = 0; t < all->size.quarters; t++)
            all->luck.orientation[t * all->size.members + m] =
                member->country >= 0 ? all->luck.leaders[t * all->size.countries + member->country].orientation : 0.0;
        if (m != all->constants->ally_usa)
            leave_command(all, uniforms(all, 0, member->id, DRAW_COMMAND), parameter, all->luck.alliance);
    }
    all->luck.path->threat_spread = heterogeneity(total, squares, all->size.members);
}

static inline void draw_posture(const Core *all, const Parameter *parameter, PathLuck *posture) {
    Four u = uniforms(all, 0, 0, DRAW_POSTURE);
    posture->notice = exponential(u.at[0]);
    posture->succeeds = u.at[1];
    u = uniforms(all, 0, 0, DRAW_DRAWDOWN_TIME);
    const Four v = uniforms(all, 0, 0, DRAW_DRAWDOWN_SIZE);
    double at = 0.0;
    for (int i = 0; i < AT_DRAWDOWNS; i++) {
        at += exponential(u.at[i]);
        posture->cut_time[i] = at;
        const double lost = parameter->us_drawdown_lower
            + v.at[i] * (parameter->us_drawdown_upper - parameter->us_drawdown_lower);
        posture->cut_size[i] = 1.0 - lost;
    }
}

static inline void draw_alliance_luck(const Core *all, const Parameter *parameter) {
    const double jitter = all->constants->orientation_jitter;
    for (int64_t t = 0; t < all->size.quarters; t++) {
        all->luck.alliance[t].voice = all->luck.alliance[t].scapegoat = 0.0;
        all->luck.alliance[t].command_exits = 0;
    }
    for (int64_t k = 0; k < all->size.countries; k++) {
        const Country *country = all->layout.countries + k;
        const bool is_usa = k == all->constants->usa;
        const double sceptic = is_usa ? parameter->sceptic_usa : parameter->sceptic;
        const Four u = uniforms(all, 0, country->id, DRAW_START_ORIENTATION);
        double start = next_orientation(0.0, true, u.at[0] < sceptic, u.at[1], 0.0);
        if (is_usa)
            start = parameter->start_usa;
        orient(all, country, sceptic, start, jitter, parameter, all->luck.leaders + k);
        raise_voice(all, country->voice, start, all->luck.leaders + k, all->luck.alliance);
    }
    draw_events(all, parameter, all->luck.alliance);
    draw_allies(all, parameter);
    draw_posture(all, parameter, all->luck.path);
}

/* ---- mission_luck.py ---- */

static inline void draw_public(
    const Core *all, int64_t who, const Constants *constants, const LeaderLuck *leaders, PublicLuck *publics) {
    double against = 0.0;
    const double step = sqrt(1.0 - constants->opinion_phi * constants->opinion_phi);
    double wing = constants->wing_sd * normal(uniforms(all, 0, who, DRAW_WING).at[2]);
    for (int64_t t = 0; t < all->size.quarters; t++) {
        Four u = uniforms(all, t, who, DRAW_PUBLIC);
        against = autoregress(against, 0.0, constants->opinion_phi, step, normal(u.at[0]));
        const double before = wing;
        if (leaders[t * all->size.countries].change == 1) {
            u = uniforms(all, t, who, DRAW_WING);
            if (u.at[0] >= constants->same_camp)
                wing = constants->wing_sd * normal(u.at[1]);
        }
        PublicLuck *public = publics + t * all->size.countries;
        public->opposition = against;
        public->wing = wing;
        public->left = wing < before;
    }
}

static inline void draw_campaign(
    const Core *all, const Mission *mission, const Constants *constants, const Parameter *parameter,
    CampaignLuck *campaigns) {
    double level = 0.0, reference = 0.0, surprise = 0.0, trend = 0.0;
    const double scale = mission->combat + (1.0 - mission->combat) * constants->noncombat_losses;
    const double level_step = scale * sqrt(1.0 - constants->casualty_phi * constants->casualty_phi);
    const double trend_step = sqrt(1.0 - constants->trend_phi * constants->trend_phi);
    for (int64_t t = 0; t < all->size.quarters; t++) {
        CampaignLuck *campaign = campaigns + t * all->size.missions;
        const int64_t age = maxi(mission->age + t - mission->start, 0);
        campaign->lift = campaign_lift(
            felt_losses(surprise, parameter->loss_aversion), constants->losses * parameter->casualties,
            mission->combat * mini(age, 40), constants->losses * parameter->combat_drift, trend,
            constants->battlefield * parameter->trend);
        const Four u = uniforms(all, t, mission->id, DRAW_CAMPAIGN);
        level = autoregress(level, 0.0, constants->casualty_phi, level_step, normal(u.at[0]));
        surprise = level - reference;
        reference += constants->casualty_memory * surprise;
        trend = autoregress(trend, 0.0, constants->trend_phi, trend_step, normal(u.at[1]));
        campaign->losses = surprise;
        campaign->trend = trend;
        campaign->hand_over = u.at[2];
    }
}

static inline void expose(
    const Core *all, const Mission *mission, const Contingent *contingent, double consensus, const Constants *constants,
    const Parameter *parameter, int64_t s, int64_t c) {
    const int64_t country = contingent->country, across = all->size.missions * all->size.contingents;
    const int64_t place = s * all->size.contingents + c;
    const double defection = all->luck.contingents[place].defection;
    double against = 0.0;
    int64_t left = 0;
    for (int64_t t = 0; t < all->size.quarters; t++) {
        const int64_t age = bin_of(DURATION_BIN, DURATION_BINS, contingent->served + maxi(t - mission->start, 0));
        double hazard = defection * all->luck.durations[age];
        if (country >= 0) {
            const PublicLuck *public = all->luck.publics + t * all->size.countries + country;
            const int64_t turned = maxi(left, public->left);
            hazard *= all->luck.leaders[t * all->size.countries + country].lift
                * public_lift(against, consensus, constants->opinion * parameter->opposition, public->wing > 0.0,
                              constants->executive * parameter->right_wing, turned,
                              constants->executive * parameter->left_turn);
            against = public->opposition;
            left = public->left;
        }
        all->luck.hazards[t * across + place] = hazard;
    }
}

static inline void plan_withdrawal(
    const Core *all, const Mission *mission, int64_t served, double until, double b_ending, int64_t s,
    ContingentLuck *fate) {
    fate->planned_at = NEVER;
    double hazard = 0.0;
    for (int64_t t = mission->start; t < mini(mission->end, all->size.quarters); t++) {
        const int64_t age = bin_of(DURATION_BIN, DURATION_BINS, served + t - mission->start);
        const double ending = ending_lift(mission->end - t, b_ending);
        hazard += ending * fate->planned * all->luck.durations[DURATIONS + age];
        if (has_crossed(hazard, until)) {
            fate->planned_at = t;
            all->luck.planned[t * all->size.missions + s] += 1;
            return;
        }
    }
}

static inline double draw_contingent(
    const Core *all, int64_t who, const ContingentParameter *own, const Constants *constants, ContingentLuck *fate) {
    fate->defection = exp(own->defection + constants->circumstances * own->circumstances);
    fate->planned = exp(own->planned);
    const Four u = uniforms(all, 0, who, DRAW_EXIT);
    fate->defects_at = exponential(u.at[0]);
    const Four v = uniforms(all, 0, who, DRAW_CUT_TIME);
    double at = 0.0;
    for (int i = 0; i < CUTS; i++) {
        at += exponential(v.at[i]);
        fate->cut_at[i] = at;
    }
    return exponential(u.at[1]);
}

static inline void draw_modes(
    const Core *all, const Contingent *contingent, double full_exit, int64_t parliamentary, const Constants *constants,
    const Parameter *parameter, ContingentLuck *fate) {
    const double *shares = parameter->mode_shares;
    const int64_t who = contingent->id;
    const double caveat = caveat_share(shares[2], parliamentary, parameter->coalition_caveats);
    double first = constants->modes == 1 ? shares[0] : 1.0;
    double cuts = partial_ratio(full_exit) * first;
    if (constants->reductions == 1)
        cuts = exp(parameter->reduction);
    const double ratio = cuts + partial_ratio(full_exit) * (1.0 - first);
    const double pull = constants->tether * parameter->tether * contingent->tether;
    const double full = tethered(ratio, pull);
    const double partial = ratio + (1.0 - full);
    fate->defects_at /= full;
    first = ratio > 0.0 ? cuts / ratio : 1.0;
    const Four u = uniforms(all, 0, who, DRAW_CUT_MODE);
    const Four v = uniforms(all, 0, who, DRAW_CUT_SIZE);
    const Four w = uniforms(all, 0, who, DRAW_CUT_SEEN);
    for (int i = 0; i < CUTS; i++) {
        fate->cut_at[i] /= partial;
        const int64_t mode = mode_of(u.at[i], first, shares[1], caveat, shares[3]);
        fate->cut_mode[i] = mode;
        fate->cut_seen[i] = w.at[i] < parameter->caveat_detection;
        fate->cut_size[i] =
            parameter->mode_lower[mode] + v.at[i] * (parameter->mode_upper[mode] - parameter->mode_lower[mode]);
    }
}

static inline void draw_missions(const Core *all) {
    const Constants *constants = all->constants;
    const Parameter *parameter = all->parameter;
    const ContingentParameter *hazards = all->draws.contingents + all->p * all->size.missions * all->size.contingents;
    for (int i = 0; i < DURATIONS; i++) {
        all->luck.durations[i] = exp(parameter->duration_defection[i]);
        all->luck.durations[DURATIONS + i] = exp(parameter->duration_planned[i]);
    }
    for (int64_t k = 0; k < all->size.countries; k++)
        draw_public(all, all->layout.countries[k].id, constants, all->luck.leaders + k, all->luck.publics + k);
    for (int64_t s = 0; s < all->size.missions; s++) {
        const Mission *mission = all->layout.missions + s;
        const MissionParameter *own = all->draws.missions + all->p * all->size.missions + s;
        draw_campaign(all, mission, constants, parameter, all->luck.campaigns + s);
        for (int64_t t = 0; t < all->size.quarters; t++)
            all->luck.planned[t * all->size.missions + s] = 0;
        for (int64_t c = 0; c < mission->contingents; c++) {
            const int64_t place = s * all->size.contingents + c;
            const Contingent *contingent = all->layout.contingents + place;
            ContingentLuck *fate = all->luck.contingents + place;
            const double until = draw_contingent(all, contingent->id, hazards + place, constants, fate);
            plan_withdrawal(all, mission, contingent->served, until, parameter->ending, s, fate);
            const int64_t k = contingent->country;
            const int64_t parliamentary = k >= 0 ? all->layout.countries[k].parliamentary : 0;
            draw_modes(all, contingent, own->full_exit, parliamentary, constants, parameter, fate);
            expose(all, mission, contingent, own->consensus, constants, parameter, s, c);
        }
    }
}

/* ---- arrivals.py ---- */

static inline void draw_slots(const Core *all) {
    const Constants *constants = all->constants;
    for (int64_t a = 0; a < all->size.slots; a++) {
        const int64_t who = all->layout.slots[a].id;
        const Four u = uniforms(all, 0, who, DRAW_SLOT);
        all->luck.slots[a].until = exponential(u.at[0]);
        all->luck.slots[a].leader = u.at[1];
        const double common = normal(u.at[2]);
        for (int64_t m = 0; m < all->size.members; m++) {
            const Four v = uniforms(all, who, all->layout.members[m].id, DRAW_JOIN);
            JoinLuck *one = all->luck.joining + a * all->size.members + m;
            one->interest = interest(common, constants->common_interest, normal(v.at[0]), constants->own_interest);
            one->joins = v.at[1];
            one->until = exponential(v.at[2]);
        }
    }
}

static inline void clear_slots(const Core *all) {
    for (int64_t a = 0; a < all->size.slots; a++) {
        all->world.slots[a].hazard = 0.0;
        all->world.slots[a].begun = NEVER;
        all->world.slots[a].us_led = 0;
    }
}

static inline int64_t muster_members(
    const Core *all, int64_t a, int64_t framework, int64_t us_led, const Member *members, const Parameter *parameter) {
    int64_t count = 0;
    for (int64_t m = 0; m < all->size.members; m++) {
        const JoinLuck *one = all->luck.joining + a * all->size.members + m;
        const int64_t joined = joins(
            one->joins, one->interest, parameter->join_cost[framework], framework * parameter->solidarity,
            us_led * parameter->call, members[m].depends);
        all->world.joined[a * all->size.members + m] = joined;
        count += joined;
    }
    return count;
}

static inline void step_arrivals(const Core *all, int64_t t) {
    const Constants *constants = all->constants;
    const Cell *cell = all->cell;
    const Parameter *parameter = all->parameter;
    if (constants->new_missions == 0)
        return;
    const double part = ramp(t, constants->onset, cell->design_ramp);
    const double hazard = arrival_hazard(constants->arrival_rate, part, cell->out_of_area);
    for (int64_t a = 0; a < all->size.slots; a++) {
        SlotState *state = all->world.slots + a;
        state->hazard += hazard;
        if (state->begun == NEVER && has_crossed(state->hazard, all->luck.slots[a].until)) {
            state->begun = t;
            state->us_led = us_leads(
                all->luck.slots[a].leader, constants->us_led, part, cell->first_responder, cell->entrapment);
            const int64_t framework = all->layout.slots[a].framework;
            const int64_t joined = muster_members(all, a, framework, state->us_led, all->layout.members, parameter);
            state->lag = decision_lag(
                framework, 1.0 - (double)joined / (double)all->size.members, parameter->decision_lag);
        }
    }
}

static inline bool is_entrapped(const Core *all, int64_t slot, int64_t t, const SlotState *slots) {
    for (int64_t a = 0; a < all->size.slots; a++)
        if (slots[a].us_led == 1 && (slots[a].begun < t || (slots[a].begun == t && a < slot)))
            return true;
    return false;
}

static inline int64_t quarters_served(double rate, double until, int64_t last) {
    int64_t age = 0;
    while (age < last && !has_crossed(rate * age, until))
        age++;
    return age;
}

static inline void note_stay(const Core *all, int64_t *changes, int64_t stay) {
    changes[0] += 1;
    if (stay < all->size.quarters)
        changes[stay] -= 1;
}

static inline void tally_arrivals(const Core *all, int64_t t, const Parameter *parameter) {
    for (int64_t a = 0; a < all->size.slots; a++) {
        const SlotState *state = all->world.slots + a;
        if (state->begun != t)
            continue;
        const int64_t place = all->n * all->size.slots + a, framework = all->layout.slots[a].framework;
        all->tally.begun[all->n * all->size.quarters + t] += 1;
        if (state->us_led == 1 && !is_entrapped(all, a, t, all->world.slots))
            all->tally.entrapped[all->n * all->size.quarters + t] += 1;
        const int64_t last = all->size.quarters - t;
        note_stay(all, all->tally.started + place * all->size.quarters, last);
        int64_t count = 0;
        for (int64_t m = 0; m < all->size.members; m++)
            if (all->world.joined[a * all->size.members + m] == 1) {
                count++;
                const JoinLuck *one = all->luck.joining + a * all->size.members + m;
                const int64_t stay = quarters_served(parameter->stay[framework], one->until, last);
                note_stay(all, all->tally.serving + place * all->size.quarters, stay);
            }
        all->tally.refused[place] += 2 * count < all->size.members;
        all->tally.waited[place] += state->lag;
    }
}

/* ---- luck.py: all of it ---- */

static inline void draw_luck(const Core *all) {
    const Constants *constants = all->constants;
    const Parameter *parameter = all->parameter;
    for (int64_t k = 0; k < all->size.countries; k++) {
        const Country *country = all->layout.countries + k;
        const CountryParameter *own = all->draws.countries + all->p * all->size.countries + k;
        const int64_t next_vote = live_leader(
            all, country, own, parameter, constants, k == constants->usa, all->luck.leaders + k);
        lift_hazards(all, next_vote, country, parameter, all->luck.leaders + k);
    }
    draw_budgets(all, parameter, all->draws.members + all->p * all->size.members);
    draw_alliance(all, constants->factor_correlation, all->luck.alliance);
    draw_alliance_luck(all, parameter);
    draw_missions(all);
    draw_slots(all);
}

/* ---- dyad_luck.py ---- */

static inline void draw_outlook(const Core *all, int64_t usa, int64_t us_war, const OutlookParameter *own) {
    const Four start = uniforms(all, 0, 0, DRAW_OUTLOOK_START);
    int64_t war = start.at[0] < own->war_start / (own->war_start + own->war_end);
    int64_t crisis = start.at[1] < own->crisis_start / (own->crisis_start + own->crisis_end);
    double executive = own->executive_now;
    for (int64_t t = 0; t < all->size.quarters; t++) {
        const Four u = uniforms(all, t, 0, DRAW_OUTLOOK);
        war = chain(war, u.at[0], own->war_start, own->war_end);
        if (t == us_war)
            war = 1;
        crisis = chain(crisis, u.at[1], own->crisis_start, own->crisis_end);
        if (usa >= 0 && all->luck.leaders[t * all->size.countries + usa].change == 1)
            executive = own->executive_sd * normal(u.at[2]);
        all->luck.outlook[t].war = war;
        all->luck.outlook[t].crisis = crisis;
        all->luck.outlook[t].executive = executive;
    }
}

static inline double log_demand(
    int64_t t, const Constants *constants, const Dyad *dyad, const DyadParameter *own, double z) {
    if (t == constants->hns_demand)
        return log(own->stress_demand);
    const bool due = t >= dyad->renewal && (t - dyad->renewal) % dyad->renewal_every == 0;
    return due && constants->demands == 1 ? own->demand_sd * fabs(z) : 0.0;
}

static inline double exposed_reach(int64_t t, const Constants *constants, const DyadParameter *own) {
    if (constants->reach == 0)
        return 0.0;
    if (t >= constants->dprk_reach)
        return own->reach_exposure;
    return own->reach_exposure * reach_level(own->reach_now, own->reach_growth, t + 1);
}

static inline void draw_dyad(
    const Core *all, const Constants *constants, const Dyad *dyad, const DyadParameter *own, DyadLuck *luck) {
    double threat = own->threat, over_china = own->gap, support = 0.0, troops = 1.0;
    for (int64_t t = 0; t < all->size.quarters; t++) {
        DyadLuck *one = luck + t * all->size.dyads;
        Four u = uniforms(all, t, dyad->id, DRAW_PURPOSE_AND_DEMAND);
        threat = autoregress(threat, own->threat, own->threat_persistence, own->threat_sd, normal(u.at[0]));
        over_china = autoregress(over_china, own->gap, own->threat_persistence, own->gap_sd, normal(u.at[1]));
        one->threat = threat;
        one->gap = over_china;
        one->demand = log_demand(t, constants, dyad, own, normal(u.at[2]));
        support += support_growth(own->support_base, own->support_response, one->demand);
        one->support = exp(support);
        one->honour = u.at[3];
        u = uniforms(all, t, dyad->id, DRAW_TROOPS);
        one->cut = constants->troop_cuts == 1 && u.at[0] < own->troops_cut ? 1.0 : 0.0;
        troops *= 1.0 - one->cut * (own->cut_lower + u.at[1] * (own->cut_upper - own->cut_lower));
        one->troops = troops;
        one->reach = exposed_reach(t, constants, own);
        u = uniforms(all, t, dyad->id, DRAW_FEARS_AND_END);
        one->abandonment = own->fear_sd * normal(u.at[0]);
        one->entrapment = own->fear_sd * normal(u.at[1]);
        one->opinion = own->opinion_sd * normal(u.at[2]);
        one->end = u.at[3];
    }
}

static inline void draw_dyad_luck(const Core *all) {
    const Constants *constants = all->constants;
    draw_outlook(all, constants->usa, constants->us_war, all->draws.outlook + all->p);
    for (int64_t d = 0; d < all->size.dyads; d++) {
        const Dyad *dyad = all->layout.dyads + d;
        draw_dyad(all, constants, dyad, all->draws.dyads + all->p * all->size.dyads + d, all->luck.dyads + d);
        double last = dyad->start_growth;
        for (int64_t y = 0; y < all->size.years; y++) {
            BudgetLuck *budget = all->luck.partners + y * all->size.dyads + d;
            draw_budget(
                all, y, dyad->partner, last,
                spread(all->draws.partners[all->p * all->size.dyads + d].scale, all->luck.volatility[y]),
                all->parameter->nu, constants, budget);
            last = budget->growth;
            budget->election = votes_in_year(all, 4 * y - constants->quarter_of_year, dyad->country);
        }
    }
}

/* ---- mission_steps.py: of one mission, the tables start at its own row ---- */

static inline double next_due(const ContingentLuck *fate, int64_t cuts) {
    return cuts < CUTS ? minf(fate->defects_at, fate->cut_at[cuts]) : fate->defects_at;
}

static inline void muster(
    const Core *all, int64_t contingents, MissionState *state, const ContingentLuck *fates, int64_t s) {
    state->stale = 1;
    for (int i = 0; i < 3; i++) {
        state->bins[i] = -1;
        state->sums[i] = 0;
    }
    state->told_hollow = state->told_ended = state->told_handed = 0;
    for (int i = 0; i < MODES; i++)
        state->modes[i] = 0;
    state->seen = 0;
    for (int64_t c = 0; c < contingents; c++) {
        const int64_t place = s * all->size.contingents + c;
        all->world.contingents[place] = (ContingentState){
            .present = 1, .left_at = NEVER, .profile = 1.0, .cuts = 0, .troops = 1.0, .role = 1.0, .reach = 1.0};
        all->world.endured[place] = 0.0;
        all->world.lifts[place] = 1.0;
        all->world.due[place] = next_due(fates + c, 0);
    }
    state->curve[0] = 1.0;
}

static inline int64_t endure(
    int64_t contingents, double lift, const double *restrict hazards, const double *restrict lifts,
    const double *restrict due, double *restrict endured) {
    int64_t reached = 0;
    for (int64_t c = 0; c < contingents; c++) {
        endured[c] += lift * hazards[c] * lifts[c];
        reached += has_crossed(endured[c], due[c]);
    }
    return reached;
}

static inline void cut(const ContingentLuck *fate, ContingentState *own, MissionState *state) {
    const int64_t i = own->cuts, mode = fate->cut_mode[i];
    if (mode == ROLE)
        own->role *= fate->cut_size[i];
    else if (mode == CAVEAT) {
        own->reach *= fate->cut_size[i];
        state->seen += fate->cut_seen[i];
    } else
        own->troops *= fate->cut_size[i];
    own->profile = profile_of(own->troops, own->role, own->reach);
    own->cuts = i + 1;
    state->modes[1 + mode] += 1;
}

static inline void step_contingent(const Core *all, int64_t t, int64_t place, double reduced, MissionState *state) {
    const ContingentLuck *fate = all->luck.contingents + place;
    ContingentState *own = all->world.contingents + place;
    const double hazard = all->world.endured[place];
    const bool defects = has_crossed(hazard, fate->defects_at);
    if (defects || t >= fate->planned_at) {
        own->present = 0;
        own->left_at = t;
        own->profile = 0.0;
        all->world.lifts[place] = 0.0;
        all->world.due[place] = INFINITY;
        state->modes[0] += defects;
        state->left += 1;
        state->lost += all->layout.contingents[place].weight;
        return;
    }
    while (own->cuts < CUTS && has_crossed(hazard, fate->cut_at[own->cuts]))
        cut(fate, own, state);
    all->world.lifts[place] = own->troops < 1.0 ? reduced : 1.0;
    all->world.due[place] = next_due(fate, own->cuts);
}

static inline void move(const Core *all, int64_t t, int64_t s, const Parameter *parameter) {
    const double reduced = reduced_lift(all->constants->reductions * parameter->ever_reduced);
    const bool planned = all->luck.planned[t * all->size.missions + s] > 0;
    for (int64_t c = 0; c < all->layout.missions[s].contingents; c++) {
        const int64_t place = s * all->size.contingents + c;
        const bool crossed = has_crossed(all->world.endured[place], all->world.due[place]);
        if (crossed || (planned && t >= all->luck.contingents[place].planned_at))
            if (all->world.contingents[place].present == 1)
                step_contingent(all, t, place, reduced, all->world.missions + s);
    }
    all->world.missions[s].stale = 1;
}

static inline void age_counts(MissionState *state) {
    state->left_2 = state->left_1;
    state->left_1 = state->left;
    state->left = 0;
    state->lost_2 = state->lost_1;
    state->lost_1 = state->lost;
    state->lost = 0.0;
    state->fallen = state->news = 0;
}

static inline bool is_leaderless(const Mission *mission, const MissionState *state, const ContingentState *own) {
    if (mission->lead < 0 || state->handed == 1)
        return false;
    return own[mission->lead].present == 0;
}

static inline double lift_mission(
    const Mission *mission, const Constants *constants, const Parameter *parameter, const MissionState *state,
    const ContingentState *own) {
    const double share = contagion_share(state->left_1, state->left_2, mission->ever, constants->contagion_cap);
    double lift = mission_lift(share, parameter->contagion, is_leaderless(mission, state, own), parameter->lead_gone);
    if (state->handed == 1)
        lift *= framework_lift(parameter->nato);
    return lift
        * backfill_lift(state->curve[0], state->lost_1 + state->lost_2, constants->backfill * parameter->backfill);
}

static inline void work_out_curves(
    int64_t contingents, const Contingent *plan, const ContingentState *own, MissionState *state) {
    double flags = 0.0, operation = 0.0;
    int64_t count = 0, allies = 0;
    for (int64_t c = 0; c < contingents; c++) {
        flags += plan[c].weight * own[c].present;
        operation += plan[c].weight * own[c].profile;
        count += own[c].present;
        allies += plan[c].ally * own[c].present;
    }
    state->curve[0] = flags;
    state->curve[1] = operation;
    state->curve[2] = (double)count / (double)contingents;
    state->allies = allies;
    state->stale = 0;
    state->news = 1;
}

static inline void look_for_collapse(const Constants *constants, MissionState *state) {
    state->low = state->curve[1] < constants->collapse_operation ? state->low + 1 : 0;
    if (state->low >= 2 && state->collapsed == 0)
        state->collapsed = state->fallen = state->news = 1;
}

static inline void hand_over(
    const Mission *mission, const Constants *constants, const Parameter *parameter, double u, MissionState *state,
    ContingentState *own, double *lifts) {
    bool leaderless = is_leaderless(mission, state, own);
    const bool may = constants->hand_over * mission->ad_hoc == 1 && state->handed == 0;
    if (may && takes_over(u, parameter->hand_over, leaderless, state->collapsed)) {
        state->handed = state->stale = state->news = 1;
        leaderless = false;
        for (int64_t c = 0; c < mission->contingents; c++) {
            own[c].troops = own[c].role = own[c].reach = 1.0;
            own[c].profile = lifts[c] = (double)own[c].present;
        }
    }
    if (state->ended == 0
        && is_ended(state->curve[0], state->curve[1], leaderless, constants->nominal_flags,
                    constants->collapse_operation))
        state->ended = state->news = 1;
}

static inline void step_mission(const Core *all, int64_t t, int64_t s, double lift) {
    const Mission *mission = all->layout.missions + s;
    const Parameter *parameter = all->parameter;
    const Constants *constants = all->constants;
    const int64_t contingents = mission->contingents, row = s * all->size.contingents;
    const int64_t across = all->size.missions * all->size.contingents;
    const CampaignLuck *campaign = all->luck.campaigns + s;
    MissionState *state = all->world.missions + s;
    ContingentState *own = all->world.contingents + row;
    if (t == mission->start)
        muster(all, contingents, state, all->luck.contingents + row, s);
    age_counts(state);
    lift *= campaign[t * all->size.missions].lift * lift_mission(mission, constants, parameter, state, own);
    const int64_t due = endure(
        contingents, lift, all->luck.hazards + t * across + row, all->world.lifts + row, all->world.due + row,
        all->world.endured + row);
    if (due + all->luck.planned[t * all->size.missions + s] > 0)
        move(all, t, s, parameter);
    if (state->stale == 1)
        work_out_curves(contingents, all->layout.contingents + row, own, state);
    look_for_collapse(constants, state);
    hand_over(mission, constants, parameter, campaign->hand_over, state, own, all->world.lifts + row);
}

static inline double collapses(
    const Core *all, int64_t t, int64_t on, const Mission *missions, const MissionState *states) {
    double total = 0.0;
    for (int64_t s = 0; s < all->size.missions; s++)
        if (t < missions[s].end)
            total += on * missions[s].stake * states[s].fallen;
    return total;
}

/* ---- member_steps.py ---- */

static inline void grey_zone(const Core *all, int64_t t, const Constants *constants, const Parameter *parameter) {
    if (t != constants->grey_zone)
        return;
    AllianceState *alliance = all->world.alliance;
    double honoured = 0.0, total = 0.0;
    int64_t refusals = 0;
    const double confidence = alliance->article5 - constants->article5_usual;
    for (int64_t m = 0; m < all->size.members; m++) {
        if (all->world.allies[m].status == AT_OUTSIDE)
            continue;
        const Member *member = all->layout.members + m;
        const double logit = honour_logit(
            parameter->honour, parameter->honour_confidence, confidence, parameter->honour_distance, member->far,
            parameter->honour_orientation, all->luck.orientation[t * all->size.members + m]);
        total += member->weight;
        if (logit + all->luck.allies[m].honour > 0.0)
            honoured += member->weight;
        else
            refusals++;
    }
    if (total == 0.0)
        return;
    if (refusals >= 3)
        alliance->happened[AT_THREE_REFUSALS] = 1;
    alliance->article5_shock += parameter->article5_refusal * (1.0 - honoured / total);
    if (honoured < constants->honour_line * total) {
        alliance->broken_until = t + constants->broken_quarters;
        alliance->happened[AT_TREATY_BROKEN] = 1;
    }
}

static inline void notify(
    int64_t t, const Parameter *parameter, const Constants *constants, const AllyLuck *fate, AllyState *ally,
    AllianceState *alliance) {
    if (ally->status == AT_LEAVING && t >= ally->until) {
        ally->status = fate->reversal < parameter->notice_reversed ? AT_INSIDE : AT_OUTSIDE;
        if (ally->status == AT_OUTSIDE)
            alliance->happened[AT_EXIT] = 1;
    } else if (ally->status == AT_INSIDE && ally->until == 0 && has_crossed(ally->notice, fate->notice)) {
        ally->status = AT_LEAVING;
        ally->until = t + constants->notice_quarters;
        alliance->pulse[AT_NORMS] += parameter->notice_norms;
        alliance->happened[AT_NOTICE] = 1;
    }
}

static inline void meet(const Core *all, int64_t t) {
    const Constants *constants = all->constants;
    const Parameter *parameter = all->parameter;
    const CellParameter *own = all->cell_parameter;
    AllianceState *alliance = all->world.alliance;
    const double part = ramp(t, constants->onset, all->cell->design_ramp);
    const double hazard = parameter->notice_rate * constants->alliance_exits
        * notice_lift(parameter->notice_cohesion, alliance->cohesion, t < alliance->broken_until,
                      constants->exit_factor);
    const double sceptic = exp(parameter->notice_sceptic);
    int64_t count = 0, low = 0;
    double total = 0.0, squares = 0.0;
    for (int64_t m = 0; m < all->size.members; m++) {
        AllyState *ally = all->world.allies + m;
        const double orientation = all->luck.orientation[t * all->size.members + m];
        if (ally->status == AT_OUTSIDE)
            continue;
        if (m != constants->ally_usa) {
            ally->notice += hazard * (orientation < 0.0 ? sceptic : 1.0);
            notify(t, parameter, constants, all->luck.allies + m, ally, alliance);
            if (ally->status == AT_OUTSIDE) {
                alliance->gone += all->layout.members[m].european;
                continue;
            }
        }
        const double bent = all->layout.members[m].firm > 0.0 ? own->alignment_firm : own->alignment_frail;
        const double alignment = orientation + part * bent;
        count++;
        total += alignment;
        squares += alignment * alignment;
        low += alignment < constants->low_alignment;
    }
    alliance->heterogeneity = heterogeneity(total, squares, maxi(count, 1));
    alliance->low = (double)low / (double)maxi(count, 1);
    const int64_t command = constants->alliance_exits * all->luck.alliance[t].command_exits;
    alliance->pulse[AT_INSTITUTIONS] += command * parameter->command_exit;
    if (command > 0)
        alliance->happened[AT_COMMAND_EXIT] = 1;
}

static inline void take_posture(const Core *all, int64_t t, const Parameter *parameter) {
    const Constants *constants = all->constants;
    const Cell *cell = all->cell;
    const PathLuck *fate = all->luck.path;
    AllianceState *alliance = all->world.alliance;
    if (constants->us_posture == 0 || constants->ally_usa < 0)
        return;
    AllyState *usa = all->world.allies + constants->ally_usa;
    if (usa->status == AT_OUTSIDE)
        return;
    const double lift = burden_lift(parameter->us_burden, alliance->gap);
    const bool sympathetic = all->luck.orientation[t * all->size.members + constants->ally_usa] < 0.0;
    alliance->us_notice += lift * (sympathetic ? parameter->us_notice_sympathetic : parameter->us_notice_other);
    if (usa->status == AT_LEAVING && t >= usa->until) {
        usa->status = fate->succeeds < parameter->us_succeeds ? AT_OUTSIDE : AT_INSIDE;
        if (usa->status == AT_OUTSIDE)
            alliance->happened[AT_US_EXIT] = 1;
    } else if (usa->status == AT_INSIDE && usa->until == 0 && has_crossed(alliance->us_notice, fate->notice)) {
        usa->status = AT_LEAVING;
        usa->until = t + constants->notice_quarters;
        alliance->pulse[AT_LEADERSHIP] += parameter->us_notice_leadership;
        alliance->pulse[AT_THREATS] += parameter->us_notice_threats;
        alliance->article5_shock += parameter->article5_notice;
        alliance->happened[AT_US_NOTICE] = 1;
    }
    const double part = ramp(t, constants->onset, cell->design_ramp);
    alliance->us_drawdown += lift * parameter->us_drawdown_rate * scaled(part, cell->drawdown);
    while (alliance->us_cuts < AT_DRAWDOWNS && alliance->us_drawdown >= fate->cut_time[alliance->us_cuts]) {
        alliance->kept *= fate->cut_size[alliance->us_cuts];
        alliance->us_cuts += 1;
        alliance->happened[AT_US_DRAWDOWN] = 1;
    }
}

static inline void keep_promise(
    int64_t t, const Constants *constants, const Cell *cell, const Parameter *parameter, const CellParameter *own,
    AllianceState *alliance) {
    alliance->index[AT_US_TROOPS] = alliance->kept;
    if (constants->backsliding == 1 && cell->promise == 1) {
        const double part = ramp(t, constants->onset, cell->troop_ramp);
        const double believed = own->troop_cut * cell->credibility;
        alliance->index[AT_US_TROOPS] = alliance->kept * promised_troops(part, believed);
        const double surplus = alliance->index[AT_US_TROOPS] - promised_troops(part, own->troop_cut);
        alliance->credibility = next_credibility(alliance->credibility, parameter->credibility_decay, surplus);
    }
    alliance->index[AT_CREDIBILITY] = alliance->credibility;
}

static inline void count_absent(const Core *all, int64_t t) {
    int64_t allies = 0, running = 0;
    double absent = 0.0;
    for (int64_t s = 0; s < all->size.missions; s++) {
        const Mission *mission = all->layout.missions + s;
        if (mission->veto != 1 || t < mission->start || t >= mission->end)
            continue;
        if (running == 0)
            for (int64_t m = 0; m < all->size.members; m++)
                allies += all->world.allies[m].status != AT_OUTSIDE;
        absent += maxf(0.0, 1.0 - (double)all->world.missions[s].allies / (double)maxi(allies, 1));
        running++;
    }
    all->world.alliance->absent = running > 0 ? absent / running : 0.0;
}

/* ---- alliance_steps.py ---- */

static inline void reset_alliance(
    const Core *all, const MemberParameter *members, const Cell *cell, const Parameter *parameter) {
    AllianceState *alliance = all->world.alliance;
    for (int f = 0; f < 4; f++)
        alliance->shift[f] = alliance->pulse[f] = 0.0;
    alliance->rally = alliance->onset = alliance->strain = 0.0;
    alliance->burden = alliance->cost = alliance->gap = alliance->gone = 0.0;
    alliance->heterogeneity = alliance->low = alliance->absent = 0.0;
    alliance->credibility = cell->credibility;
    alliance->kept = 1.0;
    alliance->us_notice = alliance->us_drawdown = 0.0;
    alliance->us_cuts = 0;
    alliance->article5 = parameter->article5;
    alliance->article5_shock = 0.0;
    alliance->broken_until = 0;
    alliance->start = 0.0;
    for (int i = 0; i < EVENTS; i++)
        alliance->happened[i] = 0;
    for (int i = 0; i < INDICES; i++)
        alliance->index[i] = 0.0;
    alliance->index[AT_DETERRENCE] = 0.5;
    for (int64_t m = 0; m < all->size.members; m++) {
        all->world.allies[m] = (AllyState){.status = AT_INSIDE, .until = 0, .notice = 0.0};
        if (!isnan(members[m].start))
            alliance->start += all->layout.members[m].european * exp(members[m].start);
    }
    alliance->european = alliance->start;
}

static inline double threat_target(
    int64_t t, const Constants *constants, const Cell *cell, const AllianceState *alliance) {
    const double target = t >= constants->onset ? cell->threat_target : constants->neutral_target;
    return deterred(target, constants->deterrence_feedback, alliance->index[AT_DETERRENCE]);
}

static inline double pledge_multiplier(
    const Constants *constants, const Cell *cell, const CellParameter *own, const AllianceState *alliance) {
    if (constants->backsliding == 0 || cell->promise == 0)
        return cell->pledge_multiplier;
    return believed_multiplier(alliance->credibility, cell->pledge_multiplier, own->backsliding);
}

static inline void weigh_burdens(const Core *all, const Constants *constants, double total) {
    AllianceState *alliance = all->world.alliance;
    const int64_t usa = constants->ally_usa;
    if (total == 0.0)
        return;
    alliance->european = alliance->gone > 0.0 ? total / (1.0 - alliance->gone) : total;
    alliance->burden = burden_composite(alliance->european, alliance->start, constants->burden_sd);
    alliance->cost = alliance->european - alliance->start;
    if (usa >= 0 && !isnan(all->world.shares[usa]))
        alliance->gap =
            burden_gap(all->world.shares[usa], alliance->european, constants->burden_gap, constants->burden_sd);
}

static inline void suffer_crises(
    int64_t t, const Constants *constants, const Parameter *parameter, const AllianceLuck *noise,
    AllianceState *alliance) {
    const int64_t crisis = maxi(constants->crises * noise->crisis, t == constants->crisis);
    alliance->rally = echo(alliance->rally, constants->rally_decay, crisis);
    alliance->onset = echo(alliance->onset, constants->onset_decay, crisis);
    alliance->strain = echo(alliance->strain, constants->strain_decay, crisis);
    alliance->shift[AT_LEADERSHIP] += parameter->crisis_rally * alliance->rally;
    alliance->shift[AT_THREATS] += crisis_strain(parameter->crisis_strain, alliance->strain, alliance->onset);
    alliance->shift[AT_INSTITUTIONS] += crisis_strain(parameter->crisis_cost, alliance->strain, alliance->onset);
    const int64_t wedge = maxi(constants->wedges * noise->wedge, t == constants->china_wedge);
    alliance->pulse[AT_THREATS] += wedge * parameter->wedge;
    alliance->happened[AT_CRISIS] = maxi(alliance->happened[AT_CRISIS], crisis);
    alliance->happened[AT_WEDGE] = maxi(alliance->happened[AT_WEDGE], wedge);
}

static inline void hear_leaders(
    const Constants *constants, const Parameter *parameter, const AllianceLuck *noise, AllianceState *alliance) {
    alliance->shift[AT_LEADERSHIP] += constants->orientation * parameter->orientation * noise->voice;
    const double blame = constants->scapegoating * noise->scapegoat;
    alliance->pulse[AT_LEADERSHIP] += blame * parameter->scapegoat;
    if (blame > 0.0)
        alliance->happened[AT_SCAPEGOAT] = 1;
    alliance->shift[AT_INSTITUTIONS] += constants->burden * parameter->burden_sharing * alliance->burden;
    alliance->shift[AT_LEADERSHIP] += constants->spending_cost * parameter->spending_cost * alliance->cost;
}

static inline void veto(
    const Constants *constants, const Parameter *parameter, const AllianceLuck *noise, AllianceState *alliance) {
    if (constants->vetoes == 0)
        return;
    const double logit = block_logit(
        parameter->block_base, parameter->block_spread, alliance->heterogeneity, parameter->block_low, alliance->low,
        parameter->block_absent, alliance->absent);
    if (noise->block < logistic(logit)) {
        alliance->pulse[AT_INSTITUTIONS] += parameter->block;
        alliance->happened[AT_BLOCK] = 1;
    }
}

static inline void dispute(
    const Core *all, int64_t t, const Constants *constants, const Parameter *parameter, const AllianceLuck *noise,
    const Mission *missions, AllianceState *alliance) {
    if (maxi(constants->disputes * noise->dispute, t == constants->dispute) == 0)
        return;
    double worst = 0.0;
    for (int64_t s = 0; s < all->size.missions; s++)
        if (missions[s].contentious == 1 && missions[s].start <= t && t < missions[s].end)
            worst = maxf(worst, valve(missions[s].veto == 1, parameter->dispute_outside));
    if (worst > 0.0) {
        alliance->pulse[AT_LEADERSHIP] += worst * parameter->dispute;
        alliance->happened[AT_DISPUTE] = 1;
    }
}

static inline void befall(const Core *all, int64_t t) {
    const Constants *constants = all->constants;
    const Parameter *parameter = all->parameter;
    const AllianceLuck *noise = all->luck.alliance + t;
    AllianceState *alliance = all->world.alliance;
    for (int f = 0; f < 4; f++)
        alliance->shift[f] = alliance->pulse[f] = 0.0;
    alliance->article5_shock = 0.0;
    suffer_crises(t, constants, parameter, noise, alliance);
    hear_leaders(constants, parameter, noise, alliance);
    veto(constants, parameter, noise, alliance);
    dispute(all, t, constants, parameter, noise, all->layout.missions, alliance);
    grey_zone(all, t, constants, parameter);
    meet(all, t);
    take_posture(all, t, parameter);
    keep_promise(t, constants, all->cell, parameter, all->cell_parameter, alliance);
    alliance->article5 = next_confidence(
        alliance->article5, parameter->article5, constants->article5_persistence,
        constants->article5 * alliance->article5_shock);
    count_absent(all, t);
}

static inline void judge(
    const Core *all, int64_t t, const Constants *constants, const Parameter *parameter, AllianceState *alliance) {
    const double *weights = parameter->weights;
    const double confidence =
        constants->article5 * (parameter->article5_effect * (alliance->article5 - constants->article5_usual));
    alliance->cohesion = cohesion_index(weights, alliance->factors) + confidence * (1.0 - weights[AT_INSTITUTIONS]);
    if (t < alliance->broken_until)
        alliance->cohesion = broken_index(alliance->cohesion, parameter->verdict_low, parameter->rater_sd);
    double *index = alliance->index;
    index[AT_POLITICAL] = political_index(weights, alliance->factors, confidence);
    index[AT_MILITARY] = military_index(alliance->factors[AT_INSTITUTIONS], alliance->burden);
    index[AT_DISCORDANCE] = discordance(alliance->factors);
    index[AT_HETEROGENEITY] = alliance->heterogeneity;
    index[AT_CONVERGENCE] = -alliance->threat * all->luck.path->threat_spread;
    index[AT_ARTICLE5] = alliance->article5;
    index[AT_DETERRENCE] = deterrence_signal(index[AT_MILITARY], confidence);
}

/* ---- dyad_steps.py ---- */

static inline void reset_dyads(const Core *all) {
    const OutlookParameter *outlook = all->draws.outlook + all->p;
    const double war = outlook->war_start / (outlook->war_start + outlook->war_end);
    const double crisis = outlook->crisis_start / (outlook->crisis_start + outlook->crisis_end);
    for (int64_t d = 0; d < all->size.dyads; d++) {
        DyadState *state = all->world.dyads + d;
        const DyadParameter *own = all->draws.dyads + all->p * all->size.dyads + d;
        const double reach = own->reach_now * own->reach_exposure * all->constants->reach;
        const double fear = settled(own->abandonment_reach * reach, own->fear_persistence);
        const double drive = own->entrapment_war * war + own->entrapment_crisis * crisis;
        state->abandonment = state->abandonment_0 = fear;
        state->entrapment = state->entrapment_0 =
            settled(drive, own->fear_persistence) - own->entrapment_abandonment * fear;
        state->opinion = 0.0;
        state->intact = 1;
        state->refused = 0;
        state->share = all->draws.partners[all->p * all->size.dyads + d].start;
        state->cohesion = dyad_cohesion(own->threat, own->gap, own, state);
    }
}

static inline void stand(int64_t t, int64_t attack, const DyadParameter *own, const DyadLuck *noise, DyadState *state) {
    const bool lifted = state->refused == 1 && t < attack + REFUSAL_LASTS;
    const double factor = lifted ? own->refusal_termination : 1.0;
    if (noise->end < end_chance(own->termination, own->termination_cohesion, state->cohesion, factor))
        state->intact = 0;
    if (t == attack)
        state->refused = noise->honour >= honour_chance(own->honour, own->honour_cohesion, state->cohesion);
}

static inline void fear(
    int64_t t, double part, int64_t attack, const DyadParameter *own, const DyadCell *design, const Outlook *outlook,
    const DyadLuck *noise, DyadState *state) {
    const double seen = signal(part, design->signal, outlook->executive, noise->cut);
    const double left_alone = t == attack && state->refused == 1 ? own->refusal_abandonment : 0.0;
    const double before = own->fear_persistence * state->abandonment;
    state->abandonment = abandonment(
        state->abandonment, own->fear_persistence, own->abandonment_signal, seen, own->abandonment_reach,
        noise->reach, own->abandonment_demand, noise->demand, noise->abandonment + left_alone);
    state->entrapment = entrapment(
        state->entrapment, own->fear_persistence, own->entrapment_war, outlook->war, own->entrapment_crisis,
        outlook->crisis, own->entrapment_abandonment, state->abandonment - before, noise->entrapment);
    state->opinion = opinion(
        state->opinion, own->fear_persistence, own->opinion_demand, noise->demand, own->opinion_signal, seen,
        noise->opinion);
}

static inline void step_dyads(const Core *all, int64_t t) {
    const Constants *constants = all->constants;
    const double part = ramp(t, constants->onset, all->cell->design_ramp);
    const DyadCell *design = all->draws.dyad_cells + all->p * all->size.cells + all->n;
    for (int64_t d = 0; d < all->size.dyads; d++) {
        DyadState *state = all->world.dyads + d;
        const DyadParameter *own = all->draws.dyads + all->p * all->size.dyads + d;
        const DyadLuck *noise = all->luck.dyads + t * all->size.dyads + d;
        stand(t, constants->grey_zone_dyad, own, noise, state);
        fear(t, part, constants->grey_zone_dyad, own, design, all->luck.outlook + t, noise, state);
        const double over_china = noise->gap + part * all->cell->china_focus * own->gap_china;
        state->cohesion = dyad_cohesion(noise->threat, over_china, own, state);
    }
}

static inline void spend_partners(const Core *all, int64_t y) {
    const Constants *constants = all->constants;
    const Parameter *parameter = all->parameter;
    const double closed = response(all->luck.response[y]);
    for (int64_t d = 0; d < all->size.dyads; d++) {
        DyadState *state = all->world.dyads + d;
        const MemberParameter *own = all->draws.partners + all->p * all->size.dyads + d;
        const DyadParameter *dyad = all->draws.dyads + all->p * all->size.dyads + d;
        const BudgetLuck *budget = all->luck.partners + y * all->size.dyads + d;
        const double moved = constants->fears
            * contribution(dyad->contribution_abandonment, state->abandonment - state->abandonment_0,
                           dyad->contribution_entrapment, state->entrapment - state->entrapment_0);
        const double change = spending_change(
            state->share, own->target, parameter->kappa, own->loading * all->luck.common[y],
            closed * gap(state->share, all->layout.dyad_pledge[d * all->size.years + y]), 0.0, parameter->growth,
            budget->growth, parameter->election_spending * budget->election, moved, budget->noise);
        state->share = clip(state->share + change, constants->floor, constants->cap);
    }
}

/* ---- tally.py ---- */

static inline int64_t fixed(double x) { return (int64_t)floor(x * UNIT + 0.5); }

static inline void count_turnover(
    const Core *all, int64_t quarter_of_year, const LeaderLuck *leaders, int64_t *turnover) {
    for (int64_t k = 0; k < all->size.countries; k++)
        for (int64_t y = 0; y < all->size.years; y++) {
            const int64_t first = 4 * y - quarter_of_year;
            int64_t changed = 0;
            for (int64_t t = maxi(first, 0); t < mini(first + 4, all->size.quarters); t++)
                changed = maxi(changed, leaders[t * all->size.countries + k].change);
            turnover[k * all->size.years + y] += changed;
        }
}

static inline void tally_spending(const Core *all, int64_t y) {
    for (int64_t m = 0; m < all->size.members; m++)
        if (!isnan(all->world.shares[m])) {
            int32_t *share = all->tally.share + ((all->n * all->size.members + m) * all->size.years + y) * SHARE_BINS;
            share[slot(all->world.shares[m], SHARE_LOW, SHARE_STEP, SHARE_BINS)] += 1;
        }
    const double total = all->world.alliance->european;
    const int64_t place = all->n * all->size.years + y;
    all->tally.european[place * SHARE_BINS + slot(log(total), SHARE_LOW, SHARE_STEP, SHARE_BINS)] += 1;
    all->tally.european_sum[place] += fixed(total);
    if (all->row < all->size.whole)
        all->joint.european[all->row * all->size.cells * all->size.years + place] = (float)total;
}

static inline void note_move(const Core *all, int64_t s, int64_t i, int64_t t, int64_t before, int64_t after) {
    if (before != after)
        all->world.moves[all->world.moved[0]++] =
            (Move){.mission = s, .curve = i, .quarter = t, .before = before, .after = after};
}

static inline void count_bins(const Core *all) {
    for (int64_t t = 0; t < all->size.quarters; t++) {
        all->tally.cohesion[(all->n * all->size.quarters + t) * COHESION_BINS + all->world.bins[t]] += 1;
        for (int64_t d = 0; d < all->size.dyads; d++) {
            const int64_t place = (all->n * all->size.dyads + d) * all->size.quarters + t;
            all->tally.dyad_cohesion[place * COHESION_BINS + all->world.bins[(1 + d) * all->size.quarters + t]] += 1;
        }
    }
    for (int64_t k = 0; k < all->world.moved[0]; k++) {
        const Move *move = all->world.moves + k;
        const int64_t curve = (all->n * all->size.missions + move->mission) * 3 + move->curve;
        int32_t *counts = all->tally.survival + (curve * all->size.quarters + move->quarter) * SURVIVAL_BINS;
        if (move->before >= 0)
            counts[move->before] -= 1;
        counts[move->after] += 1;
    }
    all->world.moved[0] = 0;
}

static inline void tally_mission(
    const Core *all, int64_t t, int64_t s, const Constants *constants, const Mission *mission) {
    MissionState *state = all->world.missions + s;
    const int64_t own = all->n * all->size.missions + s, at_t = own * all->size.quarters + t;
    if (all->row < all->size.whole)
        for (int64_t i = 0; i < 3; i++) {
            const int64_t curve = (all->row * all->size.cells * all->size.missions + own) * 3 + i;
            all->joint.survival[curve * all->size.quarters + t] = (float)state->curve[i];
        }
    if (state->news == 0)
        return;
    for (int64_t i = 0; i < 3; i++) {
        const double x = state->curve[i];
        const int64_t at = slot(x + 0.5 * SURVIVAL_STEP, 0.0, SURVIVAL_STEP, SURVIVAL_BINS);
        note_move(all, s, i, t, state->bins[i], at);
        all->tally.survival_sum[(own * 3 + i) * all->size.quarters + t] += fixed(x) - state->sums[i];
        state->bins[i] = at;
        state->sums[i] = fixed(x);
    }
    const int64_t hollow =
        is_hollow(state->curve[0], state->curve[1], constants->hollow_flags, constants->hollow_operation);
    all->tally.hollow[at_t] += hollow - state->told_hollow;
    all->tally.collapsed[at_t] += state->fallen;
    all->tally.ended[at_t] += state->ended - state->told_ended;
    all->tally.handed[at_t] += state->handed - state->told_handed;
    state->told_hollow = hollow;
    state->told_ended = state->ended;
    state->told_handed = state->handed;
    all->tally.seen[own] += state->seen;
    state->seen = 0;
    for (int i = 0; i < MODES; i++) {
        all->tally.modes[own * MODES + i] += state->modes[i];
        state->modes[i] = 0;
    }
    if (state->left > 0)
        for (int64_t c = 0; c < mission->contingents; c++)
            all->tally.exits[(own * all->size.contingents + c) * all->size.quarters + t] +=
                all->world.contingents[s * all->size.contingents + c].left_at == t;
}

static inline void tally_alliance(const Core *all, int64_t t, const Parameter *parameter, const AllianceLuck *noise) {
    const AllianceState *alliance = all->world.alliance;
    const double cohesion = alliance->cohesion;
    const int64_t place = all->n * all->size.quarters + t;
    const int64_t seen =
        verdict(cohesion, parameter->verdict_low, parameter->verdict_high, parameter->rater_sd, noise->rater);
    all->tally.verdict[place * 3 + seen] += 1;
    all->world.bins[t] = slot(cohesion, COHESION_LOW, COHESION_STEP, COHESION_BINS);
    all->tally.cohesion_sum[place] += fixed(cohesion);
    all->tally.threat_sum[place] += fixed(alliance->threat);
    for (int f = 0; f < 4; f++)
        all->tally.factor_sum[place * 4 + f] += fixed(alliance->factors[f]);
    for (int i = 0; i < INDICES; i++)
        all->tally.index_sum[place * INDICES + i] += fixed(alliance->index[i]);
    for (int i = 0; i < EVENTS; i++)
        all->tally.event[place * EVENTS + i] += alliance->happened[i];
    if (all->row < all->size.whole) {
        const int64_t whole = all->row * all->size.cells * all->size.quarters + place;
        all->joint.cohesion[whole] = (float)cohesion;
        for (int i = 0; i < INDICES; i++)
            all->joint.measures[whole * INDICES + i] = (float)alliance->index[i];
    }
}

/* ---- dyad_tally.py ---- */

static inline void tally_dyads(const Core *all, int64_t t) {
    for (int64_t d = 0; d < all->size.dyads; d++) {
        const DyadState *state = all->world.dyads + d;
        const DyadLuck *shared = all->luck.dyads + t * all->size.dyads + d;
        const int64_t own = all->n * all->size.dyads + d, place = own * all->size.quarters + t;
        all->world.bins[(1 + d) * all->size.quarters + t] =
            slot(state->cohesion, COHESION_LOW, COHESION_STEP, COHESION_BINS);
        all->tally.dyad_intact[place] += state->intact;
        all->tally.dyad_refused[place] += state->refused;
        const double whole[WHOLE_STATE] = {state->cohesion, state->abandonment, state->entrapment,
                                           state->opinion,  shared->support,    shared->troops};
        for (int i = 0; i < WHOLE_STATE; i++)
            all->tally.dyad_sum[place * WHOLE_STATE + i] += fixed(whole[i]);
        if (all->row < all->size.whole)
            for (int i = 0; i < WHOLE_STATE; i++) {
                const int64_t curve = (all->row * all->size.cells * all->size.dyads + own) * WHOLE_STATE + i;
                all->joint.dyads[curve * all->size.quarters + t] = (float)whole[i];
            }
    }
}

static inline void tally_partners(const Core *all, int64_t y) {
    for (int64_t d = 0; d < all->size.dyads; d++) {
        const int64_t place = (all->n * all->size.dyads + d) * all->size.years + y;
        const int64_t at = slot(all->world.dyads[d].share, SHARE_LOW, SHARE_STEP, SHARE_BINS);
        all->tally.partner_share[place * SHARE_BINS + at] += 1;
    }
}

/* ---- kernel.py ---- */

static inline void reset(const Core *all, const MemberParameter *members, const Parameter *parameter) {
    AllianceState *alliance = all->world.alliance;
    alliance->threat = 1.0;
    for (int f = 0; f < 4; f++)
        alliance->process[f] = parameter->factor_start[f];
    alliance->cohesion = cohesion_index(parameter->weights, parameter->factor_start);
    for (int64_t m = 0; m < all->size.members; m++)
        all->world.shares[m] = members[m].start;
    for (int64_t s = 0; s < all->size.missions; s++) {
        MissionState *mission = all->world.missions + s;
        mission->left = mission->left_1 = mission->left_2 = 0;
        mission->lost = mission->lost_1 = mission->lost_2 = 0.0;
        mission->low = mission->collapsed = mission->fallen = 0;
        mission->handed = mission->ended = 0;
    }
    clear_slots(all);
}

static inline void spend(const Core *all, int64_t t, int64_t y) {
    const Constants *constants = all->constants;
    const Cell *cell = all->cell;
    const Parameter *parameter = all->parameter;
    const CellParameter *own_cell = all->cell_parameter;
    const AllianceState *alliance = all->world.alliance;
    const double part = ramp(t, constants->onset, cell->design_ramp);
    const double closed = response(all->luck.response[y]);
    const double asked = pledge_multiplier(constants, cell, own_cell, alliance);
    const double pledged = closed * scaled(part, asked);
    const double frontline = closed * parameter->front * alliance->threat;
    const double retrenchment = part * alliance->credibility * own_cell->retrenchment;
    const double china = constants->balancing * part * cell->china_focus;
    double total = 0.0;
    for (int64_t m = 0; m < all->size.members; m++) {
        const double share = all->world.shares[m];
        if (isnan(share))
            continue;
        const Member *member = all->layout.members + m;
        const MemberParameter *own = all->draws.members + all->p * all->size.members + m;
        const BudgetLuck *budget = all->luck.budgets + y * all->size.members + m;
        const bool inside = all->world.allies[m].status != AT_OUTSIDE;
        const double change = spending_change(
            share, own->target, parameter->kappa, own->loading * all->luck.common[y],
            (inside ? pledged : 0.0) * gap(share, all->layout.pledge[y]),
            frontline * member->front * gap(share, constants->front_mark), parameter->growth, budget->growth,
            parameter->election_spending * budget->election,
            (member->european > 0.0 ? retrenchment : 0.0)
                + china * china_response(parameter->balancing, member->pacific == 1, parameter->balancing_far),
            budget->noise);
        all->world.shares[m] = clip(share + change, constants->floor, constants->cap);
        if (inside)
            total += member->european * exp(all->world.shares[m]);
    }
    weigh_burdens(all, constants, total);
}

static inline void step_factors(
    int64_t t, double shock, const Constants *constants, const Cell *cell, const Parameter *parameter,
    const CellParameter *shifts, const AllianceLuck *noise, AllianceState *alliance) {
    const double war_part = ramp(t, constants->onset, cell->war_ramp);
    const double design_part = ramp(t, constants->onset, cell->design_ramp);
    for (int f = 0; f < 4; f++) {
        alliance->process[f] = shock * parameter->collapse_shock[f]
            + autoregress(alliance->process[f], 0.0, constants->factor_phi, constants->factor_innovation,
                          noise->factors[f]);
        alliance->process[f] += alliance->pulse[f];
        const double faded = fade(t, constants->onset, cell->half_life[f]);
        alliance->factors[f] = war_part * shifts->war_shift[f] + design_part * faded * shifts->design_shift[f]
            + alliance->process[f] + alliance->shift[f];
    }
}

static void run_cell(const Core *core) {
    const Core here = *core, *all = &here; /* so that the compiler sees that nobody writes to it */
    const Constants *constants = all->constants;
    const Cell *cell = all->cell;
    const Parameter *parameter = all->parameter;
    const MemberParameter *members = all->draws.members + all->p * all->size.members;
    AllianceState *alliance = all->world.alliance;
    reset(all, members, parameter);
    reset_alliance(all, members, cell, parameter);
    reset_dyads(all);
    for (int64_t t = 0; t < all->size.quarters; t++) {
        const AllianceLuck *noise = all->luck.alliance + t;
        const double target = threat_target(t, constants, cell, alliance);
        alliance->threat = threat_level(
            alliance->threat, target, constants->threat_persistence, constants->threat_sd, noise->threat);
        if ((t + constants->quarter_of_year) % 4 == 3) {
            const int64_t y = (t + constants->quarter_of_year) / 4;
            spend(all, t, y);
            tally_spending(all, y);
            spend_partners(all, y);
            tally_partners(all, y);
        }
        const double lift = cohesion_lift(alliance->cohesion, parameter->cohesion_effect);
        for (int64_t s = 0; s < all->size.missions; s++) {
            const Mission *mission = all->layout.missions + s;
            if (mission->start <= t && t < mission->end) {
                step_mission(all, t, s, lift);
                tally_mission(all, t, s, constants, mission);
            }
        }
        step_arrivals(all, t);
        tally_arrivals(all, t, parameter);
        const double shock = collapses(all, t, constants->collapse, all->layout.missions, all->world.missions);
        befall(all, t);
        step_factors(t, shock, constants, cell, parameter, all->cell_parameter, noise, alliance);
        judge(all, t, constants, parameter, alliance);
        tally_alliance(all, t, parameter, noise);
        step_dyads(all, t);
        tally_dyads(all, t);
    }
    count_bins(all);
}

void simulate(
    const int64_t *paths, uint32_t seed, const Sizes *size, const Layout *layout, const Draws *draws,
    const Luck *luck, const World *world, const Tally *tally, const Joint *joint) {
    Core all = {
        *size, *layout, *draws, *luck, *world, *tally, *joint, .seed = seed, .constants = layout->constants};
    for (all.row = 0; all.row < size->paths; all.row++) {
        all.path = (uint32_t)paths[all.row];
        all.p = paths[all.row] % size->draws;
        all.parameter = draws->parameters + all.p;
        draw_luck(&all);
        draw_dyad_luck(&all);
        tally->paths[0] += 1;
        count_turnover(&all, all.constants->quarter_of_year, luck->leaders, tally->turnover);
        for (all.n = 0; all.n < size->cells; all.n++) {
            all.cell = layout->cells + all.n;
            all.cell_parameter = draws->cells + all.p * size->cells + all.n;
            run_cell(&all);
        }
    }
}
