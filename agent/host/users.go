package host

import (
	"strings"
)

// Users returns the accounts of the machine whose file system is at root. If they can't be read it is at least root, or the empty list on
// Windows, whose profiles are read from the registry.
func Users(root string) []User {
	users := parsePasswd(readSmall(root, "etc/passwd"))
	if len(users) == 0 {
		return defaultUsers()
	}
	return users
}

// maxUsers bounds the accounts of a passwd file: each is asked for its own history and keys.
const maxUsers = 10_000

// parsePasswd reads passwd(5). Lines that it can't read are passed over.
func parsePasswd(text string) []User {
	var users []User
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), ":")
		if len(f) != 7 || f[0] == "" || strings.HasPrefix(f[0], "#") {
			continue
		}
		if len(users) == maxUsers {
			break
		}
		users = append(users, User{Name: f[0], Home: f[5]})
	}
	return users
}
