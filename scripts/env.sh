# shellcheck shell=bash
# The environment of every script and tool of this project. Source it from bash:
#
#     . "$(dirname "${BASH_SOURCE[0]}")/env.sh"
#
# Sets ROOT (the project), exports DAYFLY_TOOLS (what scripts/setup builds; override it to
# keep it elsewhere), PATH and the variables below. Prints nothing, installs nothing, may be
# sourced twice, works under `set -euo pipefail`.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

DAYFLY_TOOLS=${DAYFLY_TOOLS:-$ROOT/.tools}
case $DAYFLY_TOOLS in
    /*) ;;
    *) DAYFLY_TOOLS=$PWD/$DAYFLY_TOOLS ;;
esac
export DAYFLY_TOOLS

_dayfly_path_first() {
    case :$PATH: in
        *":$1:"*) ;;
        *) PATH=$1:$PATH ;;
    esac
}
_dayfly_path_first "$ROOT/node_modules/.bin"
_dayfly_path_first "$DAYFLY_TOOLS/bin"

# worker-build downloads its helpers from the internet unless these name them.
export WASM_BINDGEN_BIN=$DAYFLY_TOOLS/bin/wasm-bindgen
export WASM_OPT_BIN=$ROOT/node_modules/.bin/wasm-opt
export ESBUILD_BIN=$ROOT/node_modules/.bin/esbuild

# wrangler and miniflare would otherwise call home at start.
export WRANGLER_SEND_METRICS=false
export CLOUDFLARE_CF_FETCH_ENABLED=false

# Present only where there was no Rust and scripts/setup has fetched one.
[ ! -x "$DAYFLY_TOOLS/rust/bin/rustc" ] || _dayfly_path_first "$DAYFLY_TOOLS/rust/bin"

# Present only where scripts/setup had to take Debian's compiler because rustup could not
# supply the Wasm target. Then everything, native code too, is built with that compiler:
# worker-build and cargo look for `rustc` in PATH, and two compilers cannot share one std.
if [ -x "$DAYFLY_TOOLS/debian/bin/rustc" ]; then
    _dayfly_path_first "$DAYFLY_TOOLS/debian/bin"
    export RUSTC=$DAYFLY_TOOLS/debian/bin/rustc
    export RUSTDOC=$DAYFLY_TOOLS/debian/bin/rustdoc
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$DAYFLY_TOOLS/debian/bin/wasm-ld
fi
export PATH
unset -f _dayfly_path_first

# A browser for the browser tests; a path given by the caller wins. Unset when there is none.
if [ -z "${CHROMIUM:-}" ]; then
    CHROMIUM=$(command -v chromium || command -v chromium-browser ||
        command -v google-chrome-stable || command -v google-chrome || true)
fi
if [ -n "$CHROMIUM" ]; then export CHROMIUM; else unset CHROMIUM; fi

# The folder of Postgres's programs: those in PATH, or the newest where Debian puts them.
postgres_bin() {
    local found
    found=$(command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1)
    [ -x "$found" ] && dirname "$found"
}
