#!/usr/bin/env bash
# A real JupyterHub on this machine, from PyPI with its proxy from npm: three system users, each with a server and a kernel of
# their own, run the first cells of notebook 01 at once, over one cache that they cannot write to.
#
#   docker/hub/test.sh          # as root
#   docker/hub/test.sh short    # one cell each
#
# Users, mounts, packages and files go again at the end; mounts are in a name space of the test's own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

skip() { echo "hub test skipped: $1"; exit 0; }
[ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ] || skip 'it needs root, for system users and mounts'
for tool in useradd runuser unshare npm node python3 go; do command -v $tool >/dev/null || skip "no $tool"; done
if [ -z "${ODSLAB_HUB_INSIDE:-}" ]; then
  unshare -m true 2>/dev/null || skip 'no mount name space may be made here'
  ODSLAB_HUB_INSIDE=1 exec unshare -m "${BASH_SOURCE[0]}" "$@"
fi
mount --make-rprivate /

work=$(mktemp -d /tmp/odslab-hub.XXXXXX)
chmod 755 "$work"
users=(odslab-hub-1 odslab-hub-2 odslab-hub-3)
hub=
end() {
  status=$?
  [ $status = 0 ] || tail -n 30 "$work/hub.log" 2>/dev/null || true
  [ -z "$hub" ] || { kill "$hub" 2>/dev/null || true; wait "$hub" 2>/dev/null || true; }
  for user in "${users[@]}"; do
    pids=$(ps -o pid= -u "$user" 2>/dev/null || true)
    [ -z "$pids" ] || kill -9 $pids 2>/dev/null || true
    for part in cache build; do umount "$work/private/$user/$part/view" 2>/dev/null || true; done
    userdel "$user" 2>/dev/null || true
  done
  umount "$work/shared/build" 2>/dev/null || true
  if [ -n "$(grep " $work/" /proc/mounts || true)" ]; then echo "left mounted below $work"; exit 1; fi
  rm -rf "$work"
  exit $status
}
trap end EXIT
trap 'exit 130' INT TERM

mkdir -p "$work/trial/lower" "$work/trial/upper" "$work/trial/work" "$work/trial/view"
mount -t overlay overlay -o "lowerdir=$work/trial/lower,upperdir=$work/trial/upper,workdir=$work/trial/work" "$work/trial/view" 2>/dev/null || skip 'no overlay may be mounted here'
umount "$work/trial/view"

echo '== JupyterHub and its proxy'
python3 -m venv "$work/env"
"$work/env/bin/pip" install --quiet --disable-pip-version-check jupyterhub==6.1.1 jupyter_server==2.21.1 >"$work/pip.log" 2>&1 || skip "JupyterHub cannot be installed ($(tail -n 1 "$work/pip.log"))"
npm install --silent --no-audit --no-fund --prefix "$work/npm" configurable-http-proxy@5.3.0 >"$work/npm.log" 2>&1 || skip "its proxy cannot be installed ($(tail -n 1 "$work/npm.log"))"

echo '== one warm cache'
go run ./kernel setup
cache=${ODSLAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/odslab}
gocache=$(go env GOCACHE) modules=$(go env GOMODCACHE) clone=$PWD
# Other users must come through to what lies in root's own folders: within this name space they do.
for path in "$clone" "$cache" "$gocache" "$modules" "$(go env GOROOT)"; do
  for ((dir = 1; dir; dir++)); do
    top=$(cut -d/ -f1-$((dir + 1)) <<<"$path")
    [ -d "$top" ] || break
    if [ "$(stat -c %A "$top" | cut -c10)" = - ]; then
      mkdir -p "$work/open$top" "$work/open-work$top"
      chmod 755 "$work/open$top"
      mount -t overlay overlay -o "lowerdir=$top,upperdir=$work/open$top,workdir=$work/open-work$top" "$top" || skip "$top cannot be opened to others"
    fi
    [ "$top" = "$path" ] && break
  done
done
cd "$clone"
shared=$work/shared
home=$(ODSLAB_CACHE=$cache go run ./kernel doctor | sed -n 's/^tools .* in \(.*\)\/bin$/\1/p')
mkdir -p "$shared/cache/clones" "$shared/cache/work" "$shared/build"
cp -a "$cache/plugin" "$cache/programs" "$shared/cache/"
mkdir "$shared/cache/clones/${home##*/}"
for part in bin clone module resident seam stamps; do cp -a "$home/$part" "$shared/cache/clones/${home##*/}/"; done
mkdir "$shared/cache/clones/${home##*/}/cells"
mount --bind "$gocache" "$shared/build"
ODSLAB_CACHE=$shared/cache JUPYTER_DATA_DIR=$shared/jupyter go run ./kernel install >/dev/null
chmod -R a+rX "$shared/cache" "$shared/jupyter"

echo '== three users'
for user in "${users[@]}"; do useradd --create-home --home-dir "$work/home/$user" --shell /bin/bash "$user"; done
chmod 755 "$work/home"
find "$shared/cache" -printf '%p %s %T@ %m %u\n' | sort >"$work/before"
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port) hub_port=$(free_port) api_port=$(free_port)
token=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
cat >"$work/config.py" <<EOF
exec(open("$clone/docker/hub/jupyterhub_config.py").read())
c.JupyterHub.bind_url = "http://127.0.0.1:$port"
c.JupyterHub.hub_port = $hub_port
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:$api_port"
c.ConfigurableHTTPProxy.command = ["$work/npm/node_modules/.bin/configurable-http-proxy"]
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.services = [{"name": "test", "api_token": "$token"}]
c.JupyterHub.load_roles = [{"name": "test", "services": ["test"], "scopes": ["admin:users", "admin:servers", "access:servers"]}]
c.Spawner.cmd = ["$work/env/bin/jupyterhub-singleuser"]
c.Spawner.environment = {"JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp"}
EOF
mkdir "$work/hub"
(cd "$work/hub" && PATH="$work/env/bin:$PATH" ODSLAB_SHARED=$shared GOMODCACHE=$modules ODSLAB_PRIVATE=$work/private exec jupyterhub -f "$work/config.py") >"$work/hub.log" 2>&1 &
hub=$!
"$work/env/bin/python" docker/hub/class.py "http://127.0.0.1:$port" "$token" "${1:-}" "${users[@]}"

echo '== what is shared is as it was'
for user in "${users[@]}"; do
  for path in "$shared"/{cache,cache/programs,cache/plugin,cache/clones/*/bin,build} "$modules"; do
    if runuser -u "$user" -- touch "$path/of-$user" 2>/dev/null; then echo "$user can write to $path"; exit 1; fi
  done
done
find "$shared/cache" -printf '%p %s %T@ %m %u\n' | sort | cmp - "$work/before"
echo 'nothing of it has changed, and no user can write to it'
