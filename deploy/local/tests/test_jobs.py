"""Jobs run side by side, each after those it needs, and an error stops what has not begun."""

import threading

import pytest
from native.errors import StackError
from native.jobs import Job, Nobody, run


def test_a_job_waits_for_those_it_needs() -> None:
    done: list[str] = []
    jobs = [
        Job("gateway", lambda: done.append("gateway"), needs=("api",)),
        Job("api", lambda: done.append("api"), needs=("server", "not among them")),
        Job("server", lambda: done.append("server")),
    ]
    run(jobs, Nobody(), threading.Event())

    assert done == ["server", "api", "gateway"]


def test_independent_jobs_run_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=30)
    run([Job("one", both_arrive(both)), Job("two", both_arrive(both))], Nobody(), threading.Event())

    assert not both.broken


def test_an_error_is_told_once_and_stops_the_rest() -> None:
    begun: list[str] = []

    def fail() -> None:
        raise StackError("the server is broken")

    jobs = [
        Job("server", fail),
        Job("api", lambda: begun.append("api"), needs=("server",)),
        Job("gateway", lambda: begun.append("gateway"), needs=("api",)),
    ]
    with pytest.raises(StackError) as caught:
        run(jobs, Nobody(), threading.Event())

    assert str(caught.value) == "the server is broken"
    assert begun == []


def both_arrive(barrier: threading.Barrier) -> "Arrival":
    return Arrival(barrier)


class Arrival:
    def __init__(self, barrier: threading.Barrier) -> None:
        self._barrier = barrier

    def __call__(self) -> None:
        self._barrier.wait()
