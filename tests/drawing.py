"""The drawing of the house: every module with every module of it that it imports, at the top or inside a function."""

FACE = "forecast"  # the package itself, as users import it

#: From the ground up. Modules that import none of the house:
LEAVES = """
ahead baselines claim core core.compile core.conventions core.dyad_state core.mission_state dyad_names errors foresight
model_graphs models polls progress ranks scoring table_schema
"""
ARROWS = {
    **dict.fromkeys(LEAVES.split(), ""),
    "belief": "errors",
    "core.alliance_rules": "core.compile",
    "core.dyad_rules": "core.compile",
    "core.dynamics": "core.compile",
    "core.mission_rules": "core.compile",
    "core.philox": "core.compile",
    "names": "dyad_names",
    "table_file": "table_schema",
    "locks": "errors",
    "workspace": "errors",
    "canvas": "names",
    "cohesion": "names",
    "core.alliance_state": "names",
    "core.dyad_steps": "core.compile core.dyad_rules core.dynamics",
    "core.histogram": "core.compile",
    "core.tally": "core.compile core.dynamics core.histogram core.mission_rules names",
    "data": "errors table_file table_schema",
    "earlier": "names",
    "models.variables": "belief",
    "plan": "errors names",
    "schedule": "plan",
    "posterior": "belief names",
    "scenarios": "belief names",
    "schema": "dyad_names names",
    "core.alliance_luck": "core.alliance_rules core.alliance_state core.compile core.philox",
    "core.dyad_tally": "core.compile core.histogram core.tally",
    "core.member_steps": "core.alliance_rules core.alliance_state core.compile core.dynamics core.mission_rules",
    "core.state": "core.alliance_state core.mission_state names",
    "indicators": "data errors names polls scenarios",
    "hubverse": "names runs",
    "priors": "belief errors names scenarios",
    "profiles": "data names",
    "roster": "plan",
    "tenure": "data errors",
    "believed": "belief priors roster",
    "coding": "data priors",
    "core.alliance_steps": "core.alliance_rules core.alliance_state core.compile core.dynamics core.member_steps names",
    "core.arrivals": "core.compile core.dynamics core.mission_rules core.philox core.state",
    "core.buffers": (
        "core.alliance_state core.conventions core.dyad_state core.mission_state core.state core.tally"
    ),
    "core.mission_luck": "core.compile core.conventions core.dynamics core.mission_rules core.philox core.state",
    "core.mission_steps": "core.compile core.mission_rules core.state",
    "covariates": "core.conventions data tenure",
    "layout_alliance": "data names priors roster",
    "layout_missions": "core.mission_state core.state data priors roster",
    "models.cohesion": "indicators models.variables priors",
    "models.leadership": "models.variables priors",
    "panel": "data errors priors",
    "parameters_alliance": "belief priors roster scenarios",
    "parameters_missions": "core.state priors roster",
    "rates": "belief data priors roster",
    "runs": "errors names plan priors",
    "small": "belief priors",
    "troops": "data priors",
    "turnover": "plan tenure",
    "backtests": "locks names progress runs",
    "refits": "models.fit plan progress",
    "casualties": "data priors troops",
    "core.luck": (
        "core.alliance_luck core.arrivals core.compile core.conventions core.dynamics core.mission_luck "
        "core.mission_rules core.philox"
    ),
    "dyads": "core.dyad_state core.state data panel plan priors roster",
    "figures": "canvas names panel",
    FACE: "data errors plan priors runs",
    "history": "runs",
    "exports": "errors hubverse names runs",
    "headlines": "names roster",
    "models.spending": "core.conventions models.variables panel priors",
    "plots": "canvas names panel",
    "prior_gates": "core.conventions names panel priors tenure",
    "scored": "errors names runs",
    "expected": "indicators panel",
    "since": "runs",
    "small_cohesion": "expected indicators names priors small",
    "small_leadership": "expected models.leadership priors small tenure",
    "spending_paths": "core.conventions panel priors",
    "backtest_exit": "backtests data plan priors progress rates scoring",
    "comparison": "backtests scoring",
    "core.dyad_luck": "core.compile core.dyad_rules core.dynamics core.luck core.philox",
    "score_pages": "backtests",
    "small_spending": "belief core.conventions expected models.spending panel priors small",
    "spells": "casualties coding core.conventions covariates data errors priors tenure troops",
    "spenders": "believed core.state dyads panel posterior priors roster",
    "tell": "figures names",
    "cells": "spells",
    "core.kernel": (
        "core.alliance_rules core.alliance_state core.alliance_steps core.arrivals core.compile core.dyad_luck "
        "core.dyad_steps core.dyad_tally core.dynamics core.luck core.mission_rules core.mission_steps core.tally"
    ),
    "fates": "spells",
    "layout": (
        "core.state data dyads errors layout_alliance layout_missions names panel plan priors roster spells tenure"
    ),
    "parameters": (
        "believed cohesion core.conventions core.state dyads names parameters_alliance parameters_missions posterior "
        "priors roster spenders"
    ),
    "survival": "errors spells",
    "tell_beliefs": "belief names tell",
    "tell_dyads": "names tell",
    "audit": "data errors layout priors runs",
    "baselines_exits": "spells survival turnover",
    "headline_lines": "names runs",
    "inputs": "data layout plan priors roster runs",
    "models.withdrawal": "cells models.variables priors",
    "reductions": "coding covariates data fates priors roster troops",
    "estimates": "core.dyad_state core.histogram core.tally names roster",
    "parts": "core.buffers core.kernel core.state core.tally",
    "cluster": "core.compile core.tally errors parts progress",
    "scale": "cluster core.buffers core.compile core.kernel core.state core.tally parts progress",
    "replicates": "core.buffers core.tally parts progress scale",
    "projection": "core.histogram core.tally errors estimates names panel replicates roster schema",
    "precision": "core.tally errors parts plan progress replicates",
    "judgement": "core.tally parts progress scale",
    "sizes": "core.buffers core.compile core.kernel core.state errors plan",
    "small_withdrawal": "cells fates priors small spells",
    "backtest_spells": "backtests baselines_exits cells models.withdrawal posterior priors progress",
    "certificates": "inputs names priors runs",
    "checks": "believed core.state core.tally names parameters parts plan priors progress roster scale survival",
    "lab": "core.state core.tally inputs layout names panel parameters parts progress rates roster scale",
    "models.fit": (
        "data errors indicators models models.cohesion models.leadership models.spending models.withdrawal names "
        "panel plan posterior priors spells tenure"
    ),
    "sensitivity": "believed core.state core.tally names parameters parts plan posterior priors progress roster scale",
    "backtest_cohesion": "backtests cohesion data indicators models.fit names plan posterior priors progress refits",
    "backtest_leadership": (
        "backtests baselines_exits data models.fit models.leadership names plan posterior priors progress refits "
        "scoring tenure turnover"
    ),
    "backtest_missions": (
        "backtest_spells backtests baselines_exits cells covariates data foresight models.fit names plan priors "
        "progress refits scoring spells survival"
    ),
    "backtest_spending": (
        "backtests baselines data models.fit models.spending panel plan posterior priors progress refits scoring "
        "spending_paths"
    ),
    "calibration": (
        "certificates errors locks models.fit names plan prior_gates priors progress ranks roster runs small "
        "small_cohesion small_leadership small_spending small_withdrawal"
    ),
    "claims_coding": "claim coding lab spells",
    "claims_dyads": "believed claim core.dyad_state core.state lab panel spenders",
    "claims_j": "claim cohesion indicators lab names",
    "claims_k": "checks claim core.histogram core.state core.tally lab names parts priors progress scale scenarios",
    "claims_zero": "claim lab names",
    "predictive": (
        "data expected indicators models.withdrawal names panel posterior priors spells survival tenure"
    ),
    "fits": "ahead inputs locks models.fit names predictive progress reductions runs spells",
    "posterior_pages": "belief certificates names runs",
    "reports": (
        "certificates errors figures headline_lines history model_graphs names posterior_pages runs score_pages "
        "scored slots tell tell_beliefs tell_dyads"
    ),
    "claims_l": "claim claims_dyads cohesion indicators lab names",
    "claims_m": "claim claims_coding claims_dyads coding core.mission_rules lab names",
    "claims_w": "claim claims_j core.state lab names rates",
    "degraded": "errors fits inputs names progress runs since",
    "manifest": "certificates degraded fits inputs names runs scored since",
    "pipeline": (
        "checks cohesion core.buffers core.state core.tally data degraded errors estimates fits headlines indicators "
        "inputs judgement layout locks manifest names panel parameters parts posterior precision progress projection "
        "rates replicates runs scale sensitivity sizes spells survival tenure"
    ),
    "scores": (
        "backtest_cohesion backtest_exit backtest_leadership backtest_missions backtest_spending backtests comparison "
        "data fits inputs names plan priors progress runs score_pages scored"
    ),
    "variants": "backtests coding fits inputs lab models.fit names progress runs scored sensitivity spells",
    "requirements": "claim claims_j claims_k claims_l claims_m claims_w claims_zero lab",
    "slots": "locks plan runs schedule",
    "service": "errors locks plan runs slots",
    "worker": "errors locks plan service slots",
    "cli_options": "progress",
    "cli_science": (
        "calibration cli_options errors inputs lab names requirements runs score_pages scored scores variants"
    ),
    "cli_service": "cli_options errors reports service slots worker",
    "cli": (
        "audit certificates cli_options cli_science cli_service earlier errors exports fits headline_lines inputs "
        "pipeline reports runs sizes workspace"
    ),
    "__main__": "cli",
}  # fmt: skip
