"""A real PostgreSQL server for tests: started once in a temporary directory, with a fresh schema for each index."""

import os
import pwd
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg

__all__ = ["PASSWORD", "Postgres", "find_programs", "is_required"]

FAST = ("fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=60")
RULES = r"local all guarded scram-sha-256\nlocal all all trust\n"
PASSWORD = "s@cret:w/rd"  # of the role "guarded"; URLs must encode it


def find_programs() -> Path | None:
    """The directory of initdb and pg_ctl; None if the server is not installed."""
    on_path = shutil.which("initdb")
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))  # Debian's, which are not on the PATH
    found = [Path(on_path).resolve()] if on_path else places
    return found[-1].parent if found else None


def is_required() -> bool:
    """True if a missing server is an error, as in CI, and not a reason to skip tests."""
    return any(os.environ.get(name) for name in ("CI", "COSMOS_SEARCH_REQUIRE_POSTGRES"))


class Postgres:
    """A server that listens on a socket in a directory of its own. Root starts it as another user, as it must."""

    def __init__(self, programs: Path, prefix: tuple[str, ...] = ()) -> None:
        """prefix: a command that runs the server's commands, for example in a name space."""
        self._programs = programs
        self._prefix = prefix
        self._numbers = count()
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self.folder.chmod(0o755)
        if os.geteuid() == 0:
            user = self.find_user()
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._prefix += ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
        data = self.folder / "data"
        self._run("initdb", "-D", data, "-U", "cosmos", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self._run_any("sh", "-c", f"printf '{RULES}' > {data}/pg_hba.conf")

    @staticmethod
    def find_user() -> pwd.struct_passwd:
        """The user as whom root starts servers."""
        return next(user for user in pwd.getpwall() if user.pw_name in ("postgres", "nobody"))

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        settings = [f"-c {name}" for name in (*FAST, "listen_addresses=", f"unix_socket_directories={self.folder}")]
        log = self.folder / "log"
        self._run("pg_ctl", "-D", self.folder / "data", "-l", log, "-w", "-o", " ".join(settings), "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server. mode: of pg_ctl; "fast" ends all connections, "immediate" is like a crash."""
        self._run("pg_ctl", "-D", self.folder / "data", "-m", mode, "-w", "stop")

    def close(self) -> None:
        """Stop the server and delete its files."""
        self.stop()
        self._run_any("rm", "-r", self.folder)

    def url(self, database: str = "postgres", user: str = "cosmos", **parameters: str) -> str:
        """The URL of a database."""
        query = "".join(f"&{name}={quote(value, safe='')}" for name, value in parameters.items())
        return f"postgresql://{user}@/{database}?host={quote(str(self.folder), safe='')}{query}"

    def new_url(self, user: str = "cosmos") -> str:
        """The URL of a new, empty schema, for an index of its own."""
        schema = f"index{next(self._numbers)}"
        self.execute(f"CREATE SCHEMA {schema}", f"GRANT ALL ON SCHEMA {schema} TO PUBLIC")
        return self.url(user=user, options=f"-csearch_path={schema}")

    def execute(self, *statements: str, place: str | None = None) -> list[tuple]:
        """The rows of the last statement, run at `place`, by default in the database "postgres"."""
        with psycopg.connect(place or self.url(), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: object) -> None:
        self._run_any(self._programs / program, *arguments)

    def _run_any(self, *command: object) -> None:
        words = [*self._prefix, *map(str, command)]
        with tempfile.TemporaryFile() as output:  # not a pipe, which the server would keep open
            done = subprocess.run(words, stdout=output, stderr=output, cwd="/", check=False)
            output.seek(0)
            assert done.returncode == 0, output.read().decode()
