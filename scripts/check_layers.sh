#!/usr/bin/env bash
# Checks who includes whom against the table of the design.
#
#   check_layers.sh [ROOT]     check the tree (default: this checkout); exit status 1 when something is out of place
#   check_layers.sh --self-test    plant violations in a copy, one after the other, and see that each is found
set -euo pipefail

# folder: what it may include besides itself
readonly TABLE='
bpf/abi             :
bpf                 : bpf/abi
userspace/base      : bpf/abi
userspace/protocol  : base bpf/abi
userspace/stream    : base protocol
userspace/route     : base protocol
userspace/tap       : base route bpf/abi
userspace/mirror    : base protocol route
userspace/control   : base route
userspace/replay    : base
userspace/admin     : base
userspace/agent     : base protocol stream route tap mirror control replay admin bpf/abi
userspace/cli       : base protocol route control agent
'

# The core knows no libbpf, gRPC, sockets, threads or logger. pattern of system headers ; folders
readonly CORE='userspace/protocol userspace/stream userspace/route'
readonly NOT_IN_CORE='^(bpf/|grpc|spdlog/|sys/(socket|epoll|time|ioctl|eventfd)|netinet/|arpa/|linux/|'\
'(thread|mutex|condition_variable|shared_mutex|future|atomic|ctime|time\.h|iostream|fstream)$)'
readonly NO_WALL_CLOCK='system_clock|gettimeofday|CLOCK_REALTIME|[^_a-z]time\((NULL|nullptr|0)\)'

violations=0
complain() {
  echo "$1: $2"
  violations=$((violations + 1))
}

# Sets `target` to the folder of the table that an include names; empty for what is not ours.
target=
find_target() {
  target=
  case "$1" in
    bpf/abi/*) target=bpf/abi ;;
    bpf/bpf.h | bpf/bpf_* | bpf/libbpf* | bpf/btf.h) ;;  # libbpf's own
    bpf/*) target=bpf ;;
    */*) if [[ "$TABLE" == *"userspace/${1%%/*} "* ]]; then target=${1%%/*}; fi ;;
  esac
}

# check_include FOLDER ALLOWED FILE:LINE HEADER
check_include() {
  local folder=$1 allowed=$2 where=$3 header=$4
  find_target "$header"
  if [[ -n "$target" && "$target" != "${folder#userspace/}" && " $allowed " != *" $target "* ]]; then
    complain "$where" "$folder may not include $header (it may include: ${allowed:-nothing of ours})"
  fi
  if [[ "$folder" == userspace/base && "$header" == bpf/abi/* && "$header" != bpf/abi/@(reasons|latency).h ]]; then
    complain "$where" "base may include bpf/abi/reasons.h and bpf/abi/latency.h only, not $header"
  fi
  if [[ "$folder" == userspace/protocol && "$header" == bpf/abi/* && "$header" != bpf/abi/recognise.h ]]; then
    complain "$where" "protocol may include bpf/abi/recognise.h only, not $header"
  fi
  if [[ "$header" == *.skel.h && "$folder" != userspace/tap ]]; then
    complain "$where" "only tap includes the skeleton"
  fi
  if [[ "$header" == *.pb.h && "$folder" != userspace/control ]]; then
    complain "$where" "only control includes generated protobuf headers"
  fi
  if [[ " $CORE " == *" $folder "* && "$header" =~ $NOT_IN_CORE && "$header" != bpf/abi/recognise.h ]]; then
    complain "$where" "$folder is part of the core, which does without <$header>"
  fi
}

sources_of() {
  local depth=()
  [[ "$1" == bpf ]] && depth=(-maxdepth 1)
  find "$1" "${depth[@]}" -type f \( -name '*.h' -o -name '*.cc' -o -name '*.c' \) | sort
}

check_tree() {
  local folder allowed line file number header
  cd "$1"
  while IFS=: read -r folder allowed; do
    folder=${folder// /}
    allowed=$(xargs <<< "$allowed")
    [[ -n "$folder" && -d "$folder" ]] || continue
    while IFS=: read -r file number line; do
      [[ "$line" =~ [\<\"]([^\>\"]+)[\>\"] ]] || continue
      header=${BASH_REMATCH[1]}
      check_include "$folder" "$allowed" "$file:$number" "$header"
    done < <(sources_of "$folder" | xargs -r grep -HnE '^[[:space:]]*#[[:space:]]*include' || true)
    if [[ " $CORE " == *" $folder "* ]]; then
      while IFS= read -r line; do
        complain "$line" "the core does not read the wall clock"
      done < <(sources_of "$folder" | xargs -r grep -HnE "$NO_WALL_CLOCK" || true)
    fi
  done <<< "$TABLE"
  for folder in userspace/*/; do
    [[ "$TABLE" == *"${folder%/} "* ]] || complain "${folder%/}" "is not in the table of scripts/check_layers.sh"
  done
}

# plant NAME FILE TEXT [PLACE]: a copy of the tree with TEXT at the end of FILE must be refused, for PLACE (or FILE).
plant() {
  local copy
  copy=$(mktemp -d)
  cp -r "$ROOT/bpf" "$ROOT/userspace" "$copy/"
  mkdir -p "$(dirname "$copy/$2")"
  echo "$3" >> "$copy/$2"
  if "$0" "$copy" > "$copy/out"; then
    echo "FAIL layers: $1 was not noticed"
    violations=$((violations + 1))
  elif ! grep -q "^${4:-$2}" "$copy/out"; then
    echo "FAIL layers: $1 was refused, but not for $2"
    violations=$((violations + 1))
  else
    echo "PASS layers: $1 is noticed"
  fi
  rm -rf "$copy"
}

self_test() {
  plant "an edge that includes another edge" userspace/tap/tap.cc '#include "mirror/mirror.h"'
  plant "base above its layer" userspace/base/result.cc '#include "route/share.h"'
  plant "base with the whole ABI" userspace/base/ledger.cc '#include "bpf/abi/abi.h"'
  plant "a protocol with the whole ABI" userspace/protocol/codec.cc '#include "bpf/abi/abi.h"'
  plant "recognition taken past protocol" userspace/stream/assembler.cc '#include "bpf/abi/recognise.h"'
  plant "a skeleton outside tap" userspace/agent/agent.cc '#include "rpctee_tap.skel.h"'
  plant "protobuf outside control" userspace/route/snapshot.cc '#include "envoy/config/route/v3/route.pb.h"'
  plant "a logger in the core" userspace/stream/assembler.cc '#include <spdlog/spdlog.h>'
  plant "a thread in the core" userspace/protocol/codec.cc '#include <thread>'
  plant "the wall clock in the core" userspace/route/matcher.cc 'auto now = std::chrono::system_clock::now();'
  plant "an ABI that is not alone" bpf/abi/abi.h '#include "bpf/flow.h"'
  plant "a folder that is not in the table" userspace/novel/a.cc '' userspace/novel
}

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly ROOT
if [[ "${1:-}" == --self-test ]]; then
  self_test
else
  check_tree "${1:-$ROOT}"
fi
exit $((violations > 0))
