package host

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func root(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadOfAnImage(t *testing.T) {
	got := Read(root(t, map[string]string{
		"etc/hostname": "web-01\n", "etc/machine-id": "0123\n", "etc/os-release": "NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID=\"12\"\n",
		"var/lib/cloud/data/instance-id": "i-0abc1234def567890\n",
	}))
	want := Facts{
		Hostname: "web-01", OS: runtime.GOOS, Platform: "debian 12", MachineID: "0123",
		Cloud: &Cloud{Provider: "aws", InstanceID: "i-0abc1234def567890"}, Root: got.Root, Privileged: got.Privileged,
	}
	if diff := cmp.Diff(want, got); diff != "" || got.Root == "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

func TestReadOfAnEmptyImageHasAName(t *testing.T) {
	dir := t.TempDir()
	if got := Read(dir).Hostname; got != filepath.Base(dir) {
		t.Errorf("hostname %q, want the directory's name", got)
	}
}

func TestReadSmallStaysInTheRoot(t *testing.T) {
	dir := root(t, map[string]string{"real": "inside"})
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "abs")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", filepath.Join(dir, "rel")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"abs": "", "rel": "inside", "absent": "", ".": ""} {
		if got := readSmall(dir, name); got != want {
			t.Errorf("readSmall(%s) = %q, want %q", name, got, want)
		}
	}
}

func TestCloud(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  *Cloud
	}{
		{"EC2 on Nitro", map[string]string{"sys/class/dmi/id/sys_vendor": "Amazon EC2\n", "sys/class/dmi/id/board_asset_tag": "i-0abc1234def567890\n"},
			&Cloud{"aws", "i-0abc1234def567890"}},
		{"EC2 with a planted tag", map[string]string{"sys/class/dmi/id/sys_vendor": "Amazon EC2", "sys/class/dmi/id/board_asset_tag": "../../x"}, &Cloud{"aws", ""}},
		{"Azure", map[string]string{"sys/class/dmi/id/chassis_asset_tag": azureTag, "sys/class/dmi/id/product_uuid": "B14D4F1E-3C2A-4B7E-9A10-0123456789AB"},
			&Cloud{"azure", "1e4f4db1-2a3c-7e4b-9a10-0123456789ab"}},
		{"Google", map[string]string{"sys/class/dmi/id/product_name": "Google Compute Engine", "var/lib/cloud/data/instance-id": "1234567890123456789"},
			&Cloud{"gcp", "1234567890123456789"}},
		{"a machine of one's own", map[string]string{"sys/class/dmi/id/sys_vendor": "Dell Inc."}, nil},
		{"cloud-init without a cloud", map[string]string{"var/lib/cloud/data/instance-id": "nocloud"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, readCloud(root(t, tt.files))); diff != "" {
				t.Errorf("cloud (-want +got):\n%s", diff)
			}
		})
	}
}

const passwd = `root:x:0:0:root:/root:/bin/bash
# comment
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
short:x:2
:x:3:3::/nobody:/bin/sh
alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash`

func TestUsers(t *testing.T) {
	want := []User{{"root", "/root"}, {"daemon", "/usr/sbin"}, {"alice", "/home/alice"}}
	if diff := cmp.Diff(want, Users(root(t, map[string]string{"etc/passwd": passwd}))); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
}

func FuzzParsePasswd(f *testing.F) {
	f.Add(passwd)
	f.Add("a:b:c:d:e:f:g\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		users := parsePasswd(text)
		if len(users) > maxUsers {
			t.Errorf("%d users", len(users))
		}
		for _, u := range users {
			if u.Name == "" || strings.ContainsAny(u.Name+u.Home, ":\n") {
				t.Errorf("user %+v", u)
			}
		}
	})
}

func FuzzOSRelease(f *testing.F) {
	f.Add("ID=debian\nVERSION_ID=\"12\"")
	f.Fuzz(func(t *testing.T, text string) {
		if got := osRelease(text); strings.Contains(got, "\n") {
			t.Errorf("platform %q has a line break", got)
		}
	})
}
