"""How many bytes of all long bodies, or of all long answers, may be in memory at one time."""

from wirecopy import errors

_UNCOUNTED_BYTES = 64 * 2**10  # bodies and answers up to this size are bounded by the number of connections


class Budget:
    """Bytes that may be in memory at one time, over all requests."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.used = 0


class Share:
    """What one request holds of the budget, of bodies or of answers; given back when that is over."""

    __slots__ = ("_budget", "_held", "_of")

    def __init__(self, budget: Budget, of: str = "bodies") -> None:
        self._budget = budget
        self._of = of
        self._held = 0

    def hold(self, size: int) -> None:
        """Hold `size` bytes in all from now on. Raises Overloaded when that is more than the budget has left."""
        counted = size if size > _UNCOUNTED_BYTES else 0
        if counted > self._held and self._budget.used + counted - self._held > self._budget.max_bytes:
            raise errors.Overloaded(f"too many long {self._of} are held already")
        self._budget.used += counted - self._held
        self._held = counted

    def give_back(self) -> None:
        self._budget.used -= self._held
        self._held = 0
