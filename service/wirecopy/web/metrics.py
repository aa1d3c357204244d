"""What /metrics shows: counters and histograms of requests and commits, gauges of the queue and of the Detector."""

from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from wirecopy.web.intake import Commit

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_ARTICLES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_CANDIDATES = (0, 1, 2, 5, 10, 20, 50, 100, 200)


class Metrics:
    """A registry of its own: two services in one process do not mix, and tests start from zero."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self._requests = Counter(
            "wirecopy_requests", "Requests answered", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "wirecopy_request_seconds",
            "Seconds from a request's head to its answer; for bulk, to the end of the stream",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._refused = Counter(
            "wirecopy_refused", "Requests refused, by the kind of problem", ["problem"], registry=registry
        )
        self._lines = Counter("wirecopy_bulk_lines", "Lines of bulk streams answered", ["status"], registry=registry)
        self._articles = Counter(
            "wirecopy_articles", "Articles decided, by what they became", ["outcome"], registry=registry
        )
        self._commit_seconds = Histogram(
            "wirecopy_commit_seconds", "Seconds to decide and store a batch", buckets=_SECONDS, registry=registry
        )
        self._batch_articles = Histogram(
            "wirecopy_batch_articles", "Articles per commit", buckets=_ARTICLES, registry=registry
        )
        self._candidates = Histogram(
            "wirecopy_candidates", "Candidates compared per article", buckets=_CANDIDATES, registry=registry
        )
        self._rejects = Counter(
            "wirecopy_verify_rejects", "Candidates that were compared and are no match", registry=registry
        )
        self._streamed = Counter("wirecopy_streamed_events", "Events sent in event streams", registry=registry)
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
        self._by_request: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._outcomes = {name: self._articles.labels(name) for name in ("new", "revised", "replayed")}
        self.gauge("ready", "1 when articles are taken")
        self.gauge("connections", "Open connections")
        self.gauge("waiting_articles", "Articles that wait for a commit")
        self.gauge("waiting_bulk_articles", "Articles of bulk streams that wait for a commit")
        self.gauge("held_bytes", "Bytes of long bodies in memory")
        self.gauge("bulk_streams", "Open bulk streams")
        self.gauge("event_streams", "Open event streams")

    def gauge(self, name: str, description: str) -> Gauge:
        """The gauge wirecopy_<name>, made when it is new."""
        if name not in self._gauges:
            self._gauges[name] = Gauge(f"wirecopy_{name}", description, registry=self.registry)
        return self._gauges[name]

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        known = self._by_request.get((method, route, status))
        if known is None:
            known = self._requests.labels(method, route, str(status)), self._seconds.labels(route)
            self._by_request[method, route, status] = known
        counter, histogram = known
        counter.inc()
        histogram.observe(seconds)

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

    def count_missed(self, name: str, events: int) -> None:
        """Count events that a webhook cannot get any more."""
        self._missed.labels(name).inc(events)

    def count_commit(self, commit: Commit) -> None:
        """Count one commit and what its articles became."""
        self._commit_seconds.observe(commit.seconds)
        self._batch_articles.observe(len(commit.verdicts))
        rejects = 0
        for verdict in commit.verdicts:
            if verdict.replayed:
                self._outcomes["replayed"].inc()
                continue
            self._outcomes["new" if verdict.revision == 1 else "revised"].inc()
            self._candidates.observe(verdict.candidates)
            rejects += verdict.candidates - len(verdict.matches)
        self._rejects.inc(max(0, rejects))

    def render(self, gauges: Mapping[str, float], lags: Mapping[str, int]) -> bytes:
        """The text for Prometheus, after setting `gauges`: ours by name, and whatever the Detector has.

        `lags` are those of webhooks, by name.
        """
        for name, events in lags.items():
            self._lag.labels(name).set(events)
        for name, value in gauges.items():
            self.gauge(name, name.replace("_", " ").capitalize()).set(value)
        return generate_latest(self.registry)
