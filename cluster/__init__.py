"""Indexing and searching on many machines with Ray. Nothing here runs unless `--cluster` asks for it.

Belongs here: what starts, watches and asks processes on other machines. How pictures are indexed, stored and scored is
in the packages below, which know nothing of a cluster.

Importing it turns off Ray's reports to its makers, in this process and those that it starts. Ray reads the variable
when it starts or joins a cluster.
"""

import os

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
