"""JupyterHub for a class on one machine: system users, one warm cache for all that nobody but root writes to, and over
it an overlay of each user's own. (In a cluster the image is that cache and a container's layer the overlay: values.yaml.)

Root sets up once, `odslab setup -lab` and `odslab install`, with

    ODSLAB_CACHE=$ODSLAB_SHARED/cache GOCACHE=$ODSLAB_SHARED/build GOMODCACHE=$ODSLAB_SHARED/modules
    JUPYTER_DATA_DIR=$ODSLAB_SHARED/jupyter

and `chmod -R a+rX $ODSLAB_SHARED`; the clone and Go must be readable by all too. Then, as root, `jupyterhub -f` this file.
"""

import os
import pwd
import subprocess
from pathlib import Path

shared = Path(os.environ.get("ODSLAB_SHARED", "/opt/odslab"))
private = Path(os.environ.get("ODSLAB_PRIVATE", "/var/lib/odslab-hub"))
# Folders that a kernel writes to, by part: the user owns them in the overlay, and what lies in them below stays root's.
written = {"cache": ["", "programs", "work", "clones/*", "clones/*/*"], "build": ["", "*"]}


def mounted(path):
    return any(line.split()[1] == str(path) for line in open("/proc/mounts"))


def overlay(spawner):
    """Mounts the user's view of the cache, and writes the kernelspec that names it."""
    user = pwd.getpwnam(spawner.user.name)
    home = private / user.pw_name
    for part, patterns in written.items():
        lower, upper, work, view = shared / part, home / part / "upper", home / part / "work", home / part / "view"
        for folder in (upper, work, view):
            folder.mkdir(parents=True, exist_ok=True)
        if mounted(view):
            continue
        for found in (f for p in patterns for f in ([lower] if p == "" else lower.glob(p)) if f.is_dir()):
            mine = upper / found.relative_to(lower)
            mine.mkdir(parents=True, exist_ok=True)
            os.chown(mine, user.pw_uid, user.pw_gid)
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", view], check=True)
    spec = home / "jupyter" / "kernels" / "odslab"
    spec.mkdir(parents=True, exist_ok=True)
    text = (shared / "jupyter" / "kernels" / "odslab" / "kernel.json").read_text()
    (spec / "kernel.json").write_text(text.replace(str(shared / "cache"), str(home / "cache" / "view")))
    spawner.environment.update({
        "JUPYTER_PATH": f"{home / 'jupyter'}:{shared / 'jupyter'}",
        "ODSLAB_CACHE": str(home / "cache" / "view"),
        "GOCACHE": str(home / "build" / "view"),
        "GOMODCACHE": os.environ.get("GOMODCACHE", str(shared / "modules")),  # where it was at set-up: Go hashes the path
        "GOFLAGS": "-buildvcs=false",
        "GOTOOLCHAIN": "local",
        "PATH": os.environ["PATH"],
    })


c = get_config()  # noqa: F821
c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
c.Spawner.pre_spawn_hook = overlay
c.Spawner.notebook_dir = "~"
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 60
# A kernel that nobody has used for an hour ends, and a server without kernels after two.
c.Spawner.args = ["--MappingKernelManager.cull_idle_timeout=3600", "--MappingKernelManager.cull_interval=300",
                  "--ServerApp.shutdown_no_activity_timeout=7200"]
