"""What can go wrong with a job."""

from common.errors import Problem


class JobNotFound(Problem):
    """There is no such job, or it belongs to somebody else: the answer is the same."""

    status, slug, title = 404, "job-not-found", "There is no such job"


class NothingToRetry(Problem):
    """The job has read all there is, or is still at it."""

    status, slug, title = 409, "nothing-to-retry", "There is nothing to try again"


class JobEnded(Problem):
    """The job has ended already."""

    status, slug, title = 409, "job-ended", "The job has ended already"


class JobRunning(Problem):
    """The document is being read, and by one job at a time."""

    status, slug, title = 409, "job-running", "The document is being read already"
