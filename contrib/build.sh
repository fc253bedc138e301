# build.sh -- build the tree beside itself, in build/NAME.
#
# Sourced by quickstart and run-tests.  Sets build_dir.
#
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

# build_tree TOP NAME LOG configure-arguments...
build_tree() {
    local top=$1 log=$3
    build_dir=$1/build/$2
    shift 3

    if [ -e "$top/config.status" ]; then
        echo "$top is configured in place: run make distclean first." >&2
        return 1
    fi

    mkdir -p "$build_dir" || return 1
    {
        if [ ! -e "$top/configure" ] ||
            [ "$top/configure.ac" -nt "$top/configure" ]; then
            (cd "$top" && autoreconf -fi) || return 1
        fi

        if [ ! -e "$build_dir/config.status" ] ||
            [ "$(cat "$build_dir/.configured" 2>/dev/null)" != "$*" ]; then
            (cd "$build_dir" && "$top/configure" "$@") || return 1
            echo "$*" >"$build_dir/.configured"
        fi

        make -C "$build_dir" -j"$(nproc)" all
    } >"$log" 2>&1
}
