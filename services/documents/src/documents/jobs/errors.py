"""What can go wrong with a job."""

from common.errors import Problem


class JobNotFound(Problem):
    """There is no such job, or it belongs to somebody else: the answer is the same."""

    status, slug, title = 404, "job-not-found", "There is no such job"
