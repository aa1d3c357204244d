"""A clock that is moved is not the time: nothing is stamped, shown or erased by it."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import RunService
from tests.exact_detector import Service, wait_until
from wirecopy.config import Config
from wirecopy.config import Service as ServiceSettings
from wirecopy.detector.detector import SCHEME, Detector
from wirecopy.schema.article import Article
from wirecopy.storage import Store
from wirecopy.web.clock import Clock

SECOND = 1_000_000_000
DAY = 86_400
START = 1_790_000_000 * SECOND


@dataclass
class Machine:
    """Two clocks: one that is set, and one that only counts on."""

    wall: int = START
    steady: int = 5 * SECOND

    def wait(self, seconds: float) -> None:
        self.wall += int(seconds * SECOND)
        self.steady += int(seconds * SECOND)

    def move(self, seconds: float) -> None:
        self.wall += int(seconds * SECOND)

    def clock(self) -> Clock:
        return Clock(300, 3600, wall=lambda: self.wall, steady=lambda: self.steady)


def since_start(milliseconds: int) -> float:
    return milliseconds / 1000 - START / SECOND


@pytest.mark.parametrize("days", [400, -400])
def test_a_clock_that_jumps_and_comes_back_leaves_no_trace(days: int) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wait(10)
    assert since_start(clock.now()) == 10
    machine.move(days * DAY)
    for seconds in range(66):
        assert since_start(clock.now()) == 10 + seconds
        assert clock.jump_seconds == days * DAY
        machine.wait(1)
    machine.move(-days * DAY)
    assert since_start(clock.now()) == 76
    assert (clock.jump_seconds, clock.refused) == (0, 1)


def test_a_clock_that_stays_moved_for_long_is_right() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.now()
    machine.move(7200)
    clock.now()
    machine.wait(3599)
    assert since_start(clock.now()) == 3599
    machine.wait(1)
    assert since_start(clock.now()) == 10_800
    assert clock.jump_seconds == 0


def test_patience_begins_anew_when_the_clock_is_moved_again() -> None:
    machine = Machine()
    clock = machine.clock()
    for _ in range(4):
        machine.move(7200)
        clock.now()
        machine.wait(1800)
    assert since_start(clock.now()) == 7200
    assert clock.refused == 4


def test_an_operator_says_that_a_clock_is_right() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.move(2 * DAY)
    assert since_start(clock.now()) == 0
    clock.confirm()
    assert since_start(clock.now()) == 2 * DAY
    machine.move(2 * DAY)
    assert since_start(clock.now()) == 2 * DAY, "said once, taken once"


@pytest.mark.parametrize("seconds", [299, -299])
def test_a_small_step_is_taken_and_time_never_goes_back(seconds: int) -> None:
    machine = Machine()
    clock = machine.clock()
    clock.now()
    machine.move(seconds)
    assert since_start(clock.now()) == max(0, seconds)
    machine.wait(300)
    assert since_start(clock.now()) == 300 + seconds


def moved(service: Service, days: int) -> None:
    """Have the clock of a running service be moved: what it measures is as if it had been."""
    service.app.clock._wall = lambda before=service.app.clock._wall: before() + days * DAY * SECOND  # type: ignore[misc]


def test_articles_are_stamped_and_hidden_by_the_time_as_it_goes_on(run_service: RunService, tmp_path: Path) -> None:
    config = Config(service=ServiceSettings(retention_days=365))
    service = run_service(config, open_detector=lambda: Detector(config, Store.open(tmp_path, scheme=SCHEME)))
    service.wait_ready()
    with service.client() as client:
        for number in range(10):
            assert client.put(f"/v1/articles/a{number}", json={"text": f"words of {number}"}).status_code == 201
        before = client.get("/v1/articles/a0").json()["first_seen"]
        client.put("/v1/articles/later", json={"text": "not yet", "embargoed": "2027-03-01T00:00:00Z"})
        moved(service, 400)
        assert client.put("/v1/articles/new", json={"text": "a new one"}).status_code == 201
        assert client.get("/v1/articles/new").json()["first_seen"][:10] == before[:10]
        [warning] = client.get("/readyz").json()["warnings"]
        assert "is not believed" in warning
        [ahead] = re.findall(r"^wirecopy_clock_ahead_seconds (\S+)", client.get("/metrics").text, re.MULTILINE)
        assert float(ahead) == pytest.approx(400 * DAY, abs=5)
        events = client.get("/v1/events").json()["events"]
        assert {event["at"][:10] for event in events} == {before[:10]}
        assert "later" not in {event.get("article") for event in events}

        answer = client.post("/v1/admin/clock")
        assert answer.json()["ahead_seconds"] == pytest.approx(400 * DAY, abs=5)
        assert not client.get("/readyz").json().get("warnings")
        assert client.put("/v1/articles/much-later", json={"text": "another"}).status_code == 201
        assert client.get("/v1/articles/much-later").json()["first_seen"] > before
    wait_until(lambda: any(line["event"] == "clock confirmed" for line in service.log()))


def test_retention_takes_a_share_at_once(tmp_path: Path) -> None:
    day = DAY * 1000
    detector = Detector(Config(), Store.open(tmp_path, scheme=SCHEME))
    detector.ingest([Article(f"a{n}", f"text number {n}") for n in range(300)], first_seen=day)
    taken = [detector.prune(1000 * day, 0.01) for _ in range(3)]
    assert taken == [3, 2, 2]
    assert detector.prune(1000 * day) == 293
    detector.ingest([Article("last", "the last text")], first_seen=1000 * day)
    assert detector.prune(2000 * day, 0.01) == 1, "one at least"
    detector.close()
