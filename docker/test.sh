#!/usr/bin/env bash
# Builds the images from the Dockerfiles as they are, on a base made here, and checks what is in them.
#
#   docker/test.sh            # as root on Debian or Ubuntu, about half an hour: builds, doctor, notebooks, JupyterLab
#   docker/test.sh cuda       # and the CUDA image, up to the libraries that its plugin finds
#   docker/test.sh short      # no build: the Dockerfiles' own syntax and what they name, in seconds
#
# Everything lies below $ODSLAB_IMAGES (default: a temporary folder, gone at the end); a second run with the same folder
# builds only what has changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mode=${1:-}

if [ "$mode" = short ]; then
  echo '== what the Dockerfiles copy and pin is there'
  for f in docker/Dockerfile docker/Dockerfile.cuda docker/hub/Dockerfile; do
    grep -q '^FROM \${' "$f" || { echo "$f: its base is no argument"; exit 1; }
    ! grep -nE '^(USER (0|root))' "$f" | tail -n 1 | grep . || { [ "$(grep -E '^USER' "$f" | tail -n 1)" = 'USER 1000:0' ] || { echo "$f ends as root"; exit 1; }; }
  done
  grep -q "golang:$(sed -n 's/^go \([0-9]*\.[0-9]*\).*/\1/p' go.mod)-" docker/Dockerfile || { echo 'docker/Dockerfile: another Go than go.mod asks for'; exit 1; }
  # .dockerignore names what an image needs: all packages must build from that alone.
  copy=$(mktemp -d)
  trap 'rm -rf "$copy"' EXIT
  sed -n 's/^!//p' .dockerignore | xargs tar c --exclude='*_test.go' --exclude=testdata --exclude=out --exclude=html --exclude=figures | tar x -C "$copy"
  (cd "$copy" && go vet -printf=false ./kernel >/dev/null && go list -e -f '{{with .Error}}{{.}}{{end}}' ./... | { ! grep .; })
  echo 'ok'
  exit 0
fi

skip() { echo "image test skipped: $1"; exit 0; }
[ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ] || skip 'it needs root'
missing=()
for tool in buildah mmdebstrap runc; do command -v $tool >/dev/null || missing+=($tool); done
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || skip "no ${missing[*]}, and no apt-get"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || skip "${missing[*]} cannot be installed"
fi

images=${ODSLAB_IMAGES:-}
own=
if [ -z "$images" ]; then images=$(mktemp -d /tmp/odslab-images.XXXXXX) own=1; fi
mkdir -p "$images"
store=(--storage-driver overlay --root "$images/storage" --runroot "$images/run")
container=
lab=
end() {
  status=$?
  [ -z "$lab" ] || kill "$lab" 2>/dev/null || true
  [ -z "$container" ] || buildah "${store[@]}" rm "$container" >/dev/null 2>&1 || true
  if [ -n "$own" ]; then
    buildah "${store[@]}" rm --all >/dev/null 2>&1 || true
    buildah "${store[@]}" rmi --all --force >/dev/null 2>&1 || true
    umount "$images/storage/overlay" 2>/dev/null || true
    rm -rf "$images"
  fi
  exit $status
}
trap end EXIT
trap 'exit 130' INT TERM

debian=docker.io/library/debian:bookworm-slim golang=docker.io/library/golang:1.26-bookworm
have() { buildah "${store[@]}" inspect --type image "$1" >/dev/null 2>&1; }
if ! have $debian; then
  echo '== a plain Debian base'
  mkdir -p "$images/base"
  sources=/etc/apt/sources.list.d/debian.sources # this machine's mirror
  [ -e $sources ] || sources=/etc/apt/sources.list
  mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$images/base/rootfs.tar" "$sources"
  printf 'FROM scratch\nADD rootfs.tar /\n' >"$images/base/Dockerfile"
  buildah "${store[@]}" bud -q --isolation chroot -t $debian "$images/base"
  rm -rf "$images/base"
fi
if ! have $golang; then
  printf 'FROM %s\nCOPY . /usr/local/go\n' $debian >"$images/go.Dockerfile"
  buildah "${store[@]}" bud -q --pull-never --isolation chroot -t $golang -f "$images/go.Dockerfile" "$(go env GOROOT)"
fi

