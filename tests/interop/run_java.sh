#!/usr/bin/env bash
# Becomes one Apache Dubbo program that build.sh has built (so the process id is that of the JVM).
#   run_java.sh provider|consumer 2.7|3 [program arguments]
set -euo pipefail

usage() {
  echo "usage: $0 provider|consumer 2.7|3 [arguments of the program]" >&2
  exit 2
}

[[ $# -ge 2 ]] || usage
case $1 in
  provider) main=rpctee.interop.Provider ;;
  consumer) main=rpctee.interop.Consumer ;;
  *) usage ;;
esac
case $2 in
  2.7) module=dubbo27 ;;
  3) module=dubbo3 ;;
  *) usage ;;
esac
shift 2

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
built=${INTEROP_BUILD:-$here/../../build/interop}/$module
[[ -d $built/classes && -d $built/lib ]] || { echo "$built is not built: run $here/build.sh" >&2; exit 77; }

# Short-lived programs on two shared cores: the quick compiler, one collector thread, a small heap.
# The opened packages are those that Dubbo's proxies and serializations reach by reflection.
exec java -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData -Xshare:auto \
  --add-opens java.base/java.lang=ALL-UNNAMED --add-opens java.base/java.util=ALL-UNNAMED \
  --add-opens java.base/java.math=ALL-UNNAMED --add-opens java.base/java.time=ALL-UNNAMED \
  --add-opens java.base/java.text=ALL-UNNAMED --add-opens java.base/java.util.concurrent=ALL-UNNAMED \
  --add-opens java.base/sun.util.calendar=ALL-UNNAMED --add-opens java.base/java.io=ALL-UNNAMED \
  --add-opens java.base/java.net=ALL-UNNAMED --add-opens java.sql/java.sql=ALL-UNNAMED \
  -Djava.net.preferIPv4Stack="${INTEROP_IPV4_ONLY:-true}" -Djava.awt.headless=true \
  -Ddubbo.application.logger=jdk -Duser.home="$built" \
  -cp "$built/classes:$built/lib/*" "$main" "$@"
