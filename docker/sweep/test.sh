#!/usr/bin/env bash
# A real Slurm on this machine runs docker/sweep/slurm.sh: an array of eight points, of which one fails and is rerun
# alone; then the same grid runs without Slurm and must give the same numbers to the bit.
#
#   docker/sweep/test.sh          # as root, on Debian or Ubuntu; it installs slurm-wlm and munge where they are missing
#   docker/sweep/test.sh short    # four points
#
# Daemons, keys, state and logs live in a temporary folder, and nothing below /etc is changed. Packages that it has
# installed are removed again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
short=${1:-}

skip() { echo "slurm test skipped: $1"; exit 0; }
[ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || skip 'it needs root and apt-get, for slurm-wlm and munge'

work=$(mktemp -d /tmp/odslab-slurm.XXXXXX)
chmod 755 "$work"
added=()
end() {
  status=$?
  [ $status = 0 ] || tail -n 20 "$work"/*.log "$work"/slurm-*.out 2>/dev/null || true
  for name in slurmd slurmctld munged; do
    [ -s "$work/$name.pid" ] && kill "$(cat "$work/$name.pid")" 2>/dev/null || true
  done
  sleep 1
  rm -rf "$work"
  if [ ${#added[@]} -gt 0 ]; then
    DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq "${added[@]}" >/dev/null 2>&1 || true
    rm -rf /etc/munge /var/lib/munge /var/log/munge /etc/slurm /var/lib/slurm /var/log/slurm
    for user in munge slurm; do userdel "$user" 2>/dev/null || true; done
  fi
  exit $status
}
trap end EXIT
trap 'exit 130' INT TERM

if ! command -v slurmctld >/dev/null || ! command -v slurmd >/dev/null || ! command -v munged >/dev/null; then
  before=$(dpkg-query -W -f '${Package}\n' | sort)
  # No daemon of the packages' own: the test starts its own.
  policy=/usr/sbin/policy-rc.d
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && touch "$work/policy"; }
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge; } >"$work/apt.log" 2>&1 && installed=1 || installed=0
  [ -e "$work/policy" ] && rm -f $policy
  mapfile -t added < <(comm -13 <(echo "$before") <(dpkg-query -W -f '${Package}\n' | sort))
  [ $installed = 1 ] || skip "slurm-wlm and munge cannot be installed ($(tail -n 1 "$work/apt.log"))"
fi

echo '== munged, slurmctld, slurmd'
mkdir "$work/munge" "$work/state" "$work/spool"
head -c 128 /dev/urandom >"$work/munge/key"
chmod 400 "$work/munge/key"
chown -R munge: "$work/munge"
runuser -u munge -- munged --key-file="$work/munge/key" --socket="$work/munge/socket" --pid-file="$work/munge/pid" \
  --log-file="$work/munge/log" --seed-file="$work/munge/seed" --num-threads=2
ln -s munge/pid "$work/munged.pid"
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
node=$(hostname -s)
cores=$(nproc)
export SLURM_CONF=$work/slurm.conf
cat >"$SLURM_CONF" <<EOF
ClusterName=odslab
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
NodeName=$node NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
EOF
slurmctld
slurmd || true
for i in $(seq 60); do
  [ "$(sinfo -h -o %T 2>/dev/null)" = idle ] && break
  [ "$i" = 60 ] && skip "Slurm itself does not come up here: $(grep -hE 'error|fatal' "$work/slurmd.log" | tail -n 1)"
  sleep .5
done
sinfo

echo '== an array of which one point fails'
go build -o "$work/odslab" ./kernel
"$work/odslab" setup 2>/dev/null
cp docker/sweep/grid.yaml "$work/grid.yaml"
last=7
[ -z "$short" ] || { printf 'sigma: [.3, .6]\nseed: [1, 2]\n' >"$work/grid.yaml"; last=3; }
python3 - "$work" <<'EOF' # index 2 or 4, sigma=.6 seed=1, fails until the file is there
import json, sys
nb = json.load(open("docker/sweep/evidence.ipynb"))
cell = {"cell_type": "code", "id": "fails", "metadata": {}, "execution_count": None, "outputs": [], "source":
        'if _, err := os.Stat(os.Getenv("ODSLAB_NOTEBOOK") + "/mended"); err != nil && sigma == .6 && seed == 1 {\n\tpanic("not yet")\n}'}
nb["cells"].insert(2, cell)
json.dump(nb, open(sys.argv[1] + "/evidence.ipynb", "w"))
EOF
export ODSLAB=$work/odslab NOTEBOOK=$work/evidence.ipynb GRID=$work/grid.yaml OUT=$work/array ODSLAB_MODULE=$PWD
submit() { (cd "$work" && sbatch --wait --export=ALL --array="$1" "$OLDPWD/docker/sweep/slurm.sh"); }
if submit 0-$last; then echo 'an array with a failed point ended well'; exit 1; fi
failed=$("$work/odslab" collect -failed "$OUT")
echo "failed: $failed"
[ "$failed" = $(((last + 1) / 2)) ] || { echo 'another point failed'; exit 1; }
echo '== the failed one alone'
touch "$work/mended"
stat -c '%n %Y' "$OUT"/0*/point.json | grep -v "/000$failed/" >"$work/before"
submit "$failed"
stat -c '%n %Y' "$OUT"/0*/point.json | grep -v "/000$failed/" | cmp - "$work/before"
"$work/odslab" collect "$OUT"

echo '== the same grid without Slurm'
"$work/odslab" run "$NOTEBOOK" -sweep "$GRID" -out "$work/local" 2>/dev/null
"$work/odslab" collect "$work/local" >/dev/null
python3 - "$work" <<'EOF'
import csv, glob, json, sys
a, b = sys.argv[1] + "/array", sys.argv[1] + "/local"
results = sorted(glob.glob(a + "/0*/smc.json"))
for path in results:
    x, y = json.load(open(path)), json.load(open(path.replace(a, b)))
    x.pop("seconds"), y.pop("seconds")
    assert x == y, path
rows = [[{k: v for k, v in r.items() if k != "seconds"} for r in csv.DictReader(open(d + "/collected/" + name))]
        for name in ("evidence.csv", "results.csv", "tables/table.csv") for d in (a, b)]
assert rows[0::2] == rows[1::2] and len(rows[0]) == 2, rows
print(len(results), "points: samples, weights, tables and log Z are the same to the bit")
EOF
