# packages.sh -- what Debian packages there must be, and getting them.
#
# Sourced by quickstart and run-tests.  Root, or sudo, is needed only when
# something is missing; UM_NO_INSTALL=1 never installs.
#
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

UM_PACKAGES_BUILD='build-essential autoconf automake libtool pkg-config
    libevent-dev libhiredis-dev zlib1g-dev libzstd-dev libcjson-dev
    libmicrohttpd-dev check perl'
UM_PACKAGES_RUN='redis-server redis-tools'
UM_PACKAGES_TEST='python3 python3-redis procps prometheus'
# Clients of other languages; tests of those that cannot be had are skipped.
UM_PACKAGES_CLIENTS='nodejs node-redis php-cli php-redis ruby ruby-redis'

packages_missing() {
    local p

    for p; do
        case $(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null) in
        ii*) ;;
        *) echo "$p" ;;
        esac
    done
}

packages_need() {
    local missing as_root=()

    if [ -n "${UM_NO_INSTALL:-}" ]; then
        return 0
    fi

    if ! command -v apt-get >/dev/null; then
        echo "No apt-get here; assuming that what is needed is installed." >&2
        return 0
    fi

    mapfile -t missing < <(packages_missing "$@")
    if [ ${#missing[@]} -eq 0 ]; then
        return 0
    fi

    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "Please install, as root: ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo)
    fi

    echo "Installing: ${missing[*]}"
    "${as_root[@]}" apt-get update -qq &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "${missing[@]}"
}
