#!/bin/sh
# Makes the small rpm databases in this folder, one for each format that rpm has had. It needs rpm, rpmbuild and db5.3_load (Debian: rpm, db-util).
set -eu
out=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cat > "$tmp/sample.spec" <<'SPEC'
Name: sample
Version: 1.2
Release: 3
Summary: Files of all sorts
License: MIT
BuildArch: noarch
%description
Files of all sorts.
%install
mkdir -p %{buildroot}/bin %{buildroot}/etc/sample %{buildroot}/usr/share/sample %{buildroot}/var/log
printf 'a program\n' > %{buildroot}/bin/sample
printf 'set-user-id\n' > %{buildroot}/bin/sample-su
printf 'with capabilities\n' > %{buildroot}/bin/sample-cap
printf 'a setting\n' > %{buildroot}/etc/sample/sample.conf
ln -s ../bin/sample %{buildroot}/etc/sample/link
for i in $(seq 1 300); do printf "file $i\n" > %{buildroot}/usr/share/sample/a-file-with-a-long-name-$i; done
touch %{buildroot}/var/log/sample.log
%files
%attr(0755, root, root) /bin/sample
%attr(4755, root, root) /bin/sample-su
%attr(0755, root, root) %caps(cap_net_raw=ep) /bin/sample-cap
%config(noreplace) /etc/sample/sample.conf
/etc/sample/link
/usr/share/sample
%ghost /var/log/sample.log
SPEC
printf 'Name: tiny\nVersion: 0.1\nRelease: 1\nSummary: Next to nothing\nLicense: MIT\nBuildArch: noarch\n%%description\nNothing.\n%%files\n' > "$tmp/tiny.spec"
for s in sample tiny; do
	SOURCE_DATE_EPOCH=1700000000 rpmbuild -bb --quiet --define "_topdir $tmp/build" --define '_buildhost localhost' \
		--define '_binary_payload w9.gzdio' --define 'use_source_date_epoch_as_buildtime 1' "$tmp/$s.spec"
done
db="$tmp/sqlite"
rpm --dbpath "$db" --initdb
rpm --dbpath "$db" -i --justdb --nodeps --ignoreos --ignorearch --force-debian "$tmp"/build/RPMS/noarch/*.rpm
gzip -9n < "$db/rpmdb.sqlite" > "$out/rpmdb.sqlite.gz"
# What rpm on Debian can't write any more: the same headers as Berkeley DB, with package 0, which holds the next number, as rpm had it.
python3 - "$tmp/sqlite/rpmdb.sqlite" > "$tmp/dump" <<'PY'
import sqlite3, struct, sys
print("VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\nHEADER=END")
rows = [(0, struct.pack("<I", 3))] + list(sqlite3.connect(sys.argv[1]).execute("select hnum, blob from Packages"))
for n, blob in rows:
    print(" " + struct.pack("<I", n).hex() + "\n " + blob.hex())
print("DATA=END")
PY
db5.3_load -f "$tmp/dump" "$tmp/Packages"
gzip -9n < "$tmp/Packages" > "$out/Packages.gz"
# Debian's rpm is built without ndb; this lays the headers out as lib/backend/ndb/rpmpkg.c does.
python3 - "$tmp/sqlite/rpmdb.sqlite" > "$tmp/Packages.db" <<'PY'
import sqlite3, struct, sys, zlib
rows = list(sqlite3.connect(sys.argv[1]).execute("select hnum, blob from Packages"))
slots = struct.pack("<8I", int.from_bytes(b"RpmP", "little"), 0, 1, 1, 4, 0, 0, 0)
blobs, block = b"", 4096 // 16
for n, blob in rows:
    b = struct.pack("<4I", int.from_bytes(b"BlbS", "little"), n, 1, len(blob)) + blob
    tail = struct.pack("<3I", zlib.adler32(b), len(blob), int.from_bytes(b"BlbE", "little"))
    b += b"\0" * (-(len(b) + len(tail)) % 16) + tail
    slots += struct.pack("<4I", int.from_bytes(b"Slot", "little"), n, block, len(b) // 16)
    blobs, block = blobs + b, block + len(b) // 16
while len(slots) < 4096:
    slots += struct.pack("<4I", int.from_bytes(b"Slot", "little"), 0, 0, 0)
sys.stdout.buffer.write(slots + blobs)
PY
gzip -9n < "$tmp/Packages.db" > "$out/Packages.db.gz"
rpm --dbpath "$db" -q --dump sample > "$out/rpm-dump.txt"
ls -l "$out"
