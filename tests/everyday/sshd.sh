# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# start_sshd: an SSH server on loopback, with keys of its own, in the directory of the test; sets SSH_CONFIG, where it
# is the machine `store`. Fails if it cannot be had. Ends by the process id in sshd.pid.
start_sshd() {
    local sshd port
    sshd=$(PATH=$PATH:/usr/sbin command -v sshd) && nbdkit ssh --version >/dev/null 2>&1 || return 1
    mkdir -p keys /run/sshd
    ssh-keygen -q -t ed25519 -N '' -f keys/host
    ssh-keygen -q -t ed25519 -N '' -f keys/user
    for ((port = 20022; port < 20042; port++)); do
        printf '%s\n' 'ListenAddress 127.0.0.1' "Port $port" "HostKey $PWD/keys/host" 'StrictModes no' 'UsePAM no' \
            "AuthorizedKeysFile $PWD/keys/user.pub" 'PasswordAuthentication no' "PidFile $PWD/sshd.pid" \
            'Subsystem sftp internal-sftp' "SetEnv PATH=$PATH" >sshd_config
        printf '%s\n' 'Host store' 'HostName 127.0.0.1' "Port $port" "User $(id -un)" "IdentityFile $PWD/keys/user" \
            'IdentitiesOnly yes' "UserKnownHostsFile $PWD/keys/known" 'BatchMode yes' >ssh_config
        echo "[127.0.0.1]:$port $(cat keys/host.pub)" >keys/known
        "$sshd" -f "$PWD/sshd_config" -E "$PWD/sshd.log" || return 1
        for ((try = 0; try < 50; try++)); do # a port that is taken is one that it does not listen on
            [ ! -s sshd.pid ] || { SSH_CONFIG=$PWD/ssh_config && export SSH_CONFIG && return 0; }
            ! grep -q 'Cannot bind' sshd.log || break
            sleep 0.1
        done
        rm -f sshd.log
    done
    return 1
}
