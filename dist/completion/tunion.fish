# fish completion for tunion(8). What there is to complete is read from --help, so that nothing has to be
# added here for a new command, option or value.

function __tunion_commands
    tunion help 2>/dev/null | awk '/^  [a-z]/ { name = $1; $1 = ""; print name "\t" substr($0, 2) }'
end

function __tunion_usage # without the lines that explain options
    set -l words (commandline -opc)
    tunion $words[2] --help 2>/dev/null | awk '/^  -/ { exit } { print }'
end

function __tunion_flags
    echo --help
    __tunion_usage | grep -oE -- '(^|[[ ])--?[A-Za-z][a-z-]*' | tr -d '[ ' | sort -u
end

# What follows the option before the cursor: words in capitals name a kind of value, others are one.
function __tunion_values
    set -l words (commandline -opc)
    string match -q -- '-?*' $words[-1]
    and __tunion_usage | grep -oE -- "(^|[[ ])$words[-1] [^] |]+" | sed 's/^.* //' | sort -u
end

function __tunion_run_dir # that was typed already, or nothing
    set -l words (commandline -opc)
    set -l at (contains -i -- --run-dir $words)
    and test $at -lt (count $words)
    and echo $words[(math $at + 1)]
end

function __tunion_instances
    set -l dir (__tunion_run_dir)
    if test -n "$dir"
        for sock in $dir/*.sock
            basename $sock .sock
        end
        return
    end
    for sock in /run/tunion/*.sock $XDG_RUNTIME_DIR/tunion/*.sock /tmp/tunion-(id -u)/*.sock $PREFIX/var/run/tunion/*.sock
        basename $sock .sock
    end
end

function __tunion_conf_names # of the files NAME.conf in the first of these folders that can be read
    for dir in $argv
        test -r "$dir" -a -x "$dir"; or continue
        for file in $dir/*.conf
            basename $file .conf
        end
        return
    end
end

function __tunion_names
    set -l config $XDG_CONFIG_HOME
    test -n "$config"; or set config $HOME/.config
    __tunion_conf_names $PREFIX/etc/tunion \
        (tunion up --help 2>/dev/null | sed -n 's/^The default DIR is \(.*\);.*/\1/p') \
        $config/tunion $HOME/.config/tunion
end

function __tunion_clients
    set -l state $XDG_STATE_HOME
    test -n "$state"; or set state $HOME/.local/state
    __tunion_conf_names $state/tunion/clients
end

function __tunion_devices # of the instance that is up
    set -l dir (__tunion_run_dir)
    set -l from
    test -n "$dir"; and set from --run-dir $dir
    tunion status $from --json 2>/dev/null | sed -n 's/^      "name": "\(.*\)",\{0,1\}$/\1/p'
end

function __tunion_complete_value
    set -l words (commandline -opc)
    for kind in $argv
        switch "$words[-1]:$kind"
            case '*:LEVEL'
                printf '%s\n' error warn info debug
            case '*:unix:PATH'
                string match -q 'unix:*' -- (commandline -ct)
                and printf 'unix:%s\n' (__fish_complete_path (string replace unix: '' -- (commandline -ct)))
            case '*:FILE' '*:PATH' '*:SOCK'
                __fish_complete_path (commandline -ct)
            case '*:DIR'
                __fish_complete_directories (commandline -ct)
            case '--tun:NAME' '--in:NAME'
                __tunion_instances
            case '--show:NAME'
                __tunion_clients
            case '*'
                string match -qr '^[a-z]+$' -- $kind
                and echo $kind
        end
    end
end

function __tunion_complete
    set -l words (commandline -opc)
    if test "$words[2]" = help
        test (count $words) -gt 2; or __tunion_commands
        return
    end
    set -l values (__tunion_values)
    if test (count $values) -gt 0
        __tunion_complete_value $values
    else if string match -q -- '-*' (commandline -ct)
        __tunion_flags
    else
        switch (__tunion_usage | string collect)
            case '*DIR | FILE*'
                __tunion_names
                __fish_complete_path (commandline -ct) | string match -r '^.*(?:\.conf|/)(?:\t.*)?$'
            case '*[NAME...]*'
                __tunion_devices
        end
    end
end

function __tunion_after_dashes
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test $words[2] = exec; and contains -- -- $words[3..]
end

complete -c tunion -f
complete -c tunion -n __fish_use_subcommand -a '(__tunion_commands)'
complete -c tunion -n __fish_use_subcommand -l help -d 'list the commands'
complete -c tunion -n __fish_use_subcommand -l version -d 'print the version'
complete -c tunion -n 'not __fish_use_subcommand; and not __tunion_after_dashes' -k -a '(__tunion_complete)'
# After the -- of tunion exec: the command's own completion.
complete -c tunion -n __tunion_after_dashes -x -a '(__fish_complete_subcommand --commandline)'
