"""What the service does before it takes articles, and how that is broken off."""

from wirecopy.web import notification


class LoadingStopped(Exception):
    """The service was told to stop before it had loaded."""


class Loading:
    """Told by the thread that loads, read by those who answer."""

    def __init__(self) -> None:
        self.doing = "loading"
        self._is_stopping = False

    def tell(self, doing: str) -> None:
        """Say what is being done, such as "compiling kernels: 3 of 86". Raises LoadingStopped when that is to end."""
        if self._is_stopping:
            raise LoadingStopped
        self.doing = doing
        notification.tell_loading(doing)

    def stop(self) -> None:
        """Break off loading at its next step."""
        self._is_stopping = True
