package ioc

import (
	"regexp"
	"strings"
)

// The spellings that keep an indicator from being clicked, and what they stand for.
var defanged = []struct {
	spelling *regexp.Regexp
	plain    string
}{
	{regexp.MustCompile(`(?i)\s*[\[({<]\s*(?:\.|dot)\s*[\])}>]\s*`), "."},
	{regexp.MustCompile(`(?i)\s*[\[({<]\s*(?:@|at)\s*[\])}>]\s*`), "@"},
	{regexp.MustCompile(`\s*[\[({<]\s*://\s*[\])}>]\s*`), "://"},
	{regexp.MustCompile(`\s*[\[({<]\s*:\s*[\])}>]\s*`), ":"},
	{regexp.MustCompile(`\s*[\[({<]\s*/\s*[\])}>]\s*`), "/"},
	{regexp.MustCompile(`\[\.|\.\]`), "."},
	{regexp.MustCompile(`\\\.`), "."},
	{regexp.MustCompile(`(?i)^(?:hxxp|h\*\*p|htxp|hxtp|h__p|meow)(s?)(?::|$)`), "http$1:"},
	{regexp.MustCompile(`(?i)^(?:fxp|f\*p)(s?):`), "ftp$1:"},
	{regexp.MustCompile(`(?i)^([a-z]+):\s*//\s*`), "$1://"},
}

// refang undoes the spellings in which indicators are passed on so that nobody follows them by accident.
func refang(s string) string {
	s = strings.TrimSpace(s)
	if !strings.ContainsAny(s, `[({<\*`) && !strings.Contains(s, ":") {
		return s
	}
	for _, d := range defanged {
		s = d.spelling.ReplaceAllString(s, d.plain)
	}
	return s
}
