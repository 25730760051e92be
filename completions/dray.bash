# bash completion for dray; the bash of macOS (3.2) has neither mapfile nor compopt
# shellcheck disable=SC2207

# All options of one command.
_dray_options() {
    local own='-h --help -V --version'
    local files='-r --requirement -c --constraint --trace'
    local all="-i --index-url --extra-index-url --no-index -f --find-links
        --only-binary --no-binary --prefer-binary --pre --require-hashes --no-require-hashes --python --cache-dir
        --cache-size --pip-cache-dir --config --isolated --no-cache-dir --trusted-host --cert --client-cert --no-input --keyring-provider
        --save-credentials --bearer-token --proxy --no-proxy-env --resolver --timeout --retries --connections --connections-per-host
        --limit-rate --no-http2 --index --index-strategy --exclude-newer --offline --on-error --progress -q --quiet -v --verbose $own"
    local fetching='--no-deps --resolution --dry-run --report --stats'
    local choosing='--target --target-file --layout --platform --python-version --implementation --abi'

    case $1 in
    download) echo "$files $all $fetching $choosing -d --dest --link-mode --daemon --socket --priority" ;;
    wheel) echo "$files $all $fetching $choosing -w --wheel-dir --link-mode --daemon --socket --priority" ;;
    daemon) echo "$all --root --socket --state-dir --max-jobs --keep-jobs --stop-timeout --allow-uid --listen --token-file --allow-host --stats" ;;
    submit) echo "--wait --priority --socket --progress -q --quiet -v --verbose $own" ;;
    jobs) echo "--json --socket -q --quiet -v --verbose $own" ;;
    watch) echo "--socket --progress -q --quiet -v --verbose $own" ;;
    cancel) echo "--socket -q --quiet -v --verbose $own" ;;
    install) echo "$files $all $fetching" ;;
    metadata) echo "$files $all $choosing --json --stats" ;;
    lock) echo "$files $all $choosing --no-deps --resolution --stats --format --only-target -o --output" ;;
    run) echo "$all --check --dry-run --stats" ;;
    config) echo "--json $(_dray_options "$(_dray_configured)")" ;;
    cache) echo "--config --isolated --cache-dir --cache-size --max-size --older-than --json $own" ;;
    trace) echo "--svg --json $own" ;;
    esac
}

# "-f": files, "-d": directories, of which names may hold blanks.
_dray_paths() {
    local IFS=$'\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen "$1" -- "$cur"))
}

# Is $1 among the words before the cursor, behind the command?
_dray_has() {
    local i
    for ((i = 2; i < COMP_CWORD; i++)); do
        [ "${COMP_WORDS[i]}" = "$1" ] && return 0
    done
    return 1
}

# The command whose settings `dray config` is asked for.
_dray_configured() {
    case ${COMP_WORDS[2]} in
    download | wheel | install | metadata | lock | daemon) echo "${COMP_WORDS[2]}" ;;
    *) echo download ;;
    esac
}

# What follows an option, which is in $prev; 1 when that takes no value.
_dray_value() {
    case $prev in
    -d | --dest | -w | --wheel-dir | --cache-dir | --pip-cache-dir | --root | --state-dir) _dray_paths -d ;;
    -r | --requirement | -c | --constraint | -f | --find-links | --cert | --client-cert | --report | --trace | --svg | --config | --socket | --token-file | \
        --python) _dray_paths -f ;;
    --keyring-provider) COMPREPLY=($(compgen -W 'auto subprocess import disabled' -- "$cur")) ;;
    --progress) COMPREPLY=($(compgen -W 'auto on off json' -- "$cur")) ;;
    --index-strategy) COMPREPLY=($(compgen -W 'best-match first-index' -- "$cur")) ;;
    --resolution) COMPREPLY=($(compgen -W 'highest lowest lowest-direct' -- "$cur")) ;;
    --format) COMPREPLY=($(compgen -W 'requirements pylock json' -- "$cur")) ;;
    --priority) COMPREPLY=($(compgen -W 'low normal high' -- "$cur")) ;;
    --on-error) COMPREPLY=($(compgen -W 'continue stop' -- "$cur")) ;;
    --resolver) COMPREPLY=($(compgen -W 'c-ares system' -- "$cur")) ;;
    --layout) COMPREPLY=($(compgen -W 'flat target' -- "$cur")) ;;
    --link-mode) COMPREPLY=($(compgen -W 'auto reflink hardlink copy' -- "$cur")) ;;
    --only-binary | --no-binary)
        COMPREPLY=($(compgen -W ':all: :none:' -- "$cur"))
        if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$cur"; fi
        ;;
    -i | --bearer-token | --limit-rate | --connections-per-host | --index | --index-url | --extra-index-url | --target | --platform | \
        --python-version | --implementation | --abi | --trusted-host | --proxy | --timeout | --retries | --connections | --cache-size | \
        --max-size | --older-than | --exclude-newer | --max-jobs | --keep-jobs | --stop-timeout | --allow-uid | --listen | --allow-host) ;;
    *) return 1 ;;
    esac
}

_dray_verb() {
    local verb verbs='dir info list verify prune purge'
    for verb in $verbs; do
        _dray_has "$verb" && return
    done
    COMPREPLY=($(compgen -W "$verbs" -- "$cur"))
}

_dray() {
    # _init_completion, where bash-completion is installed, sets all four.
    # shellcheck disable=SC2034
    local cur prev words cword command=${COMP_WORDS[1]}
    if declare -F _init_completion >/dev/null; then
        _init_completion -n =: || return
    else
        cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} cword=$COMP_CWORD
    fi

    if [ "$cword" -eq 1 ]; then
        COMPREPLY=($(compgen -W 'download wheel install metadata lock run daemon submit jobs watch cancel cache config trace -h --help -V --version' -- "$cur"))
        return
    fi
    if [ "$command" = install ] && _dray_has --; then
        _dray_paths -f # pip's part of the line
        return
    fi
    _dray_value && return
    case $command:$cur in
    *:-*) COMPREPLY=($(compgen -W "$(_dray_options "$command")" -- "$cur")) ;;
    cache:*) _dray_verb ;;
    config:*) [ "$cword" -gt 2 ] || COMPREPLY=($(compgen -W 'download wheel install metadata lock daemon' -- "$cur")) ;;
    *) _dray_paths -f ;;
    esac
}
complete -F _dray dray
