"""Start a server, run the demo against it, and keep the server running, or stop it after --check."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from governance import embedded, server  # noqa: E402

START_TIMEOUT_S = 600


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/demo", description="Two models, two verdicts, and the portal.")
    parser.add_argument("--check", action="store_true", help="unattended: print the verdicts as JSON, stop, exit 0")
    parser.add_argument("--reset", action="store_true", help="delete the demo's data and start afresh")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on; the next free one if it is busy")
    options = parser.parse_args()
    if options.check:
        with tempfile.TemporaryDirectory(prefix="assay-demo-") as folder:
            Path(folder).chmod(0o755)
            return run(Path(folder), server.free_port("127.0.0.1", 18_000), is_check=True)
    data_dir = Path(os.environ.get("ASSAY_DATA") or ROOT / "var").resolve()
    if options.reset:
        reset(data_dir)
    return run(data_dir, options.port, is_check=False)


def reset(data_dir: Path) -> None:
    """Delete an installation's data, and nothing that is not one."""
    if not data_dir.exists():
        return
    if not (data_dir / "ASSAY").is_file():
        sys.exit(f"{data_dir} is not the data folder of an Assay installation; not deleting it.")
    try:
        running = json.loads((data_dir / "run" / "server.json").read_text(encoding="utf-8"))
    except OSError:
        running = None
    if running and Path(f"/proc/{running['pid']}").exists():
        sys.exit(f"A server runs on {data_dir}: stop it first ({running['url']}, process {running['pid']}).")
    cluster = embedded.Cluster(data_dir)
    if cluster.files.exists():
        with cluster.running():
            pass  # Whoever leaves last stops the server, also one that a kill left running.
        shutil.rmtree(cluster.files)
    test_data = data_dir / "test"
    for path in data_dir.iterdir():
        if path != test_data:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def run(data_dir: Path, port: int, *, is_check: bool) -> int:
    environment = {**os.environ, "ASSAY_DATA": str(data_dir), "PYTHONPATH": str(ROOT)}
    service = subprocess.Popen(
        [sys.executable, "-m", "governance.server", "--port", str(port), "--data", str(data_dir)],
        cwd=ROOT,
        env=environment,
        stdout=sys.stderr,
        start_new_session=True,
    )
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    try:
        url = await_url(data_dir, service)
        command = [sys.executable, "-m", "demo.run", "--url", url, *(["--json"] if is_check else [])]
        outcome = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        if outcome != 0 or is_check:
            return outcome
        print("Ctrl-C stops the demo; script/server starts it again with its data.", flush=True)
        return service.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        if service.poll() is None:
            service.terminate()
        service.wait()


def await_url(data_dir: Path, service: subprocess.Popen[bytes]) -> str:
    state = data_dir / "run" / "server.json"
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and service.poll() is None:
        try:
            address = json.loads(state.read_text(encoding="utf-8"))
            if address["pid"] == service.pid and server.answers(address["url"]):
                return str(address["url"])
        except (OSError, ValueError):
            pass
        time.sleep(0.1)
    sys.exit(f"The server did not start; see {data_dir / 'logs'}.")


if __name__ == "__main__":
    raise SystemExit(main())
