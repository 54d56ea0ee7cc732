"""What can go wrong with a search."""

from common.errors import Problem


class SearchTooBroad(Problem):
    """It would have taken longer than anybody waits."""

    status, slug, title = 422, "search-too-broad", "Too much would have to be searched"
