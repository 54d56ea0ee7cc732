"""What can go wrong at the gateway itself; all else is an answer of a service, passed on."""

from common.errors import Problem, Unauthorized


class RouteNotFound(Problem):
    """No service answers this path."""

    status, slug, title = 404, "not-found", "There is nothing at this address"


class AmbiguousRequest(Problem):
    """The request could be read in two ways, so that a service might read it differently."""

    status, slug, title = 400, "ambiguous-request", "The request is not well formed"

    def __init__(self, detail: str) -> None:
        # Where this request ends is not certain, so that nothing after it may be believed.
        super().__init__(detail, headers={"Connection": "close"})


class AmbiguousCredentials(Problem):
    """The request says in two ways who is asking, so that a service might believe the other."""

    status, slug, title = 400, "ambiguous-credentials", "The request is signed in twice"

    def __init__(self) -> None:
        super().__init__("Send one of: an Authorization header, an X-API-Key header, a cookie.")


class InvalidApiKey(Unauthorized):
    """The API key is unknown, has run out or was revoked."""

    slug, title = "invalid-api-key", "The API key is not valid"


class CsrfTokenInvalid(Problem):
    """A cookie alone may have been sent by another site's page, so it changes nothing."""

    status, slug, title = 403, "csrf-token-invalid", "The CSRF token is missing or wrong"

    def __init__(self) -> None:
        super().__init__("With a cookie, send X-CSRF-Token; without, an Authorization header.")


class BodyTooLarge(Problem):
    """The request body is larger than the gateway lets through."""

    status, slug, title = 413, "body-too-large", "The request body is too large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"At most {limit} bytes.", max_bytes=limit)


class UpstreamUnreachable(Problem):
    """No connection to the service could be made; nothing was sent."""

    status, slug, title = 502, "upstream-unreachable", "The service cannot be reached"

    def __init__(self, service: str) -> None:
        super().__init__(f"{service} does not accept connections.", headers={"Retry-After": "5"})


class UpstreamHungUp(Problem):
    """The service took the request and closed the connection without an answer."""

    status, slug, title = 502, "upstream-hung-up", "The service broke off"

    def __init__(self, service: str) -> None:
        detail = f"{service} closed the connection before it answered."
        super().__init__(detail, headers={"Retry-After": "5"})


class UpstreamAnswerInvalid(Problem):
    """The service answered with something that is not valid HTTP."""

    status, slug, title = 502, "upstream-answer-invalid", "The service's answer is not valid"

    def __init__(self, service: str) -> None:
        super().__init__(f"{service} sent an answer that cannot be passed on.")


class UpstreamTimeout(Problem):
    """The service let the time pass in which it had to connect, read on or begin to answer."""

    status, slug, title = 504, "upstream-timeout", "The service did not answer in time"

    def __init__(self, service: str) -> None:
        super().__init__(f"{service} did not answer in time.", headers={"Retry-After": "5"})
