"""Streamlit server of the page. All its settings are set here; config files and variables of the user are ignored."""

import asyncio
import os
import secrets
import sys
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cosmos_search.limits import MAX_UPLOAD_MB
from indexer.errors import CosmosSearchError
from ui.log import configure_logging
from ui.settings import APP, LOCAL, TOKEN, ServerOptions, is_local, make_url

__all__ = ["main", "serve"]

HERE = Path(__file__).parent
HOMES = ("HOME", "USERPROFILE")


def main() -> None:
    """Entry point of the server process; its arguments are those of ServerOptions."""
    try:
        serve(ServerOptions.parse(sys.argv[1:]))
    except CosmosSearchError as error:
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        return


def serve(options: ServerOptions) -> None:
    """Serve the page until a signal ends the process. Raises CosmosSearchError if the token is missing.

    Streamlit reads settings and secrets from `.streamlit` in the current directory and the home directory. Both are set
    to the package's own directory while Streamlit starts; the home directory is restored afterwards.
    """
    if (options.has_token or not is_local(options.host)) and not os.environ.get(TOKEN, "").strip():
        raise CosmosSearchError(f"The environment variable {TOKEN} is missing, so the page is not served.")
    configure_logging()
    os.chdir(HERE)
    homes = {name: os.environ[name] for name in HOMES if name in os.environ}
    os.environ |= dict.fromkeys(HOMES, str(HERE))
    os.environ.pop("WEB_CONCURRENCY", None)
    os.environ["FORWARDED_ALLOW_IPS"] = ""  # no proxy headers: uvicorn would accept forged client addresses
    os.environ["STREAMLIT_SERVER_COOKIE_SECRET"] = secrets.token_hex(32)  # cannot be set in `config`

    import streamlit as st
    import uvicorn.config
    from starlette.middleware import Middleware

    from ui.message_filter import MessageFilter
    from ui.request_filter import RequestFilter
    from ui.routes.routes import make_routes
    from ui.session.login import shared_login

    def is_logged_in(session: str) -> bool:
        return shared_login().is_logged_in(session)

    def is_ticket(ticket: str) -> bool:
        return shared_login().is_ticket(ticket)

    @asynccontextmanager
    async def run_lifespan(_: object) -> AsyncIterator[dict[str, Any]]:
        for name in HOMES:
            os.environ.pop(name)
        os.environ.update(homes)
        shared_login()
        if options.opens_browser:
            asyncio.get_running_loop().run_in_executor(None, webbrowser.open, make_url(options.host, options.port))
        yield {}

    names = {*LOCAL, options.host.lower()} if is_local(options.host) else None
    uvicorn.config.LOGGING_CONFIG["loggers"]["uvicorn.error"]["level"] = "WARNING"
    middleware = [
        Middleware(RequestFilter, names=names, is_logged_in=is_logged_in, is_ticket=is_ticket),
        Middleware(MessageFilter, is_logged_in=is_logged_in),
    ]
    routes = make_routes(is_local=is_local(options.host))
    app = st.App(APP, routes=routes, middleware=middleware, lifespan=run_lifespan)
    app.run(config=build_settings(options))


def build_settings(options: ServerOptions) -> dict[str, object]:
    """Streamlit options by name: all that affect access, data that is sent, and logging. Others keep their default."""
    return {
        "server.address": options.host,
        "server.port": options.port,
        "server.baseUrlPath": "",
        "server.customComponentBaseUrlPath": "",
        "server.sslCertFile": "",
        "server.sslKeyFile": "",
        # Access (RequestFilter checks before Streamlit does).
        "server.allowedHosts": [*LOCAL, options.host] if is_local(options.host) else [],
        "server.enableCORS": True,
        "server.corsAllowedOrigins": [],
        "server.enableXsrfProtection": True,
        "server.xsrfCookieSameSite": "strict",
        "server.trustedUserHeaders": {},
        "client.allowedOrigins": [],
        "secrets.files": [str(HERE / "no-secrets.toml")],  # an empty list means the default places
        # Other endpoints and modes.
        "server.enableAgentApi": False,
        "server.enableStaticServing": False,
        "server.scriptHealthCheckEnabled": False,
        "server.enableExpensiveMemoryStats": False,
        "global.developmentMode": False,
        "global.e2eTest": False,
        "global.unitTest": False,
        "global.appTest": False,
        # Limits.
        "server.maxUploadSize": MAX_UPLOAD_MB,
        "server.maxMessageSize": 200,
        "server.maxWidgetStateSize": 25,
        # No usage statistics. Headless, because Streamlit otherwise offers to install instructions for coding
        # assistants; `serve` opens the browser itself.
        "browser.gatherUsageStats": False,
        "browser.serverAddress": options.host,
        "browser.serverPort": options.port,
        "server.unsafeMetricsUserAttributes": [],
        "server.headless": True,
        "server.showEmailPrompt": False,
        # No collection of all garbage after each interaction: it holds the GIL for longer than a search takes, while
        # the browser waits for thumbnails.
        "runner.postScriptGC": False,
        # No file watching.
        "server.fileWatcherType": "none",
        "server.folderWatchList": [],
        "server.runOnSave": False,
        "server.allowRunOnSave": False,
        # User interface and log.
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "logger.level": "warning",
        "logger.enableRich": False,
        "logger.messageFormat": "%(asctime)s %(message)s",
        "logger.hideWelcomeMessage": True,
        "theme.light.primaryColor": "#00639b",
        "theme.dark.primaryColor": "#56b4e9",
    }


if __name__ == "__main__":
    main()
