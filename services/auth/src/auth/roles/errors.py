"""What can go wrong with roles."""

from common.errors import Problem


class RoleNotFound(Problem):
    """There is no role of this name."""

    status, slug, title = 404, "role-not-found", "There is no such role"


class RoleExists(Problem):
    """There is a role of this name already."""

    status, slug, title = 409, "role-exists", "There is a role of this name already"


class RoleBuiltIn(Problem):
    """The suite relies on the role: it can be granted and revoked, but not changed."""

    status, slug, title = 409, "role-built-in", "A built-in role cannot be changed"
