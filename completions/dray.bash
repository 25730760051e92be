# bash completion for dray; the bash of macOS (3.2) has no mapfile
# shellcheck disable=SC2207

_dray() {
    # _init_completion, where bash-completion is installed, sets all four.
    # shellcheck disable=SC2034
    local cur prev words cword
    if declare -F _init_completion >/dev/null; then
        _init_completion -n =: || return
    else
        cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} cword=$COMP_CWORD
    fi

    if [ "$cword" -eq 1 ]; then
        COMPREPLY=($(compgen -W 'download --help --version' -- "$cur"))
        return
    fi
    case $prev in
    -d | --dest | --cache-dir)
        COMPREPLY=($(compgen -d -- "$cur"))
        return
        ;;
    -r | --requirement | -c | --constraint | -f | --find-links | --cert | --client-cert | --report | --trace | --python)
        COMPREPLY=($(compgen -f -- "$cur"))
        return
        ;;
    --progress)
        COMPREPLY=($(compgen -W 'auto on off json' -- "$cur"))
        return
        ;;
    --only-binary | --no-binary)
        COMPREPLY=($(compgen -W ':all: :none:' -- "$cur"))
        return
        ;;
    -i | --index-url | --extra-index-url | --target | --platform | --python-version | --implementation | --abi | \
        --trusted-host | --timeout | --retries | --connections)
        return
        ;;
    esac
    case $cur in
    -*)
        COMPREPLY=($(compgen -W '-r --requirement -c --constraint --no-deps -i --index-url
            --extra-index-url --no-index -f --find-links --only-binary --no-binary --prefer-binary --pre
            --require-hashes --no-require-hashes --python --target --platform --python-version
            --implementation --abi -d --dest --cache-dir --no-cache-dir --trusted-host --cert --client-cert
            --timeout --retries --connections --dry-run --report --trace --progress -q --quiet -v --verbose
            -h --help -V --version' -- "$cur"))
        ;;
    *)
        COMPREPLY=($(compgen -f -- "$cur"))
        ;;
    esac
}
complete -F _dray dray
