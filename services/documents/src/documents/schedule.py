"""What happens every so often."""

from datetime import timedelta
from functools import partial

from common.inbox import forget
from common.periodic import Job

SCHEDULE = {
    "forget the inbox": Job(timedelta(days=1), partial(forget, older_than=timedelta(days=30))),
}
