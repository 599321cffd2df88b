#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Completions: every shell loads its file, and offers every option of --help and every value.
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"
folder=$INSITU_TESTS/../completions

options_of() { "$1" --help | sed -nE 's/^ {2,6}(-[^ ,]+(, -[^ ,]+)*).*/\1/p' | tr -d , | tr ' ' '\n' | sort; }
offers() { # SHELL WORDS…: the last command's answer in the file got holds them
    local shell=$1 word
    shift
    for word in "$@"; do
        grep -qxF -- "$word" got || fail "$shell does not offer $word: $(tr '\n' ' ' <got)"
    done
}

cat >ask.bash <<'S'
. "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _insitu "$1"; printf '%s\n' "${COMPREPLY[@]}"
S
cat >ask.zsh <<'S'
# Loads the completion in an interactive zsh behind a pseudo-terminal and lists what it offers.
zmodload zsh/zpty
zpty z zsh -f -i
line() { zpty -w z "$1"; }
line "PS1= ; stty -echo; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D"
line 'list() { local want=${@[(I)-O]}; (( want )) && builtin compadd -O found "${@[1,want-1]}" "${@[want+2,-1]}"; builtin compadd "$@" }'
line "compadd() { local -a found; if [[ \${@[(I)-[OAD]]} = 0 ]]; then builtin compadd -O found \"\$@\"; print -l -- \$found >>$3; fi; builtin compadd \"\$@\" }"
line 'echo READY-$((1+1))'
zpty -r z out '*READY-2*'
zpty -n -w z "$2"$'\t\t'
sleep 0.7
zpty -d z
S
check_options() ( # TOOL, in a directory of its own
    mkdir "options-$1" && cd "options-$1"
    options=$(options_of "$1")
    bash ../ask.bash "$folder/insitu.bash" "$1" - >got && offers bash $options
    fish --no-config -c "source $folder/insitu.fish; complete -C '$1 -'" 2>err | cut -f1 >got
    [ ! -s err ] || fail "fish: $(cat err)"
    offers fish $options
    : >got
    zsh -f ../ask.zsh "$folder" "$1 -" "$PWD/got"
    offers zsh $options
)
checks=() # side by side: most of the time a shell waits for its pseudo-terminal
for tool in "$INSITU_TOOLS"/insitu-*; do
    [ -x "$tool" ] && [ -f "$tool" ] || continue
    check_options "${tool##*/}" &
    checks+=($!)
done
[ ${#checks[@]} -ge 8 ] || fail "there are ${#checks[@]} tools"
for check in "${checks[@]}"; do wait "$check"; done

bash ask.bash "$folder/insitu.bash" insitu-pack --alg '' >got && offers bash lzo deflate
bash ask.bash "$folder/insitu.bash" insitu-pack --extent '' >got && offers bash auto 4K 128K
bash ask.bash "$folder/insitu.bash" insitu-mkfs -t '' >got && offers bash ext4 erofs vfat
bash ask.bash "$folder/insitu.bash" insitu-pack --progress '' >got && offers bash never json
bash ask.bash "$folder/insitu.bash" insitu-fsck '' >got && offers bash check repair undo
touch a-file && bash ask.bash "$folder/insitu.bash" insitu-pack a- >got && offers bash a-file
fish_asks() { fish --no-config -c "source $folder/insitu.fish; complete -C '$1'" | cut -f1 >got; }
fish_asks 'insitu-pack --alg ' && offers fish lzo deflate
fish_asks 'insitu-pack --level ' && offers fish fast default best
fish_asks 'insitu-mkfs -t ' && offers fish ext4 squashfs
zsh_asks() { : >got && zsh -f ask.zsh "$folder" "$1" "$PWD/got"; }
zsh_asks 'insitu-pack --alg ' && offers zsh lzo deflate
zsh_asks 'insitu-mkfs -t ' && offers zsh ext4 erofs
