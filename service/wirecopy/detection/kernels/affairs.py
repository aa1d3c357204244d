"""Affairs: whether one of two texts goes on with the story of the other, in news of its own."""

import numpy as np
from numba import types

from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.layout import (
    BORROWING,
    CENTRE_LONG,
    CONTAINED,
    CONTAINED_LONG,
    DATED,
    EVIDENCE,
    FEATURES,
    GAP,
    HITS,
    HITS_LONG,
    HOURS,
    INCIDENTAL,
    INCIDENTAL_LONG,
    LEAD_LONG,
    LOCAL,
    LOCAL_LEAD,
    LOCAL_LEAD_LONG,
    LOCAL_TAIL,
    LONG_RUNS,
    LONGER_RUNS_LONG,
    NUMBER_COUNT,
    NUMBERS,
    NUMBERS_LONG,
    ORDER,
    QUOTED_RUNS,
    QUOTES,
    RATIO,
    RUN_LENGTH,
    RUNS,
    RUNS_LONG,
    SAME_OUTLET,
    SLOTS,
    TEMPLATE,
    TITLE_FOUND,
    TITLES,
    TITLES_BEST,
    WHOLE,
)

# Fitted by logistic regression (L2, on standardised features) to what readers called the next step, reaction or denial
# of a story ("update"), against all other pairs below the line that holds a story together, over nine collections.
FOLLOW_UP_BIAS = -3.055
FOLLOW_UP_WEIGHTS = (
    (CONTAINED, -0.313),
    (CONTAINED_LONG, -4.175),
    (INCIDENTAL, -0.285),
    (INCIDENTAL_LONG, -1.531),
    (RUNS, 0.418),
    (RUNS_LONG, -0.490),
    (QUOTED_RUNS, -1.737),
    (QUOTES, 1.077),
    (NUMBERS, -0.546),
    (NUMBERS_LONG, 0.569),
    (NUMBER_COUNT, -0.293),
    (EVIDENCE, 0.536),
    (RATIO, 0.480),
    (SLOTS, -2.719),
    (LOCAL, 1.748),
    (HITS, 0.821),
    (HITS_LONG, 0.227),
    (LOCAL_TAIL, 0.702),
    (LOCAL_LEAD, -0.272),
    (LOCAL_LEAD_LONG, 0.380),
    (LEAD_LONG, 1.123),
    (ORDER, 0.535),
    (WHOLE, -2.970),
    (TEMPLATE, -5.262),
    (TITLES, -1.632),
    (TITLES_BEST, -0.280),
    (TITLE_FOUND, 0.458),
    (LONG_RUNS, -1.839),
    (LONGER_RUNS_LONG, 0.896),
    (RUN_LENGTH, -0.437),
    (CENTRE_LONG, 1.203),
    (DATED, -0.392),
    (HOURS, 0.528),
    (GAP, -0.230),
    (SAME_OUTLET, 0.800),
)
_WEIGHTS = np.zeros(FEATURES)
for _place, _weight in FOLLOW_UP_WEIGHTS:
    _WEIGHTS[_place] = _weight


@njit(types.float64(types.float32[::1]), **BORROWING)
def follow_up_odds(features):
    """The log-odds that of two texts that share no source the later one goes on with the story of the earlier."""
    total = FOLLOW_UP_BIAS
    for k in range(FEATURES):
        total += _WEIGHTS[k] * features[k]
    return total
