# bash completion for tunion(8)

_tunion_commands() {
	tunion help 2>/dev/null | awk '/^  [a-z]/ { print $1 }'
}

_tunion_flags() {
	tunion "$1" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u
}

_tunion_instances() {
	local sock
	for sock in /run/tunion/*.sock "${XDG_RUNTIME_DIR:-/nonexistent}"/tunion/*.sock; do
		[ -S "$sock" ] && basename "$sock" .sock
	done
}

_tunion() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_tunion_commands)" -- "$cur")
		return
	fi
	case $prev in
	--tun)
		mapfile -t COMPREPLY < <(compgen -W "$(_tunion_instances)" -- "$cur")
		return ;;
	--log-level)
		mapfile -t COMPREPLY < <(compgen -W "error warn info debug" -- "$cur")
		return ;;
	--run-dir)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return ;;
	esac
	case $cur in
	-*) mapfile -t COMPREPLY < <(compgen -W "$(_tunion_flags "${COMP_WORDS[1]}")" -- "$cur") ;;
	*) mapfile -t COMPREPLY < <(compgen -f -X '!*.conf' -- "$cur"; compgen -d -- "$cur") ;;
	esac
}

complete -o filenames -F _tunion tunion
