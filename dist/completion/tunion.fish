# fish completion for tunion(8)

function __tunion_commands
    tunion help 2>/dev/null | awk '/^  [a-z]/ { name = $1; $1 = ""; print name "\t" substr($0, 2) }'
end

function __tunion_flags
    set -l words (commandline -opc)
    tunion $words[2] --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u
end

function __tunion_instances
    for sock in /run/tunion/*.sock $XDG_RUNTIME_DIR/tunion/*.sock /tmp/tunion-(id -u)/*.sock $PREFIX/var/run/tunion/*.sock
        basename $sock .sock
    end
end

complete -c tunion -f
complete -c tunion -n __fish_use_subcommand -a '(__tunion_commands)'
complete -c tunion -n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' -a '(__tunion_flags)'
complete -c tunion -n 'not __fish_use_subcommand' -l tun -x -a '(__tunion_instances)'
complete -c tunion -n '__fish_seen_subcommand_from exec' -l in -x -a '(__tunion_instances)'
# After the -- of tunion exec: the command's own completion.
complete -c tunion -n '__fish_seen_subcommand_from exec; and contains -- -- (commandline -opc)' -x -a '(__fish_complete_subcommand --commandline)'
complete -c tunion -n 'not __fish_use_subcommand' -l log-level -x -a 'error warn info debug'
complete -c tunion -n 'not __fish_use_subcommand' -l run-dir -x -a '(__fish_complete_directories)'
complete -c tunion -n '__fish_seen_subcommand_from up check trace' -l gate -r -k -a '(__fish_complete_suffix .conf)'
complete -c tunion -n '__fish_seen_subcommand_from proxy' -l auth -r -F
complete -c tunion -n '__fish_seen_subcommand_from proxy' -l stack -x -a 'kernel lwip'
complete -c tunion -n '__fish_seen_subcommand_from gate' -l state -x -a '(__fish_complete_directories)'
complete -c tunion -n 'not __fish_use_subcommand' -k -a '(__fish_complete_suffix .conf)'
