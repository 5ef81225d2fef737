// Package testhosts boots small Debian hosts on this machine and triages them: one as Debian makes it, one with what a break-in leaves
// behind. Its tests want root, debootstrap and systemd-nspawn, and run with the build tag hosts: see `make test-hosts`.
package testhosts
