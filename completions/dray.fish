# fish completion for dray

complete -c dray -f
complete -c dray -n __fish_use_subcommand -a download -d 'Fetch distributions into a directory'
complete -c dray -s h -l help -d 'Show the commands or options'
complete -c dray -s V -l version -d 'Show the version'

function __dray_download
    complete -c dray -n '__fish_seen_subcommand_from download' $argv
end

__dray_download -F
__dray_download -s r -l requirement -r -F -d 'Take requirements from this file or URL'
__dray_download -s c -l constraint -r -F -d 'Hold versions to what this file or URL says'
__dray_download -l no-deps -d 'Fetch what is named, not what it depends on'
__dray_download -s i -l index-url -x -d 'The package index: the root of its simple API'
__dray_download -l extra-index-url -x -d 'One more index beside it'
__dray_download -l no-index -d 'Ask no index, only what --find-links names'
__dray_download -s f -l find-links -r -F -d 'A page of links or a directory of distributions'
__dray_download -l only-binary -x -a ':all: :none:' -d 'Wheels only for these projects'
__dray_download -l no-binary -x -a ':all: :none:' -d 'No wheels for these projects'
__dray_download -l prefer-binary -d 'Rather an older wheel than a newer source distribution'
__dray_download -l pre -d 'Consider pre-releases too'
__dray_download -l require-hashes -d 'Every requirement must be pinned and come with a hash'
__dray_download -l no-require-hashes -d 'Some requirements may have hashes and others none'
__dray_download -l python -r -F -d 'Fetch for this interpreter'
__dray_download -l target -x -d 'Fetch for this Python and platform, e.g. 3.12:win_amd64'
__dray_download -l platform -x -d 'Wheels for this platform'
__dray_download -l python-version -x -d 'Wheels for this Python'
__dray_download -l implementation -x -a 'cp pp py' -d 'Wheels for this implementation'
__dray_download -l abi -x -d 'Wheels for this ABI'
__dray_download -s d -l dest -x -a '(__fish_complete_directories)' -d 'Put the files here'
__dray_download -l cache-dir -x -a '(__fish_complete_directories)' -d 'Keep what can be used again here'
__dray_download -l no-cache-dir -d 'Keep nothing for later runs'
__dray_download -l trusted-host -x -d 'Do not verify the certificate of this host'
__dray_download -l cert -r -F -d 'Certificate authorities to trust (PEM)'
__dray_download -l client-cert -r -F -d 'Certificate and private key to show to servers (PEM)'
__dray_download -l timeout -x -d 'Give up when nothing moved for so many seconds'
__dray_download -l retries -x -d 'Try again so many times'
__dray_download -l connections -x -d 'Requests at once, in all'
__dray_download -l dry-run -d 'Choose the files and say which, fetch none'
__dray_download -l report -r -F -d 'Write what was done as the installation report of pip'
__dray_download -l trace -r -F -d 'Write every event as a line of JSON'
__dray_download -l progress -x -a 'auto on off json' -d 'Show progress'
__dray_download -s q -l quiet -d 'Say less'
__dray_download -s v -l verbose -d 'Say more'

functions -e __dray_download
