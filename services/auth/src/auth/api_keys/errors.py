"""What can go wrong with API keys."""

from common.errors import Problem, Unauthorized


class ApiKeyNotFound(Problem):
    """There is no such key, or it is somebody else's."""

    status, slug, title = 404, "api-key-not-found", "There is no such API key"


class InvalidApiKey(Unauthorized):
    """The key was never issued, was revoked, or has run out."""

    slug, title = "invalid-api-key", "The API key is not valid"


class TooManyApiKeys(Problem):
    """So many keys that nobody would notice one that is used by somebody else."""

    status, slug, title = 409, "too-many-api-keys", "Revoke a key that is no longer used first"
