# fish completion for dray

# Is the command one of these? Projects may be called "wheel" too, so only the first word counts.
function __dray_command_is
    set --local words (commandline -opc)
    contains -- "$words[2]" $argv
end

function __dray_needs_verb
    set --local words (commandline -opc)
    test "$words[2]" = cache
    and not contains -- "$words[-1]" --cache-dir --cache-size --max-size --older-than
    and not string match -qr '^(dir|info|list|verify|prune|purge)$' -- $words[3..-1]
end

set --local all '__dray_command_is download wheel install metadata lock'
set --local fetching '__dray_command_is download wheel install'
set --local placing '__dray_command_is download wheel'
set --local choosing '__dray_command_is download wheel metadata lock'
set --local download '__dray_command_is download'
set --local wheel '__dray_command_is wheel'
set --local metadata '__dray_command_is metadata'
set --local cache '__dray_command_is cache'
set --local trace '__dray_command_is trace'

complete -c dray -f
complete -c dray -n __fish_use_subcommand -a download -d 'Fetch distributions into a directory'
complete -c dray -n __fish_use_subcommand -a wheel -d 'The same, and build wheels of source distributions'
complete -c dray -n __fish_use_subcommand -a install -d 'Fetch, then let the pip of this machine install'
complete -c dray -n __fish_use_subcommand -a lock -d 'Write down versions and hashes of all that is needed'
complete -c dray -n __fish_use_subcommand -a metadata -d 'Print the metadata of wheels without fetching them'
complete -c dray -n __fish_use_subcommand -a cache -d 'Look after what is kept for later runs'
complete -c dray -n __fish_use_subcommand -a trace -d 'Say where the time of a run went'
complete -c dray -s h -l help -d 'Show the commands or options'
complete -c dray -s V -l version -d 'Show the version'

complete -c dray -n "$all" -F
complete -c dray -s r -l requirement -n "$all" -r -F -d 'Take requirements from this file or URL'
complete -c dray -s c -l constraint -n "$all" -r -F -d 'Hold versions to what this file or URL says'
complete -c dray -l resolution -n "$fetching" -x -a 'highest lowest lowest-direct' -d 'Which versions to prefer'
complete -c dray -l no-deps -n "$fetching" -d 'Fetch what is named, not what it depends on'
complete -c dray -s i -l index-url -n "$all" -x -d 'The package index: the root of its simple API'
complete -c dray -l index-strategy -n "$all" -x -a 'best-match first-index' -d 'Of several indexes, which'
complete -c dray -l exclude-newer -n "$all" -x -d 'Leave out what was uploaded later'
complete -c dray -l extra-index-url -n "$all" -x -d 'One more index beside it'
complete -c dray -l no-index -n "$all" -d 'Ask no index, only what --find-links names'
complete -c dray -s f -l find-links -n "$all" -r -F -d 'A page of links or a directory of distributions'
complete -c dray -l only-binary -n "$all" -x -a ':all: :none:' -d 'Wheels only for these projects'
complete -c dray -l no-binary -n "$all" -x -a ':all: :none:' -d 'No wheels for these projects'
complete -c dray -l prefer-binary -n "$all" -d 'Rather an older wheel than a newer source distribution'
complete -c dray -l pre -n "$all" -d 'Consider pre-releases too'
complete -c dray -l require-hashes -n "$all" -d 'Every requirement must be pinned and come with a hash'
complete -c dray -l no-require-hashes -n "$all" -d 'Some requirements may have hashes and others none'
complete -c dray -l python -n "$all" -r -F -d 'Fetch for this interpreter'
complete -c dray -l target-file -n "$choosing" -r -F -d 'Targets from this file, one a line'
complete -c dray -l layout -n "$choosing" -x -a 'flat target' -d 'Files of several targets in one directory, or one each'
complete -c dray -l target -n "$choosing" -x -d 'Fetch for this Python and platform, e.g. 3.12:win_amd64'
complete -c dray -l platform -n "$choosing" -x -d 'Wheels for this platform'
complete -c dray -l python-version -n "$choosing" -x -d 'Wheels for this Python'
complete -c dray -l implementation -n "$choosing" -x -a 'cp pp py' -d 'Wheels for this implementation'
complete -c dray -l abi -n "$choosing" -x -d 'Wheels for this ABI'
complete -c dray -s d -l dest -n "$download" -x -a '(__fish_complete_directories)' -d 'Put the files here'
complete -c dray -s w -l wheel-dir -n "$wheel" -x -a '(__fish_complete_directories)' -d 'Put the wheels here'
complete -c dray -l link-mode -n "$placing" -x -a 'auto reflink hardlink copy' -d 'How files come from the store'
complete -c dray -l cache-dir -n "$all" -x -a '(__fish_complete_directories)' -d 'Keep what can be used again here'
complete -c dray -l cache-size -n "$all" -x -d 'Keep at most so much'
complete -c dray -l pip-cache-dir -n "$all" -x -a '(__fish_complete_directories)' \
    -d 'Look here for what pip has fetched or built already'
