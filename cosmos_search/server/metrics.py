"""Counts and times of requests in the text format of Prometheus (version 0.0.4)."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SECONDS = "cosmos_search_request_duration_seconds"
REQUESTS = "cosmos_search_requests_total"


class Metrics:
    """Updated and read in one event loop."""

    def __init__(self) -> None:
        self._n_requests: Counter[tuple[str, str, int]] = Counter()
        self._n_in_bucket: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BOUNDS_S) + 1))
        self._seconds: Counter[str] = Counter()

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request. route: its path with names in the place of values, so that there are few."""
        self._n_requests[method, route, status] += 1
        self._n_in_bucket[route][bisect_left(BOUNDS_S, seconds)] += 1
        self._seconds[route] += seconds  # type: ignore[assignment]  # a Counter may count seconds

    def format(self, gauges: Mapping[str, float]) -> str:
        """All metrics as text. gauges: further values by name."""
        return "\n".join([*self._format_requests(), *self._format_seconds(), *_format_gauges(gauges)]) + "\n"

    def _format_requests(self) -> Iterator[str]:
        yield f"# TYPE {REQUESTS} counter"
        for (method, route, status), n in sorted(self._n_requests.items()):
            yield f'{REQUESTS}{{method="{method}",route="{route}",status="{status}"}} {n}'

    def _format_seconds(self) -> Iterator[str]:
        yield f"# TYPE {SECONDS} histogram"
        for route, counts in sorted(self._n_in_bucket.items()):
            total = 0
            for bound, n in zip((*BOUNDS_S, "+Inf"), counts, strict=True):
                total += n
                yield f'{SECONDS}_bucket{{route="{route}",le="{bound}"}} {total}'
            yield f'{SECONDS}_sum{{route="{route}"}} {self._seconds[route]:.6f}'
            yield f'{SECONDS}_count{{route="{route}"}} {total}'


def _format_gauges(gauges: Mapping[str, float]) -> Iterator[str]:
    for name, value in gauges.items():
        yield f"# TYPE {name} gauge"
        yield f"{name} {value}"
