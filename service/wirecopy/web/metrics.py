"""What /metrics shows: counters and histograms of requests and commits, gauges of the queue and of the Detector."""

from bisect import bisect_left
from collections import Counter as Counts
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import ClassVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from wirecopy.schema.version import VERSION
from wirecopy.web.owner import Commit

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_ARTICLES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_CANDIDATES = (0, 1, 2, 5, 10, 20, 50, 100, 200)


class Distribution:
    """How many values are at most each of some bounds, and their sum.

    Belongs to one thread; prometheus_client's own takes a lock and walks through the bounds for every value.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def put_into(self, family: HistogramMetricFamily, labels: Sequence[str] = ()) -> None:
        """Show it under `labels`."""
        names = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        family.add_metric(labels, list(zip(names, accumulate(self._counts), strict=True)), self._sum)


class Requests(Collector):
    """Answered requests by method, route and status, and their seconds by route."""

    def __init__(self) -> None:
        self._answered: Counts[tuple[str, str, int]] = Counts()
        self._seconds: dict[str, Distribution] = {}

    def add(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._answered[method, route, status] += 1
        known = self._seconds.get(route)
        if known is None:
            known = self._seconds[route] = Distribution(_SECONDS)
        known.add(seconds)

    def collect(self) -> Iterator[Metric]:
        """Yield what is shown."""
        answered = CounterMetricFamily(
            "wirecopy_requests", "Requests answered", labels=["method", "route", "status"]
        )  # fmt: skip
        for (method, route, status), count in self._answered.items():
            answered.add_metric([method, route, str(status)], count)
        yield answered
        text = "Seconds from a request's head to its answer; for bulk, to the end of the stream"
        seconds = HistogramMetricFamily("wirecopy_request_seconds", text, labels=["route"])
        for route, distribution in self._seconds.items():
            distribution.put_into(seconds, [route])
        yield seconds


class Commits(Collector):
    """Commits, and the articles in them."""

    def __init__(self) -> None:
        self.seconds = Distribution(_SECONDS)
        self.articles = Distribution(_ARTICLES)
        self.candidates = Distribution(_CANDIDATES)

    def collect(self) -> Iterator[Metric]:
        """Yield what is shown."""
        for distribution, name, text in (
            (self.seconds, "wirecopy_commit_seconds", "Seconds to decide and store a batch"),
            (self.articles, "wirecopy_batch_articles", "Articles per commit"),
            (self.candidates, "wirecopy_candidates", "Candidates compared per article"),
        ):
            family = HistogramMetricFamily(name, text, labels=[])
            distribution.put_into(family)
            yield family


class Totals(Collector):
    """What only grows and is counted elsewhere: shown as counters, as it was read last."""

    NAMES: ClassVar[dict[str, str]] = {
        "merged_stories": "Stories whose last member moved to another one, since the service started"
    }

    def __init__(self) -> None:
        self.read: dict[str, float] = {}

    def collect(self) -> Iterator[Metric]:
        """Yield what is shown."""
        for name, value in self.read.items():
            yield CounterMetricFamily(f"wirecopy_{name}", self.NAMES[name], value)


class Metrics:
    """A registry of its own: two services in one process do not mix, and tests start from zero."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second sample for every counter, which no query of ours asks for
        self.registry = registry = CollectorRegistry()
        Info("wirecopy_build", "The version that runs", registry=registry).info({"version": VERSION})
        self._totals = Totals()
        registry.register(self._totals)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self._requests = Requests()
        registry.register(self._requests)
        self._commits = Commits()
        registry.register(self._commits)
        self._refused = Counter(
            "wirecopy_refused", "Requests refused, by the kind of problem", ["problem"], registry=registry
        )
        self._lines = Counter("wirecopy_bulk_lines", "Lines of bulk streams answered", ["status"], registry=registry)
        self._articles = Counter(
            "wirecopy_articles", "Articles decided, by what they became", ["outcome"], registry=registry
        )
        self._rejects = Counter(
            "wirecopy_verify_rejects", "Candidates that were compared and are no match", registry=registry
        )
        self._streamed = Counter("wirecopy_streamed_events", "Events sent in event streams", registry=registry)
        self._pruned = Counter("wirecopy_pruned_articles", "Articles that retention took away", registry=registry)
        self._deliveries = Counter(
            "wirecopy_webhook_deliveries",
            "Deliveries to webhooks, by outcome",
            ["webhook", "outcome"],
            registry=registry,
        )
        self._missed = Counter(
            "wirecopy_webhook_missed_events",
            "Events no longer kept when a webhook got there",
            ["webhook"],
            registry=registry,
        )
        self._lag = Gauge(
            "wirecopy_webhook_lag_events", "Events behind the last that a webhook took", ["webhook"], registry=registry
        )
        self._gauges: dict[str, Gauge] = {}
        self._outcomes = {name: self._articles.labels(name) for name in ("new", "revised", "replayed")}
        self.gauge("ready", "1 when articles are taken")
        self.gauge("writer", "1 while this service decides, 0 while it loads or is a standby")
        self.gauge("connections", "Open connections")
        self.gauge("waiting_articles", "Articles that wait for a commit")
        self.gauge("waiting_bulk_articles", "Articles of bulk streams that wait for a commit")
        self.gauge("held_bytes", "Bytes of long bodies in memory")
        self.gauge("held_answer_bytes", "Bytes of long answers that clients have not taken")
        self.gauge("waiting_questions", "Requests that read or edit and are not answered yet")
        self.gauge("clock_ahead_seconds", "How far the machine's clock, not believed, is ahead of the time")
        self.gauge("bulk_streams", "Open bulk streams")
        self.gauge("event_streams", "Open event streams")
        self.gauge("data_bytes", "Bytes of the files in the data folder")
        self.gauge("free_disk_bytes", "Bytes that are free on the disk of the data folder")

    def gauge(self, name: str, description: str) -> Gauge:
        """Return the gauge wirecopy_<name>, made when it is new."""
        if name not in self._gauges:
            self._gauges[name] = Gauge(f"wirecopy_{name}", description, registry=self.registry)
        return self._gauges[name]

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.add(method, route, status, seconds)

    def count_problem(self, name: str) -> None:
        """Count a request that was answered with this kind of problem."""
        self._refused.labels(name).inc()

    def count_lines(self, statuses: Mapping[int, int]) -> None:
        """Count answered lines of a bulk stream by status."""
        for status, count in statuses.items():
            self._lines.labels(str(status)).inc(count)

    def count_streamed(self, events: int) -> None:
        """Count events that were sent in an event stream."""
        self._streamed.inc(events)

    def expect_webhook(self, name: str) -> None:
        """Show a webhook with zeros before anything happens to it."""
        for outcome in ("delivered", "failed"):
            self._deliveries.labels(name, outcome)
        self._missed.labels(name)

    def count_delivery(self, name: str, *, is_taken: bool) -> None:
        """Count one attempt to deliver events to a webhook."""
        self._deliveries.labels(name, "delivered" if is_taken else "failed").inc()

    def count_pruned(self, articles: int) -> None:
        """Count articles that retention took away."""
        self._pruned.inc(articles)

    def count_missed(self, name: str, events: int) -> None:
        """Count events that a webhook cannot get any more."""
        self._missed.labels(name).inc(events)

    def count_commit(self, commit: Commit) -> None:
        """Count one commit and what its articles became."""
        self._commits.seconds.add(commit.seconds)
        self._commits.articles.add(len(commit.verdicts))
        outcomes = {"new": 0, "revised": 0, "replayed": 0}
        rejects = 0
        for verdict in commit.verdicts:
            if verdict.replayed or verdict.superseded:
                outcomes["replayed"] += 1
                continue
            outcomes["new" if verdict.revision == 1 else "revised"] += 1
            self._commits.candidates.add(verdict.candidates)
            rejects += verdict.candidates - len(verdict.matches)
        for name, count in outcomes.items():
            if count:
                self._outcomes[name].inc(count)
        self._rejects.inc(max(0, rejects))

    def render(self, gauges: Mapping[str, float], lags: Mapping[str, int]) -> bytes:
        """Return the text for Prometheus, after setting `gauges`: ours by name, and whatever the Detector has.

        `lags` are those of webhooks, by name.
        """
        for name, events in lags.items():
            self._lag.labels(name).set(events)
        self._totals.read = {name: value for name, value in gauges.items() if name in Totals.NAMES}
        for name, value in gauges.items():
            if name in Totals.NAMES:
                continue
            self.gauge(name, name.replace("_", " ").capitalize()).set(value)
        return generate_latest(self.registry)
