# bash completion for tunion(8)

_tunion_commands() {
	tunion help 2>/dev/null | awk '/^  [a-z]/ { print $1 }'
}

_tunion_flags() {
	tunion "$1" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u
}

_tunion_instances() {
	local sock
	for sock in /run/tunion/*.sock "${XDG_RUNTIME_DIR:-/nonexistent}"/tunion/*.sock \
		/tmp/tunion-"$UID"/*.sock "${PREFIX:-/nonexistent}"/var/run/tunion/*.sock; do
		[ -S "$sock" ] && basename "$sock" .sock
	done
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
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	_tunion_command && return
	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_tunion_commands)" -- "$cur")
		return
	fi
	case $prev in
	--tun | --in)
		mapfile -t COMPREPLY < <(compgen -W "$(_tunion_instances)" -- "$cur")
		return ;;
	--log-level)
		mapfile -t COMPREPLY < <(compgen -W "error warn info debug" -- "$cur")
		return ;;
	--stack)
		mapfile -t COMPREPLY < <(compgen -W "kernel lwip" -- "$cur")
		return ;;
	--auth)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	--listen | -L | -R) return ;;
	--run-dir | --state)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return ;;
	esac
	case $cur in
	-*) mapfile -t COMPREPLY < <(compgen -W "$(_tunion_flags "${COMP_WORDS[1]}")" -- "$cur") ;;
	*) mapfile -t COMPREPLY < <(compgen -f -X '!*.conf' -- "$cur"; compgen -d -- "$cur") ;;
	esac
}

complete -o filenames -F _tunion tunion
