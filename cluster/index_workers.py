"""Index the files of one run on all machines of a cluster. See `indexer.ingest.shared_work`."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.connect import first_sentence, list_nodes
from cluster.index_worker import IndexWorker, WorkerSetup
from cluster.slots import CORES_A_WORKER, Slot, plan_slots
from cosmos_search.cluster_errors import ClusterError
from cosmos_search.encoders.protocol import Encoder
from indexer.errors import CosmosSearchError
from indexer.ingest.report import Report
from indexer.ingest.scan import Change
from indexer.ingest.shared_work import SharedWork
from indexer.places import ServerPlace

__all__ = ["ClusterWorkers"]

TASK_FILES = 1000  # that a worker gets at a time: a few directories, or a part of a large one
MAX_ATTEMPTS = 3  # of a task whose workers die, and of starting a worker again; the run does the rest itself
POLL_S = 1.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Task:
    changes: list[Change]
    n_attempts: int = 0


@dataclass(slots=True)
class _Worker:
    actor: Any  # the handle of an IndexWorker
    slot: Slot
    n_starts: int = 1


class ClusterWorkers:
    """Distributes a run over the cluster that this process is connected to. See `Distribute`."""

    def __init__(
        self,
        place: ServerPlace,
        load: Callable[[], Encoder],
        *,
        cores_a_worker: int = CORES_A_WORKER,
        task_files: int = TASK_FILES,
    ) -> None:
        """load: loads the encoder in another process; a function of a module that all machines have."""
        self._place = place
        self._load = load
        self._cores_a_worker = cores_a_worker
        self._task_files = task_files

    def __call__(self, work: SharedWork) -> Report:
        """Index the files on all machines, and return the sum of the reports of completed tasks.

        Raises the CosmosSearchError of a worker, or ClusterError if workers die as soon as they start.
        """
        setup = WorkerSetup(self._place, self._load, work.target, work.max_pixels, work.folders)
        run = _Run(setup, work, plan_slots(list_nodes(), self._cores_a_worker))
        try:
            run.execute(_Task(changes) for changes in _join(work.changes, self._task_files))
        finally:
            run.close()
        return run.report


class _Run:
    def __init__(self, setup: WorkerSetup, work: SharedWork, slots: Iterable[Slot]) -> None:
        self.report = Report(work.target.name, "cluster")
        self._setup = setup
        self._work = work
        self._again: deque[_Task] = deque()
        self._running: dict[Any, tuple[_Worker, _Task]] = {}  # by the reference to the result
        self._n_completed = 0
        self._n_deaths = 0
        self._last_death = ""
        self._idle = deque(self._start(slot) for slot in slots)

    def execute(self, tasks: Iterator[_Task]) -> None:
        shown = monotonic()
        has_stopped = False
        while True:
            while self._idle and not self._work.stop.is_set() and (task := self._next(tasks)) is not None:
                worker = self._idle.popleft()
                self._running[worker.actor.index.remote(task.changes)] = worker, task
            if not self._running:
                break
            if self._work.stop.is_set() and not has_stopped:
                has_stopped = True
                for worker, _ in self._running.values():
                    worker.actor.stop.remote()
            for done in ray.wait(list(self._running), timeout=POLL_S)[0]:
                self._finish(done)
            if monotonic() - shown > POLL_S:
                self._work.show_progress()
                shown = monotonic()
        if self._n_deaths >= MAX_ATTEMPTS and not self._idle and not self._n_completed:  # not a fault of one machine
            raise ClusterError(f"its workers die before they have indexed anything ({self._last_death})")

    def close(self) -> None:
        """End the workers."""
        for worker in [*self._idle, *(worker for worker, _ in self._running.values())]:
            ray.kill(worker.actor)

    def _start(self, slot: Slot) -> _Worker:
        strategy = NodeAffinitySchedulingStrategy(slot.node_id, soft=False)
        # No cores are reserved: a search service holds them all, and this would wait for its end.
        options = {"num_cpus": 0, "num_gpus": slot.n_gpus, "max_concurrency": 2}  # `stop` during `index`
        actor = (
            ray.remote(IndexWorker).options(scheduling_strategy=strategy, **options).remote(self._setup, slot.n_cores)
        )
        return _Worker(actor, slot)

    def _next(self, tasks: Iterator[_Task]) -> _Task | None:
        return self._again.popleft() if self._again else next(tasks, None)

    def _finish(self, done: Any) -> None:
        worker, task = self._running.pop(done)
        try:
            report: Report = ray.get(done)
        except RayTaskError as error:
            if isinstance(error.cause, CosmosSearchError):
                raise error.cause from None
            raise
        except RayError as error:  # the worker or its node died
            log.warning("A worker of the cluster died (%s).", first_sentence(error))
            self._n_deaths += 1
            self._last_death = first_sentence(error)
            self._replace(worker)
            task.n_attempts += 1
            if task.n_attempts < MAX_ATTEMPTS:
                self._again.append(task)
            return
        self._n_completed += 1
        self._idle.append(worker)
        for name in ("added", "updated", "kept", "embedded"):
            setattr(self.report, name, getattr(self.report, name) + getattr(report, name))
        self.report.failed += report.failed

    def _replace(self, worker: _Worker) -> None:
        alive = {node["NodeID"] for node in list_nodes() if node["Alive"]}
        if worker.slot.node_id in alive and worker.n_starts < MAX_ATTEMPTS:
            again = self._start(worker.slot)
            again.n_starts = worker.n_starts + 1
            self._idle.append(again)


def _join(directories: Iterable[list[Change]], n_files: int) -> Iterator[list[Change]]:
    """Lists of about `n_files` files of neighbouring directories."""
    waiting: list[Change] = []
    for changes in directories:
        waiting += changes
        while len(waiting) >= n_files:
            yield waiting[:n_files]
            waiting = waiting[n_files:]
    if waiting:
        yield waiting
