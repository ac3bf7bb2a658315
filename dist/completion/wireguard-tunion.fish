# fish completion for wireguard-tunion(8)
complete -c wireguard-tunion -f
complete -c wireguard-tunion -s f -l foreground -d "don't go to the background"
complete -c wireguard-tunion -l version -d "print the version"
complete -c wireguard-tunion -l help -d "print the usage"
