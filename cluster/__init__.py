"""Indexing and searching on many machines with Ray. Nothing here runs unless `--cluster` asks for it.

Belongs here: what starts, watches and asks processes on other machines. How pictures are indexed, stored and scored is
in the packages below, which know nothing of a cluster.

Importing it turns off Ray's reports to its makers, in this process and those that it starts, and has Ray send this
machine's token if there is one. Ray reads the second variable when it is imported, which only this package does.
"""

import os
from pathlib import Path

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
_TOKEN = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or "~/.ray/auth_token").expanduser()
if os.environ.get("RAY_AUTH_TOKEN") or _TOKEN.is_file():
    os.environ.setdefault("RAY_AUTH_MODE", "token")
