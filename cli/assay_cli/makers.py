"""Who made what is asked for, as CI and git know it: the server lets none of them approve it."""

import os
import subprocess

# Where CI systems say whose pipeline it is.
ACTOR_VARIABLES = (
    "GITHUB_ACTOR",
    "GITHUB_TRIGGERING_ACTOR",
    "GITLAB_USER_LOGIN",
    "GITLAB_USER_EMAIL",
    "BUILD_USER_ID",
    "BUILD_REQUESTEDFOREMAIL",
    "CIRCLE_USERNAME",
    "BITBUCKET_STEP_TRIGGERER_UUID",
)


def told(commit: str | None) -> dict[str, list[str]]:
    """Names by role. Git is asked about the commit where this runs in a working copy that has it."""
    actors = [os.environ[name].strip() for name in ACTOR_VARIABLES if os.environ.get(name, "").strip()]
    author, committer = _of_commit(commit) if commit else ("", "")
    found = {"author": [author], "committer": [committer], "ci_actor": actors}
    return {role: list(dict.fromkeys(names)) for role, names in found.items() if any(names)}


def _of_commit(commit: str) -> tuple[str, str]:
    """The addresses of its author and committer, empty when git does not know it."""
    if commit.startswith("-"):
        return "", ""
    try:
        shown = subprocess.run(
            ["git", "show", "--no-patch", "--format=%ae%n%ce", commit],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "", ""
    lines = shown.stdout.splitlines() if shown.returncode == 0 else []
    return (lines[0], lines[1]) if len(lines) == 2 else ("", "")
