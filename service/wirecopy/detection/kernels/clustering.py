"""Clustering: average linkage over the log-odds of pairs."""

import numpy as np
from numba import types

from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.layout import I64


@njit(I64(types.float64[:, ::1], types.float64), nogil=True)
def cluster(odds, least):
    """Average-linkage clustering of log-odds; return the label of each row, the smallest row of its cluster.

    The two clusters with the highest mean log-odds between them join, of equal ones those with the smallest rows, as
    long as that mean is above `least`. odds must be symmetric.
    """
    n = odds.shape[0]
    mean = odds.copy()
    size = np.ones(n, np.float64)
    label = np.arange(n)
    alive = np.ones(n, np.uint8)
    while True:
        best = least
        x, y = -1, -1
        for i in range(n):
            if alive[i]:
                for j in range(i):
                    if alive[j] and mean[i, j] > best:
                        best = mean[i, j]
                        x, y = j, i
        if x < 0:
            return label
        for k in range(n):
            if alive[k] and k != x and k != y:
                joint = (mean[x, k] * size[x] + mean[y, k] * size[y]) / (size[x] + size[y])
                mean[x, k] = joint
                mean[k, x] = joint
        size[x] += size[y]
        alive[y] = 0
        for k in range(n):
            if label[k] == y:
                label[k] = x
