# bash completion for undermoonctl.
#
# From its tables by "make manual": do not edit.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

_undermoonctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local word words=() options next=''

    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $next$word in
        --broker | --token | --user | --password | --timeout | --nodes | --wait-timeout | --host | --index | --coordinator | --stall) next='-' ;;
        : | = | -: | -=) next='-' ;;
        -*) next='' ;;
        *) words+=("$word") ;;
        esac
    done
    [ "${words[0]}" = help ] && words=("${words[@]:1}")

    # A value: files would be no help.
    case $prev in
        --broker | --token | --user | --password | --timeout | --nodes | --wait-timeout | --host | --index | --coordinator | --stall | : | =) return ;;
    esac

    case $cur in
    -*)
        options='--broker --token --user --password --timeout --json --no-colour --help'
        case ${words[*]} in
        'cluster create'*) options+=' --nodes --wait --wait-timeout' ;;
        'cluster scale'*) options+=' --wait --wait-timeout --no-wait' ;;
        'cluster delete'*) options+=' --yes' ;;
        'cluster migrations'*) options+=' --cancel --watch' ;;
        'proxy add'*) options+=' --host --index' ;;
        'failover'*) options+=' --yes' ;;
        'doctor'*) options+=' --coordinator --stall' ;;
        esac
        next=$options ;;
    *)
        case ${words[*]} in
        '') next='cluster proxy failover doctor epoch version help' ;;
        cluster) next='create list show scale delete config balance migrations' ;;
        proxy) next='add list show remove' ;;
        epoch) next='recover' ;;
        *) return ;;
        esac ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$next" -- "$cur")
}
complete -F _undermoonctl undermoonctl
