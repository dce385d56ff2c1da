# shellcheck shell=bash
# What the benchmarks share: processes that end with the benchmark, their CPU and memory. Source
# it from bash after naming the benchmark in BENCH:
#
#     BENCH=edge
#     . "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
#
# Sets ROOT and the tools (scripts/env.sh), RESULTS (where results go), WORK (a folder that is
# deleted at the end) and the traps that stop what `start` started. Needs Linux: /proc, setpriv.

# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/env.sh"

exec {STDERR}>&2 # a signal may come where a command's output is redirected
say() { printf 'bench: %s\n' "$*"; }
die() {
    printf 'bench: error: %s\n' "$*" >&"$STDERR"
    exit 1
}

[ -r /proc/self/stat ] || die "/proc is missing; the benchmarks need Linux"
command -v setpriv >/dev/null || die "setpriv is missing; install util-linux"

DAYFLY=${CARGO_TARGET_DIR:-$ROOT/target}/release/dayfly
[ -x "$DAYFLY" ] || die "there is no release build of dayfly; run it through scripts/bench $BENCH"
# The program itself, not npm's launcher: its CPU is what is measured.
# shellcheck disable=SC2034 # for the benchmarks
WORKERD=$(cd "$ROOT" && node -p 'require("workerd").default' 2>/dev/null) ||
    die "workerd is not installed; run scripts/setup bench"

RESULTS=$ROOT/bench/results
mkdir -p "$RESULTS"
WORK=$(mktemp -d "${TMPDIR:-/tmp}/dayfly-bench-$BENCH.XXXXXX")
# shellcheck disable=SC2034 # for the benchmarks
TICKS_PER_S=$(getconf CLK_TCK)

# --- processes ---
STARTED=() # in the order they were started; stopped in the reverse order

stop_all() {
    trap '' INT TERM HUP
    local at pid
    for ((at = ${#STARTED[@]} - 1; at >= 0; at--)); do
        pid=${STARTED[at]}
        kill -TERM "$pid" 2>/dev/null || true
        for _ in {1..100}; do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    STARTED=()
    rm -rf "$WORK"
}
trap stop_all EXIT
trap 'die "broken off"' INT TERM HUP

# start <name> <command…>: its process id is in `pid`, its output in $WORK/<name>.log. It ends
# with this script, even when that is killed.
start() {
    local name=$1
    shift
    setpriv --pdeathsig TERM "$@" >"$WORK/$name.log" 2>&1 &
    pid=$!
    STARTED+=("$pid")
}

# foreground <command…>: waits for it in a way that lets a signal end both.
foreground() {
    local child status=0
    setpriv --pdeathsig TERM "$@" &
    child=$!
    STARTED+=("$child")
    wait "$child" || status=$?
    unset 'STARTED[-1]'
    return "$status"
}

# wait_until_answers <name> <pid> <url>: until it answers 200.
wait_until_answers() {
    local name=$1 pid=$2 url=$3
    for _ in {1..100}; do
        kill -0 "$pid" 2>/dev/null || die "$name did not start: $(last_line "$name")"
        if [ "$(http_status "$url")" = 200 ]; then return; fi
        sleep 0.1
    done
    die "$name does not answer on $url: $(last_line "$name")"
}
last_line() {
    local line
    line=$(tail -n 1 "$WORK/$1.log" 2>/dev/null || true)
    printf '%s' "${line:-it said nothing}"
}

# http_status <url> [method] [body]: the status of the answer, or nothing.
http_status() {
    node -e '
        const [url, method, body] = process.argv.slice(1);
        fetch(url, { method, body, signal: AbortSignal.timeout(5000) })
            .then((answer) => console.log(answer.status), () => {});
    ' "$1" "${2:-GET}" "${@:3:1}"
}

# free_ports <n>: so many ports that nothing listens on.
free_ports() {
    node -e '
        const { createServer } = require("node:net");
        const servers = Array.from({ length: Number(process.argv[1]) }, () =>
            createServer().listen(0, "127.0.0.1"));
        setTimeout(() => {
            console.log(servers.map((server) => server.address().port).join(" "));
            process.exit(0);
        }, 50);
    ' "$1"
}

# --- what they use ---
# cpu_ticks <pid>: user and system time so far, in clock ticks; see proc(5). The name in
# parentheses may hold spaces.
cpu_ticks() {
    local stat fields
    stat=$(</proc/"$1"/stat) 2>/dev/null || die "a process ended in the middle of a run"
    read -ra fields <<<"${stat##*) }"
    echo $((fields[11] + fields[12]))
}
# rss_kb <pid>: resident memory.
rss_kb() { sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$1/status"; }

# whole <variable> <from> <to>: dies unless the variable is a whole number in that range.
whole() {
    local name=$1 value=${!1}
    case $value in '' | *[!0-9]* | ????????*) die "$name is not a number from $2 to $3: $value" ;; esac
    if [ "$value" -lt "$2" ] || [ "$value" -gt "$3" ]; then
        die "$name is not a number from $2 to $3: $value"
    fi
}
