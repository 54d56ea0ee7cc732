"""The gateway's process, put together."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from common.app import Running, build_app
from common.denylist import DenyList
from common.keys import published_at
from common.redis import NEVER, open_redis
from common.security import TokenVerifier
from fastapi import FastAPI

from gateway import api
from gateway.api_keys import ApiKeys
from gateway.authentication import Authenticator
from gateway.cors import cors
from gateway.docs import doc_routes
from gateway.forwarding import ForwardingRoute
from gateway.neighbours import Neighbours
from gateway.openapi import SuiteDocument
from gateway.proxy import HttpProxy
from gateway.resources import Resources
from gateway.settings import ApiSettings
from gateway.upstream import open_session, open_socket_session
from gateway.websocket_proxy import WebSocketProxy


def create_api(settings: ApiSettings) -> FastAPI:
    """Build the api process."""
    origins = {
        "auth": str(settings.auth_url).rstrip("/"),
        "documents": str(settings.documents_url).rstrip("/"),
        "notifier": str(settings.notifier_url).rstrip("/"),
    }

    @asynccontextmanager
    async def start() -> AsyncIterator[Running]:
        async with (
            open_session(settings) as session,
            open_socket_session(settings) as sockets,
            aclosing(open_redis(settings, NEVER)) as redis,
        ):
            denylist = DenyList(redis)
            await denylist.open()
            tokens = TokenVerifier(
                published_at(session, str(settings.jwks_url)),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                denylist=denylist,
            )
            authenticator = Authenticator(tokens, ApiKeys(session, origins["auth"], tokens))
            neighbours = Neighbours(session, origins)
            # No checks: were the gateway unready whenever one service is, or Redis, that one's
            # trouble would take the others off the net. `/health/ready` tells of the services.
            yield Running(
                Resources(
                    http=HttpProxy(session, origins, settings, authenticator),
                    sockets=WebSocketProxy(sockets, origins, settings),
                    neighbours=neighbours,
                    document=SuiteDocument(
                        neighbours,
                        app.openapi,
                        version=app.version,
                        max_age_seconds=settings.openapi_cache_seconds,
                    ),
                ),
                tasks={"denylist": denylist.run},
            )

    app = build_app("gateway", start, routers=[api.router])
    # Inside what names and logs a request, which is the first: preflights are requests, too.
    app.user_middleware.insert(1, cors(settings.cors_origins))
    # Before FastAPI's own routes, of which `/openapi.json` would tell of the gateway alone.
    app.router.routes[:0] = [ForwardingRoute(), *doc_routes()]
    return app
