#!/bin/sh
# Make a virtual environment at $1 with the newest Python (3.11 or later) of this machine.
# On Debian and Ubuntu the missing packages are installed when we are root; otherwise the
# one command that installs them is printed.
set -eu
target=$1

find_python() {
    for name in "${PYTHON:-}" python3.14 python3.13 python3.12 python3.11 python3 python; do
        [ -n "$name" ] || continue
        path=$(command -v "$name" 2>/dev/null) || continue
        if "$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$path"
            return 0
        fi
    done
    return 1
}

apt_install() {
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "Install Python 3.11 or later with its venv module, then run make again." >&2
        exit 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        echo "Missing: $*. Run this, then make again:" >&2
        echo "    sudo apt-get install -y $*" >&2
        exit 1
    fi
    echo "Installing $*" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2 </dev/null
    apt-get install -y -qq "$@" >/dev/null </dev/null
}

if ! python=$(find_python); then
    apt_install python3 python3-venv
    if ! python=$(find_python); then
        echo "This system's Python is older than 3.11. Install a newer one and name it:" >&2
        echo "    make install PYTHON=/path/to/python3.11" >&2
        exit 1
    fi
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    apt_install "python$version-venv"
fi
"$python" -m venv "$target"
