package ioc

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// plainOf turns a value into what encoding/json makes of it, numbers as text and null as an empty text.
func plainOf(v *jsonValue) any {
	switch v.kind {
	case '{':
		m := map[string]any{}
		for i := range v.keys {
			m[strings.ToValidUTF8(v.keys[i], "\ufffd")] = plainOf(&v.vals[i])
		}
		return m
	case '[':
		a := []any{}
		for i := range v.vals {
			a = append(a, plainOf(&v.vals[i]))
		}
		return a
	}
	return v.text
}

func textsOf(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = textsOf(v[k])
		}
	case []any:
		for i := range v {
			v[i] = textsOf(v[i])
		}
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	case nil:
		return ""
	}
	return v
}

// FuzzJSON checks that the reader takes what encoding/json takes, and reads the same, to the depth that it allows.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a": [1, -2.5e+3, true, false, null], "b": "\u00e4\ud83d\ude00\n\/"}`, `[]`, `{}`, `""`, `{"a":1,}`, `[1 2]`, "\"\x01\"", `"\ud83d"`, `"\ud83dx\ude00"`, `01`, `-`, `1.`, `{"a"}`, `nul`, "[[[[]]]]", " 1 2", `"\x"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := jsonReader{data: []byte(text)}
		got := plainOf(r.value(nil))
		r.end()
		if strings.Count(text, "[")+strings.Count(text, "{") > maxJSONDepth || len(text) > maxJSONNodes {
			return
		}
		var want any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if valid := json.Valid([]byte(text)); valid != (r.err == nil) {
			t.Fatalf("%q: encoding/json says %v, got %v", text, valid, r.err)
		} else if !valid {
			return
		}
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if strings.ToValidUTF8(text, "") != text {
			return // encoding/json replaces what is not UTF-8
		}
		if diff := cmp.Diff(textsOf(want), got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	})
}

func TestJSONLines(t *testing.T) {
	r := jsonReader{data: []byte("{\n \"a\": 1,\n\n \"b\":\n  {\"c\": [\n\"x\"]}}")}
	v := r.value(nil)
	if got := []int{v.line, v.get("a").line, v.get("b").line, v.get("b").get("c").vals[0].line}; r.err != nil || !cmp.Equal(got, []int{1, 2, 5, 6}) {
		t.Error(got, r.err)
	}
}

func TestJSONBounds(t *testing.T) {
	for _, text := range []string{strings.Repeat("[", 1e6), strings.Repeat(`{"a":`, 1e6), "[" + strings.Repeat("0,", maxJSONNodes) + "0]"} {
		r := jsonReader{data: []byte(text)}
		if r.value(nil); r.err == nil || r.nodes > maxJSONNodes+1 || r.depth > maxJSONDepth {
			t.Errorf("%d values, %d levels, %v", r.nodes, r.depth, r.err)
		}
	}
}
