"""Streamlit's server for the page. Its settings are all made here: no file or variable of the user's changes them."""

import asyncio
import os
import secrets
import sys
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from indexer.errors import CosmosSearchError
from ui.log import configure_logging
from ui.settings import APP, LOCAL, MAX_UPLOAD_MB, TOKEN, ServerOptions, is_local, make_url

__all__ = ["main", "serve"]

HERE = Path(__file__).parent
HOMES = ("HOME", "USERPROFILE")
UVICORN = ("WEB_CONCURRENCY",)


def main() -> None:
    """The program that `cosmos-search ui` becomes; its arguments are a ServerOptions."""
    try:
        serve(ServerOptions.parse(sys.argv[1:]))
    except CosmosSearchError as error:
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        return


def serve(start: ServerOptions) -> None:
    """Until it is ended by a signal. Raises CosmosSearchError if the token is gone that it was started with.

    Streamlit reads settings and secrets from `.streamlit` in the current directory and in the home. Both are the
    package's own directory while the settings are made; the current directory stays it.
    """
    if (start.has_token or not is_local(start.host)) and not os.environ.get(TOKEN, "").strip():
        raise CosmosSearchError(f"The token that the page was started with ({TOKEN}) is gone, so it is not served.")
    configure_logging()
    os.chdir(HERE)
    homes = {name: os.environ[name] for name in HOMES if name in os.environ}
    os.environ |= dict.fromkeys(HOMES, str(HERE))
    for name in UVICORN:
        os.environ.pop(name, None)
    os.environ["FORWARDED_ALLOW_IPS"] = ""  # or uvicorn believes this machine's programs what address they come from
    os.environ["STREAMLIT_SERVER_COOKIE_SECRET"] = secrets.token_hex(32)  # a setting that can't be given otherwise

    import streamlit as st
    import uvicorn.config
    from starlette.middleware import Middleware

    from ui.message_filter import MessageFilter
    from ui.request_filter import RequestFilter
    from ui.session.login import shared_login

    def is_in(session: str) -> bool:
        return shared_login().is_logged_in(session)

    @asynccontextmanager
    async def running(_: object) -> AsyncIterator[dict[str, Any]]:
        for name in HOMES:
            os.environ.pop(name)
        os.environ.update(homes)
        shared_login()
        if start.opens_browser:
            asyncio.get_running_loop().run_in_executor(None, webbrowser.open, make_url(start.host, start.port))
        yield {}

    names = {*LOCAL, start.host.lower()} if is_local(start.host) else None
    uvicorn.config.LOGGING_CONFIG["loggers"]["uvicorn.error"]["level"] = "WARNING"
    own = [Middleware(RequestFilter, names=names, is_in=is_in), Middleware(MessageFilter, is_in=is_in)]
    app = st.App(APP, middleware=own, lifespan=running)
    app.run(config=build_settings(start))


def build_settings(start: ServerOptions) -> dict[str, object]:
    """Streamlit's, by name: all that bear on who may see what and on what is sent. The rest is as Streamlit has it."""
    return {
        "server.address": start.host,
        "server.port": start.port,
        "server.baseUrlPath": "",
        "server.customComponentBaseUrlPath": "",
        "server.sslCertFile": "",
        "server.sslKeyFile": "",
        # Who may speak to it (RequestFilter asks first), and whom it believes.
        "server.allowedHosts": [*LOCAL, start.host] if is_local(start.host) else [],
        "server.enableCORS": True,
        "server.corsAllowedOrigins": [],
        "server.enableXsrfProtection": True,
        "server.xsrfCookieSameSite": "strict",
        "server.trustedUserHeaders": {},
        "client.allowedOrigins": [],
        "secrets.files": [str(HERE / "no-secrets.toml")],  # an empty list would stand for the usual places
        # What it answers besides the page.
        "server.enableAgentApi": False,
        "server.enableStaticServing": False,
        "server.scriptHealthCheckEnabled": False,
        "server.enableExpensiveMemoryStats": False,
        "global.developmentMode": False,
        "global.e2eTest": False,
        "global.unitTest": False,
        "global.appTest": False,
        # How much it takes.
        "server.maxUploadSize": MAX_UPLOAD_MB,
        "server.maxMessageSize": 200,
        "server.maxWidgetStateSize": 25,
        # What it tells others: nothing. The browser is opened by `serve`: an unattended server doesn't offer to
        # install instructions for coding assistants.
        "browser.gatherUsageStats": False,
        "browser.serverAddress": start.host,
        "browser.serverPort": start.port,
        "server.unsafeMetricsUserAttributes": [],
        "server.headless": True,
        "server.showEmailPrompt": False,
        # What it watches: nothing.
        "server.fileWatcherType": "none",
        "server.folderWatchList": [],
        "server.runOnSave": False,
        "server.allowRunOnSave": False,
        # What visitors see.
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "logger.level": "warning",
        "logger.enableRich": False,
        "logger.messageFormat": "%(asctime)s %(message)s",
        "logger.hideWelcomeMessage": True,
        "theme.light.primaryColor": "#0072b2",
        "theme.dark.primaryColor": "#56b4e9",
    }


if __name__ == "__main__":
    main()
