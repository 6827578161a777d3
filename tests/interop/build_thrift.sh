#!/usr/bin/env bash
# Generates and builds the Thrift programs into build/interop/thrift: C++ with Debian's libraries, Python's package, and
# Node's code (its package comes with build_node.sh). Nothing is fetched or compiled when nothing changed.
# Exit status: 0 built, 77 something that this machine lacks (the reason is printed), 1 the build itself failed.
set -euo pipefail

readonly PYTHON_THRIFT=0.24.0

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${INTEROP_BUILD:-$here/../../build/interop}/thrift

for tool in thrift g++ python3; do
  command -v "$tool" >/dev/null || { echo "interop: $tool is missing: run scripts/setup.sh --tests"; exit 77; }
done

mkdir -p "$out"
exec 9>"$out/lock"
flock 9

stamp=$({ cat "${BASH_SOURCE[0]}" "$here"/thrift/*; thrift --version; } | sha256sum)
if [[ -f $out/stamp && $(<"$out/stamp") == "$stamp" ]]; then
  echo "interop: up to date in $out"
  exit 0
fi
rm -rf "$out/stamp" "$out/cpp" "$out/py" "$out/js"
mkdir -p "$out/cpp" "$out/py" "$out/js"
log=$out/build.log

echo "interop: building the Thrift programs (log: $log)"
if ! python3 -m pip install --quiet --disable-pip-version-check --no-input --target "$out/py" \
  "thrift==$PYTHON_THRIFT" >"$log" 2>&1; then
  echo "interop: the Python package thrift cannot be installed: $(grep -m 1 ERROR "$log" || tail -n 1 "$log")"
  exit 77
fi
thrift --gen cpp:no_skeleton -out "$out/cpp" "$here/thrift/demo.thrift"
thrift --gen py -out "$out/py" "$here/thrift/demo.thrift"
thrift --gen js:node,es6 -out "$out/js" "$here/thrift/demo.thrift"
cp "$here/thrift/peer.py" "$out/py"
cp "$here/thrift/peer.js" "$out/js"
if ! g++ -std=c++20 -I"$out/cpp" -o "$out/cpp/peer" "$here/thrift/peer.cc" "$out"/cpp/*.cpp \
  -lthriftnb -lthriftz -lthrift -levent -lz -pthread >>"$log" 2>&1; then
  if grep -q 'thrift/.*No such file\|cannot find -l\|boost/.*No such file' "$log"; then
    echo "interop: Thrift's C++ library is missing: run scripts/setup.sh --tests"
    exit 77
  fi
  echo "interop: the C++ program does not build:"
  grep -m 20 'error' "$log"
  exit 1
fi
echo "$stamp" >"$out/stamp"
echo "interop: built"
