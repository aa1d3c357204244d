"""The desk: what the page remembers between two requests."""

from wirecopy.config import Page
from wirecopy.web.desk.live import Live
from wirecopy.web.desk.rankings import Rankings
from wirecopy.web.feed.following import Following
from wirecopy.web.http.access import Keys
from wirecopy.web.http.sessions import Sessions
from wirecopy.web.owner import Owner


class Desk:
    """Sessions, rankings and live news of one service."""

    def __init__(self, settings: Page, keys: Keys, owner: Owner, following: Following) -> None:
        self.settings = settings
        self.sessions = Sessions(keys, settings.session_hours)
        self.rankings = Rankings(owner)
        self.live = Live(owner, following)

    async def close(self) -> None:
        """End what runs."""
        await self.live.close()
