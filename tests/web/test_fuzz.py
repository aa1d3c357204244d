"""Random requests to every route, and random bytes: no 5xx, no hang. `make fuzz` sends many more."""

from tests import fuzz_routes
from tests.conftest import Stored


def test_random_requests_to_every_route_are_answered_without_a_5xx(stored: Stored) -> None:
    service = stored()
    statuses, wrong = fuzz_routes.run(service.url, 3000, 1)
    assert not wrong
    assert sum(statuses.values()) == 3000
    assert {200, 400, 404, 415, 422} <= set(statuses)
    assert not [line for line in service.log() if line["event"] == "internal error"]
