package oauth

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseObject(t *testing.T) {
	type object = Object
	for name, tt := range map[string]struct {
		text   string
		want   Object
		err    string // "" is none
		reason string
	}{
		"empty":        {text: `{}`, want: object{}, reason: "an object"},
		"white space":  {text: " {\r\n\t\"a\" : 1 , \"b\":\t2 } \n", want: object{"a": []byte("1"), "b": []byte("2")}, reason: "as in RFC 7515's examples"},
		"every type":   {text: `{"a":"x","b":-1.5e3,"c":true,"d":null,"e":[],"f":{}}`, want: object{"a": []byte(`"x"`), "b": []byte("-1.5e3"), "c": []byte("true"), "d": []byte("null"), "e": []byte("[]"), "f": []byte("{}")}, reason: "RFC 8259 §3"},
		"long number":  {text: `{"id":12345678901234567890}`, want: object{"id": []byte("12345678901234567890")}, reason: "a float64 would round it to another user's"},
		"nested":       {text: `{"a":[{"b":[1,{"c":"}"}]},"]"],"d":"x"}`, want: object{"a": []byte(`[{"b":[1,{"c":"}"}]},"]"]`), "d": []byte(`"x"`)}, reason: "braces in text are text"},
		"escaped text": {text: `{"a":"\"\\","b":"\\\""}`, want: object{"a": []byte(`"\"\\"`), "b": []byte(`"\\\""`)}, reason: "a quote behind a backslash ends nothing"},
		"escaped name": {text: `{"\u0061":1}`, want: object{"a": []byte("1")}, reason: "names are compared as they read"},
		"case twins":   {text: `{"sub":1,"SUB":2,"ſub":3}`, want: object{"sub": []byte("1"), "SUB": []byte("2"), "ſub": []byte("3")}, reason: "three names"},
		"same elsewhere": {text: `{"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]}`, want: object{"a": []byte(`{"x":1}`), "b": []byte(`{"x":1}`), "c": []byte(`[{"x":1},{"x":1}]`)},
			reason: "a name may occur once in each object"},
		"half a character": {text: `{"a":"\ud83d\""}`, want: object{"a": []byte(`"\ud83d\""`)}, reason: "valid, and U+FFFD in Go: no subject, which is ASCII"},

		"repeated":           {text: `{"sub":"a","sub":"b"}`, err: `the name "sub" occurs twice`, reason: "two parsers, two users"},
		"repeated by escape": {text: `{"sub":"a","\u0073ub":"b"}`, err: `the name "sub" occurs twice`, reason: "the same name in another spelling"},
		"repeated inside":    {text: `{"a":{"x":1,"x":2}}`, err: `the name "x" occurs twice`, reason: "at any depth"},
		"repeated in a list": {text: `{"a":[[{"x":1,"x":2}]]}`, err: `the name "x" occurs twice`, reason: "at any depth"},
		"not UTF-8":          {text: "{\"a\":\"\xff\"}", err: "not valid JSON in UTF-8", reason: "U+FFFD would make two subjects one"},
		"half, in two names": {text: `{"\ud83d":1,"\ude00":2}`, err: "the name \"\ufffd\" occurs twice", reason: "halves of characters are the same in Go, and not everywhere (RFC 8259 §8.2)"},
		"nothing":            {text: ``, err: "not valid JSON in UTF-8", reason: "no value"},
		"cut short":          {text: `{"a":1`, err: "not valid JSON in UTF-8", reason: "half an answer"},
		"something behind":   {text: `{"a":1}x`, err: "not valid JSON in UTF-8", reason: "a decoder that reads one value would not see it"},
		"byte order mark":    {text: "\ufeff{}", err: "not valid JSON in UTF-8", reason: "RFC 8259 §8.1"},
		"too deep":           {text: `{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, err: "not valid JSON in UTF-8", reason: "a stack is not without end"},
		"64 deep":            {text: strings.Repeat(`{"a":`, 63) + "[]" + strings.Repeat("}", 63), want: object{"a": []byte(strings.Repeat(`{"a":`, 62) + "[]" + strings.Repeat("}", 62))}, reason: "as deep as it may be"},
		"65 deep":            {text: strings.Repeat(`{"a":`, 64) + "[]" + strings.Repeat("}", 64), err: "more than 64 levels deep", reason: "no honest reply needs it, and shown indented it fills the memory"},
		"a list":             {text: `[]`, err: "not an object", reason: "members have no names there"},
		"a list, indented":   {text: " \t\r\n[]", err: "not an object", reason: "white space tells no type"},
		"64 lists":           {text: `{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + "}", want: object{"a": []byte(strings.Repeat("[", 63) + strings.Repeat("]", 63))}, reason: "as deep as they may be"},
		"a number":           {text: `7`, err: "not an object", reason: "no members"},
		"null":               {text: `null`, err: "not an object", reason: "encoding/json would leave a struct as it was, without an error"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseObject([]byte(tt.text))
			wantEqual(t, cmp.Or(tt.err, "<nil>"), fmt.Sprint(err), tt.reason)
			wantEqual(t, tt.want, got, tt.reason)
		})
	}
}

func TestValidJSON(t *testing.T) {
	for text, want := range map[string]bool{
		`[{"a":1},{"a":1}]`: true, `[{"a":1,"a":1}]`: false, `"x"`: true, `7`: true, ` null `: true, `[1,2`: false, "[\"\xff\"]": false, `[]x`: false,
	} {
		if _, err := parseJSON([]byte(text)); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestObjectRead(t *testing.T) {
	o := must(parseObject([]byte(`{"text":"a\u00e4","number":7,"flag":true,"unset":false,"list":["x"],"null":null}`)))
	text, list := "before", []string{"before"}
	for name, want := range map[string]string{"text": "aä", "null": "before", "absent": "before", "TEXT": "before"} {
		text = "before"
		if err := o.Read(name, &text); err != nil || text != want {
			t.Errorf("%s: %q, %v; want %q", name, text, err, want)
		}
	}
	for _, name := range []string{"number", "flag", "unset", "list"} {
		text = "before"
		err := o.Read(name, &text)
		if want := name + " has the wrong type"; err == nil || err.Error() != want || text != "before" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if err := o.Read("text", &list); err == nil {
		t.Error("a string read as a list")
	}
	// A nil object has no members: what an absent one was read into.
	if err := (Object)(nil).Read("text", &text); err != nil {
		t.Error(err)
	}
}

// A decoder may use its buffer again (encoding/json.Unmarshaler).
func TestObjectOutlivesItsText(t *testing.T) {
	var o Object
	text := []byte(`{"a":"b"}`)
	if err := o.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	clear(text)
	wantEqual(t, Object{"a": []byte(`"b"`)}, o, "the text was copied")
}

// The strict reader and encoding/json agree on all that both accept, and the strict one
// refuses no more than it says: repeated names, what is not UTF-8, and what is too deep.
func FuzzStrictJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":1,"a":2}`, `{"a":{"b":[1,2,{"c":null}]},"d":"\u00e4\\\""}`, `{"a":"\ud83d"}`, "{\"a\":\"\xff\"}",
		` { "a" : [ ] , "b" : { } } `, `{"\u0061":1,"a":2}`, `[]`, `null`, `{"a":1}{}`, `{"":{"":{}}}`, `{"a":-0.1e-7}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		strict, err := parseObject(data)
		var lax map[string]json.RawMessage
		laxErr := json.Unmarshal(data, &lax)
		switch {
		case err != nil && laxErr == nil && lax != nil && !regexp.MustCompile("occurs twice|UTF-8|levels deep").MatchString(err.Error()):
			t.Errorf("refused, unlike encoding/json: %v", err)
		case err == nil && laxErr != nil:
			t.Errorf("accepted, unlike encoding/json: %v", laxErr)
		case err == nil:
			wantEqual(t, Object(lax), strict, "encoding/json reads it alike")
			for name := range strict {
				var text string
				if strict.Read(name, &text) == nil && !utf8.ValidString(text) {
					t.Errorf("%q is not UTF-8", text)
				}
			}
		}
	})
}
