# bash completion for tunion(8). What there is to complete is read from --help, so that nothing has to
# be added here for a new command, option or value.

_tunion_commands() {
	tunion help 2>/dev/null | awk '/^  [a-z]/ { print $1 }'
}

_tunion_usage() { # without the lines that explain options
	tunion "$1" --help 2>/dev/null | awk '/^  -/ { exit } { print }'
}

_tunion_flags() {
	{ _tunion_usage "$1"; echo ' --help'; } | grep -oE -- '(^|[[ ])--?[A-Za-z][a-z-]*' | tr -d '[ ' | sort -u
}

# What follows option $2 of command $1: words in capitals name a kind of value, others are one.
_tunion_values() {
	_tunion_usage "$1" | grep -oE -- "(^|[[ ])$2 [^] |]+" | sed 's/^.* //' | sort -u
}

_tunion_run_dir() { # that was typed already, or nothing
	local i
	for ((i = 2; i + 1 < COMP_CWORD; i++)); do
		[ "${COMP_WORDS[i]}" = --run-dir ] && printf '%s\n' "${COMP_WORDS[i + 1]}" && return
	done
}

_tunion_instances() {
	local sock dir
	dir=$(_tunion_run_dir)
	if [ -n "$dir" ]; then
		for sock in "$dir"/*.sock; do
			[ -S "$sock" ] && basename "$sock" .sock
		done
		return
	fi
	for sock in /run/tunion/*.sock "${XDG_RUNTIME_DIR:-/nonexistent}"/tunion/*.sock \
		/tmp/tunion-"$UID"/*.sock "${PREFIX:-/nonexistent}"/var/run/tunion/*.sock; do
		[ -S "$sock" ] && basename "$sock" .sock
	done
}

_tunion_conf_names() { # of the files NAME.conf in the first of these folders that can be read
	local dir file
	for dir in "$@"; do
		[ -r "$dir" ] && [ -x "$dir" ] || continue
		for file in "$dir"/*.conf; do
			[ -e "$file" ] && basename "$file" .conf
		done
		return
	done
}

_tunion_names() {
	_tunion_conf_names "${PREFIX:-/nonexistent}/etc/tunion" \
		"$(tunion up --help 2>/dev/null | sed -n 's/^The default DIR is \(.*\);.*/\1/p')" \
		"${XDG_CONFIG_HOME:-$HOME/.config}/tunion" "$HOME/.config/tunion"
}

_tunion_clients() {
	_tunion_conf_names "${XDG_STATE_HOME:-$HOME/.local/state}/tunion/clients"
}

_tunion_devices() { # of the instance that is up
	local dir
	dir=$(_tunion_run_dir)
	tunion status ${dir:+--run-dir "$dir"} --json 2>/dev/null | sed -n 's/^      "name": "\(.*\)",\{0,1\}$/\1/p'
}

# Completes the value of option $2 of command $1; returns 1 if it takes none.
_tunion_value() {
	local kind kinds
	kinds=$(_tunion_values "$1" "$2")
	[ -n "$kinds" ] || return 1
	for kind in $kinds; do
		case $2:$kind in
		*:LEVEL) compgen -W "error warn info debug" -- "$cur" ;;
		*:unix:PATH) case $cur in unix:*) compgen -P unix: -f -- "${cur#unix:}" ;; esac ;;
		*:FILE | *:PATH | *:SOCK) compgen -f -- "$cur" ;;
		*:DIR) compgen -d -- "$cur" ;;
		--tun:NAME | --in:NAME) compgen -W "$(_tunion_instances)" -- "$cur" ;;
		--show:NAME) compgen -W "$(_tunion_clients)" -- "$cur" ;;
		*:*[!a-z]*) ;; # an address, a number, a new name
		*) compgen -W "$kind" -- "$cur" ;;
		esac
	done
}

# Completes a word of command $1 that is no option.
_tunion_word() {
	case $(_tunion_usage "$1") in
	*"DIR | FILE"*)
		compgen -W "$(_tunion_names)" -- "$cur"
		compgen -f -X '!*.conf' -- "$cur"
		compgen -d -- "$cur" ;;
	*"[NAME...]"*) compgen -W "$(_tunion_devices)" -- "$cur" ;;
	esac
}

# After the -- of tunion exec: the command's own completion.
_tunion_command() {
	local i
	[ "${COMP_WORDS[1]}" = exec ] || return 1
	for ((i = 2; i < COMP_CWORD; i++)); do
		if [ "${COMP_WORDS[i]}" = -- ]; then
			if declare -F _command_offset >/dev/null; then
				_command_offset $((i + 1))
			elif [ $((i + 1)) -eq "$COMP_CWORD" ]; then
				mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
			else
				mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
			fi
			return 0
		fi
	done
	return 1
}

_tunion() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}

	COMPREPLY=()
	_tunion_command && return
	if [ "$COMP_CWORD" -eq 1 ]; then
		case $cur in
		-*) mapfile -t COMPREPLY < <(compgen -W "--help --version" -- "$cur") ;;
		*) mapfile -t COMPREPLY < <(compgen -W "$(_tunion_commands)" -- "$cur") ;;
		esac
		return
	fi
	if [ "$command" = help ]; then
		[ "$COMP_CWORD" -ne 2 ] || mapfile -t COMPREPLY < <(compgen -W "$(_tunion_commands)" -- "$cur")
		return
	fi
	case $prev in
	-?*)
		if [ -n "$(_tunion_values "$command" "$prev")" ]; then
			mapfile -t COMPREPLY < <(_tunion_value "$command" "$prev" | sort -u)
			return
		fi ;;
	esac
	case $cur in
	-*) mapfile -t COMPREPLY < <(compgen -W "$(_tunion_flags "$command")" -- "$cur") ;;
	*) mapfile -t COMPREPLY < <(_tunion_word "$command" | sort -u) ;;
	esac
}

complete -o filenames -F _tunion tunion
