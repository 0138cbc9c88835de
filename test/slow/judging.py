"""Agreement and ratings by krippendorff, statsmodels, numpy and scipy: what Tunesmith's figures are compared with."""
import json, math, sys
import numpy as np
import krippendorff
from scipy.optimize import minimize
from scipy.special import expit
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa, to_table

request = json.load(sys.stdin)
data = np.array([[math.nan if v is None else v for v in row] for row in request["ratings"]], dtype=float)
alpha = {level: krippendorff.alpha(reliability_data=data, level_of_measurement=level) for level in ("nominal", "ordinal", "interval")}
fleiss = float(fleiss_kappa(np.array(request["counts"])))
cohen = float(cohens_kappa(to_table(np.array(request["pairs"]))[0]).kappa)

# The arena's published fit (FastChat monitor/rating_systems.py): binary cross-entropy, base 10, scale 400, shift 1000, BFGS.
players = request["players"]
games = np.array(request["games"], dtype=float)
first, second, outcome, style = games[:, 0].astype(int), games[:, 1].astype(int), games[:, 2], games[:, 3]

def fit(with_style):
    def loss(theta):
        scaled = math.log(10) * (theta[first] - theta[second]) + (theta[players] * style if with_style else 0)
        p = np.clip(expit(scaled), 1e-300, 1)
        q = np.clip(expit(-scaled), 1e-300, 1)
        gradient = np.zeros_like(theta)
        slope = expit(scaled) - outcome
        np.add.at(gradient, first, math.log(10) * slope)
        np.add.at(gradient, second, -math.log(10) * slope)
        if with_style:
            gradient[players] = (slope * style).sum()
        return -(outcome * np.log(p) + (1 - outcome) * np.log(q)).sum(), gradient
    theta = minimize(loss, np.zeros(players + with_style), jac=True, method="BFGS", options={"gtol": 1e-8}).x
    return (theta[:players] * 400 + 1000).tolist()

json.dump({"alpha": alpha, "fleiss": fleiss, "cohen": cohen, "ratings": fit(0), "controlled": fit(1)}, sys.stdout)
