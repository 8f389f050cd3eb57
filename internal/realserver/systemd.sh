# Runs as root in new namespaces; $1 is a directory with units/, writable and
# readable. Builds a root in memory and becomes systemd in it, or "$2" … for a
# look at what it would see.
set -eu
dir=$1
shift
mount --make-rprivate /
root=$dir/root
mkdir "$root"
mount -t tmpfs -o mode=755 root "$root"
cd "$root"
mkdir usr etc proc sys dev run tmp var units old
read_only() { mkdir -p "$root$1"; mount --bind "$1" "$root$1"; mount -o remount,bind,ro,nosuid "$root$1"; }
read_only /usr
for name in bin sbin lib lib32 lib64 libx32; do # links into /usr, or directories of their own
  if [ -L "/$name" ]; then cp -a "/$name" .; elif [ -d "/$name" ]; then read_only "/$name"; fi
done
cp -r "$dir"/units/. units/
printf 'root:x:0:0:root:/:/bin/sh\n' >etc/passwd
printf 'root:x:0:\n' >etc/group
printf 'ID=quell-test\n' >etc/os-release
printf '%032d\n' 7 >etc/machine-id
for name in null zero full random urandom; do : >"dev/$name"; mount --bind "/dev/$name" "dev/$name"; done
while read -r path; do mkdir -p "$root$path"; mount --bind "$path" "$root$path"; done <"$dir/writable"
while read -r path; do read_only "$path"; done <"$dir/readable"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs run run
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
else
  mount -t tmpfs cgroup sys/fs/cgroup
  mkdir sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd,xattr cgroup sys/fs/cgroup/systemd
fi
pivot_root . old
cd /
umount -l /old
rmdir /old
# What must not be within reach is not, or nothing is started at all.
for path in /boot /etc/fstab /etc/hosts /etc/systemd /dev/kmsg /dev/mem /old; do
  if [ -e "$path" ]; then echo "$path of the machine is within reach: systemd is not started" >&2; exit 1; fi
done
if touch /usr/quell-test 2>/dev/null; then echo "the machine can be written: systemd is not started" >&2; exit 1; fi
if [ "$(ls /sys/class/net)" != lo ]; then echo "the machine's network is within reach: systemd is not started" >&2; exit 1; fi
export container=quell-test SYSTEMD_UNIT_PATH=/units
[ $# -gt 0 ] && exec "$@"
exec setpriv --bounding-set=-sys_time,-sys_boot,-sys_module,-sys_rawio,-mknod,-syslog,-mac_admin \
  /lib/systemd/systemd --system --unit=quell-test.target --log-target=console --log-level=info
