"""Whether a text is partly one of two others and partly the other."""

import numpy as np
import numpy.typing as npt

from wirecopy.detection.kernels.layout import REPEAT

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]

PART = 0.2  # of a text's weight, which stands in one of the others and not in the third
WHOLE = 0.9  # of another text's words: who has them has that text, and it is an excerpt
_PLACES = 1 << 16  # of stems; that two of them meet in one changes nothing that can be seen


def is_mixture(words: U32, weights: U8, one: U32, other: U32) -> bool:
    """Return whether large parts of a trace stand in one of two others each, and not in both.

    A text that has all of both is none: it is the whole of which two papers print a half each.
    """
    holders = np.zeros(_PLACES, dtype=np.uint8)
    holders[one & (_PLACES - 1)] = 1
    holders[other & (_PLACES - 1)] |= 2
    counts = np.where(weights < REPEAT, weights, 0)  # of words that come again, the first
    _, in_one, in_other, _ = np.bincount(holders[words & (_PLACES - 1)], counts, minlength=4)
    if not min(in_one, in_other) >= PART * counts.sum() > 0:
        return False
    own = np.zeros(_PLACES, dtype=np.bool_)
    own[words & (_PLACES - 1)] = True
    return not all(own[part & (_PLACES - 1)].mean() >= WHOLE for part in (one, other))
