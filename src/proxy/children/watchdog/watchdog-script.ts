/**
 * The watchdog's whole program, for any POSIX shell (2 MB of memory). Parameters: the proxy's folders, for work and for credentials.
 *
 * It reads `+ GROUP NAME` and `- GROUP NAME`, and answers each `+` with its name. When its input ends, the proxy is gone: it kills all
 * groups, then on Linux whatever has left its group but still has one of the folders in its environment, and removes the folders.
 *
 * `kill` has the `--` for dash, which takes the group for an option without it. busybox complains of it and kills nevertheless.
 *
 * PIPE is ignored, because a proxy that dies before it has read an answer must not take the watchdog with it.
 */
export const WATCHDOG_SCRIPT = `
trap '' HUP INT QUIT TERM PIPE TSTP
work=$1 secrets=$2 groups=' '
echo ready
while read -r verb group name; do
  case $verb in
    +) groups="$groups$group:$name "; echo "$name" ;;
    -) case $groups in
         *" $group:$name "*) groups="\${groups%% $group:$name *} \${groups#* $group:$name }" ;;
       esac ;;
  esac
done
for entry in $groups; do kill -s KILL -- "-\${entry%%:*}"; done
rm -rf -- "$secrets"
for file in "$work"/*.cgroup; do
  read -r cgroup < "$file" || continue
  echo 1 > "$cgroup/cgroup.kill"
  tries=0
  until rmdir "$cgroup" || [ $tries -ge 40 ]; do tries=$((tries + 1)); sleep 0.05 || sleep 1; done
done
round=0
while [ $round -lt 100 ]; do
  round=$((round + 1)) found=
  for file in $(grep -lsF -e "$work/" /proc/[0-9]*/environ); do
    pid=\${file#/proc/} found=yes
    kill -s KILL "\${pid%/environ}"
  done
  rm -rf -- "$work" "$secrets"
  [ -z "$found" ] && [ ! -e "$work" ] && [ ! -e "$secrets" ] && exit 0
  sleep 0.05 || sleep 1
done
`