# The certificates and pip's settings of this machine, for downloads through its mirrors.
mounts=(-v /etc/ssl/certs:/etc/ssl/certs:ro)
[ ! -e /etc/pip.conf ] || mounts+=(-v /etc/pip.conf:/etc/pip.conf:ro)
echo '== the CPU image'
buildah "${store[@]}" bud --pull-never --isolation chroot --layers "${mounts[@]}" -t odslab -f docker/Dockerfile . >"$images/build.log" 2>&1 || { tail -n 20 "$images/build.log"; exit 1; }

# Commands run by runc as the image's own user, without a network.
container=$(buildah "${store[@]}" from --pull-never localhost/odslab)
inside() { buildah "${store[@]}" run --isolation oci --runtime runc --network none "${as[@]}" "$container" -- "$@"; }
as=()
inside true 2>/dev/null || skip "runc starts no container here: $(inside true 2>&1 | tail -n 1)"

echo '== doctor'
inside sh -c 'id -u; test ! -w /etc'
inside odslab doctor | tee "$images/doctor"
# What is optional may be missing: the full data sets, and the browser of tests.
if grep -vE '^ ' "$images/doctor" | grep -v ' ok ' | grep -vE '^(data|chromium) +missing'; then echo 'doctor finds fault'; exit 1; fi

echo '== notebooks, as the image'\''s user, and as one that it does not know and that has no home'
inside odslab run -out /tmp/out notebooks/01-first-posterior.ipynb
inside rm -rf notebooks/figures # they are that user's
as=(--user 4321:0 --env HOME=/nowhere)
inside odslab run -out /tmp/other notebooks/02-noise-and-denoising.ipynb
inside rm -rf notebooks/figures
as=()

echo '== JupyterLab: a port that is taken, a kernel, its first cells'
cp docker/first_cell.py "$(buildah "${store[@]}" mount "$container")/tmp/first_cell.py"
as=(--env "ODSLAB_GATES=${ODSLAB_GATES:-}")
inside /opt/odslab/cache/python/bin/python /tmp/first_cell.py
as=()

echo '== sizes, MB'
root=$(buildah "${store[@]}" mount "$container")
sizes() { for part in "$@"; do printf '%6d  /%s\n' "$(du -xsm "$root/$part" | cut -f1)" "$part"; done; }
sizes usr/local/go usr/lib usr/bin usr/share opt/odslab/modules opt/odslab/build opt/odslab/cache/python opt/odslab/cache/plugin \
  opt/odslab/cache/programs opt/odslab/cache/clones opt/odslab/source
buildah "${store[@]}" rm "$container" >/dev/null
container=
measure() { # image limit-on-disk limit-compressed
  local disk packed
  disk=$(buildah "${store[@]}" inspect --type image --format '{{.FromImageID}}' "localhost/$1" >/dev/null && buildah "${store[@]}" images --json "localhost/$1" | python3 -c '
import json, re, sys
number, unit = re.match(r"([\d.]+) (\w+)", json.load(sys.stdin)[0]["size"]).groups()
print(round(float(number) * {"MB": 1, "GB": 1000}[unit]))')
  rm -rf "$images/oci"
  buildah "${store[@]}" push -q "localhost/$1" "oci:$images/oci:$1"
  packed=$(($(du -sk "$images/oci" | cut -f1) * 1024 / 1000000))
  rm -rf "$images/oci"
  echo "$1: $disk MB on disk, $packed MB compressed"
  [ "$disk" -le "$2" ] && [ "$packed" -le "$3" ] || { echo "more than $2 and $3"; exit 1; }
}
measure odslab 1800 800

if [ "$mode" = cuda ]; then
  echo '== the CUDA image'
  buildah "${store[@]}" bud --pull-never --isolation chroot --layers "${mounts[@]}" --build-arg ODSLAB=localhost/odslab -t odslab-cuda -f docker/Dockerfile.cuda . >"$images/cuda.log" 2>&1 || { tail -n 20 "$images/cuda.log"; exit 1; }
  container=$(buildah "${store[@]}" from --pull-never localhost/odslab-cuda)
  # All that the plugin links is there; the driver's own library comes with the machine.
  inside sh -c 'ldd "$ODSLAB_PLUGIN"' | tee "$images/ldd" | grep -E 'cuda|nccl|cudnn|cu[a-z]+\.so' || true
  if grep 'not found' "$images/ldd" | grep -v 'libcuda.so'; then echo 'the plugin lacks libraries'; exit 1; fi
  inside odslab doctor | grep -E '^(plugin|engine|resident)'
  buildah "${store[@]}" rm "$container" >/dev/null
  container=
  measure odslab-cuda 9000 6000
fi
echo 'all passed'
