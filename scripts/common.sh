# Sourced by the other scripts: where things are, and a few words they share.
# shellcheck shell=bash disable=SC2034 # the variables are for the scripts that source this
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$root/.venv
python=$venv/bin/python
lock=$root/requirements.lock

say() { printf '%s\n' "kit: $*" >&2; }

fail() {
    printf '%s\n' "kit: $1" >&2
    [[ $# -lt 2 ]] || printf '%s\n' "  next: $2" >&2
    exit 1
}

# The first Python on the PATH that is new enough. A name may exist and still not run.
find_python() {
    local name
    for name in python3 python3.13 python3.12 python3.11 python; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail "no Python 3.11 or newer is on the PATH" \
        "install one, such as 'apt install python3 python3-venv', and start again"
}

need_compiler() {
    command -v "${CXX:-c++}" >/dev/null || fail "llama.cpp has to be compiled, and there is no C++ compiler" \
        "install one, such as 'apt install g++' or 'dnf install gcc-c++', and start again"
}

# Hold file descriptor $1 alone until this script ends, and tell who waits that it does.
alone() {
    "$2" - "$1" "$3" <<'PYTHON'
import fcntl
import sys

descriptor, what = int(sys.argv[1]), sys.argv[2]
try:
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    print(f"kit: waiting for another start of {what}", file=sys.stderr)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
PYTHON
}