complete -c dray -l no-cache-dir -n "$all" -d 'Keep nothing for later runs'
complete -c dray -l trusted-host -n "$all" -x -d 'Do not verify the certificate of this host'
complete -c dray -l cert -n "$all" -r -F -d 'Certificate authorities to trust: PEM file or directory'
complete -c dray -l client-cert -n "$all" -r -F -d 'Certificate and private key to show to servers (PEM)'
complete -c dray -l proxy -n "$all" -x -d 'Ask through this proxy'
complete -c dray -l no-proxy-env -n "$all" -d 'Heed no proxy that the environment names'
complete -c dray -l resolver -n "$all" -x -a 'c-ares system' -d 'Who looks up host names'
complete -c dray -l timeout -n "$all" -x -d 'Give up when nothing moved for so many seconds'
complete -c dray -l retries -n "$all" -x -d 'Try again so many times'
complete -c dray -l connections -n "$all" -x -d 'Requests at once, in all'
complete -c dray -l offline -n "$all" -d 'Ask no server, use what is kept'
complete -c dray -l json -n "$metadata" -d 'Write the metadata as JSON'
complete -c dray -l stats -n "$metadata" -d 'Say how each was read'
complete -c dray -l stats -n "$fetching" -d 'Say what it took to resolve'
complete -c dray -l dry-run -n "$fetching" -d 'Choose the files and say which, fetch none'
complete -c dray -l report -n "$fetching" -r -F -d 'Write what was done as the installation report of pip'
complete -c dray -l trace -n "$all" -r -F -d 'Write every event as a line of JSON'
complete -c dray -l progress -n "$all" -x -a 'auto on off json' -d 'Show progress'
complete -c dray -s q -l quiet -n "$all" -d 'Say less'
complete -c dray -s v -l verbose -n "$all" -d 'Say more'

complete -c dray -n __dray_needs_verb -a dir -d 'Where it is'
complete -c dray -n __dray_needs_verb -a info -d 'How much it holds, and its cap'
complete -c dray -n __dray_needs_verb -a list -d 'What it holds'
complete -c dray -n __dray_needs_verb -a verify -d 'Hash every file, remove what is wrong'
complete -c dray -n __dray_needs_verb -a prune -d 'Remove what is stale, old or too much'
complete -c dray -n __dray_needs_verb -a purge -d 'Remove everything'
complete -c dray -l cache-dir -n "$cache" -x -a '(__fish_complete_directories)' -d 'This one, not the usual one'
complete -c dray -l cache-size -n "$cache" -x -d 'Its cap'
complete -c dray -l max-size -n "$cache" -x -d 'prune: leave at most so much'
complete -c dray -l older-than -n "$cache" -x -d 'prune: remove what was not used for so many days'
complete -c dray -l json -n "$cache" -d 'info, list: as JSON'

complete -c dray -n "$trace" -F
complete -c dray -l svg -n "$trace" -r -F -d 'Draw it too'
complete -c dray -l json -n "$trace" -d 'Say the same as JSON'
set --local lock '__dray_command_is lock'
complete -c dray -l no-deps -n "$lock" -d 'Lock what is named, not what it depends on'
complete -c dray -l resolution -n "$lock" -x -a 'highest lowest lowest-direct' -d 'Which versions to prefer'
complete -c dray -l stats -n "$lock" -d 'Say what it took to resolve'
complete -c dray -l format -n "$lock" -x -a 'requirements pylock json' -d 'Format of the lock'
complete -c dray -l only-target -n "$lock" -d 'Only the files that the targets take'
complete -c dray -s o -l output -n "$lock" -r -F -d 'Write the lock into this file'
