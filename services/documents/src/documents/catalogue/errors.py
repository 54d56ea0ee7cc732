"""What can go wrong with categories, suppliers and tags."""

from common.errors import Problem


class CategoryNotFound(Problem):
    """There is no such category, or it belongs to somebody else: the answer is the same."""

    status, slug, title = 404, "category-not-found", "There is no such category"


class CategoryExists(Problem):
    """The user has a category of this name already, in whatever case it is written."""

    status, slug, title = 409, "category-exists", "You have a category of this name already"


class SupplierNotFound(Problem):
    """There is no such supplier, or it belongs to somebody else: the answer is the same."""

    status, slug, title = 404, "supplier-not-found", "There is no such supplier"


class SupplierExists(Problem):
    """The user has a supplier of this name already, in whatever case it is written."""

    status, slug, title = 409, "supplier-exists", "You have a supplier of this name already"


class TagNotFound(Problem):
    """There is no such tag, or it belongs to somebody else: the answer is the same."""

    status, slug, title = 404, "tag-not-found", "There is no such tag"


class TagExists(Problem):
    """The user has a tag of this name already, in whatever case it is written."""

    status, slug, title = 409, "tag-exists", "You have a tag of this name already"
