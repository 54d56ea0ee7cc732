"""What can go wrong with an account."""

from common.errors import Problem


class EmailTaken(Problem):
    """Another account has this e-mail address, in whatever case it is written."""

    status, slug, title = 409, "email-taken", "This e-mail address already has an account"


class UsernameTaken(Problem):
    """Another account has this username, in whatever case it is written."""

    status, slug, title = 409, "username-taken", "This username is taken"


class UserNotFound(Problem):
    """There is no such account, or it is not one's own."""

    status, slug, title = 404, "user-not-found", "There is no such user"


class AccountDeactivated(Problem):
    """The password was right, but the account has been switched off."""

    status, slug, title = 403, "account-deactivated", "This account is deactivated"


class LastAdministrator(Problem):
    """The suite would be left without anybody who can administer it."""

    status, slug, title = 409, "last-administrator", "This is the last administrator"


class ExceedsOwnPermissions(Problem):
    """The account or the role may more than who wants to change it."""

    status, slug = 403, "exceeds-own-permissions"
    title = "This reaches beyond your own permissions"
