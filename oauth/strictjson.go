package oauth

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Object is a JSON object about which two parsers cannot disagree. It is valid UTF-8, nothing
// follows it, no name occurs twice at any depth, and names match exactly ("SUB" is not "sub").
// encoding/json alone takes the last of two equal names, ignores case in names, and turns
// invalid UTF-8 into U+FFFD, so that two subjects can become one. (It does the same with half
// of an escaped surrogate pair, which is valid UTF-8. So subjects must also be ASCII.)
type Object map[string]json.RawMessage

// has reports whether there is a member with this name, other than null.
func (o Object) has(name string) bool { return len(o[name]) > 0 && string(o[name]) != "null" }

// Read stores the member called name in the variable that into points to. If the member is
// absent or null, the variable stays as it is. If it has the wrong type, Read returns an error.
func (o Object) Read(name string, into any) error {
	raw := o[name]
	if !o.has(name) {
		return nil
	}
	if text, ok := into.(*string); ok && raw[0] == '"' {
		*text = unquote(raw)
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s has the wrong type: %s", name, kind(raw))
	}
	return nil
}

// readList is Read for a member that is a string or a list of strings.
func readList(o Object, name string, list *[]string) error {
	var one string
	if o.has(name) && o.Read(name, &one) == nil {
		*list = []string{one}
		return nil
	}
	return o.Read(name, list)
}

// text returns a string, a number or a boolean as text. For an object or an array it returns
// only the type, because escapes in it could hide a secret from scrub.
func (o Object) text(name string) string {
	var text string
	if o.Read(name, &text) != nil {
		text = string(o[name])
		if text[0] == '{' || text[0] == '[' {
			text = kind(o[name])
		}
	}
	return text
}

// unquote decodes a valid JSON string. Most have no escapes and need no decoder.
func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var text string
	json.Unmarshal(raw, &text)
	return text
}

// UnmarshalJSON reads data into o, as strictly as a reply. It is faster than encoding/json.
func (o *Object) UnmarshalJSON(data []byte) (err error) {
	if string(data) != "null" {
		*o, err = parseObject(bytes.Clone(data)) // o outlives data
	}
	return err
}

// kind names the type of a JSON value, which its first byte tells.
func kind(raw json.RawMessage) string {
	kinds := map[byte]string{'{': "an object", '[': "an array", '"': "a string", 't': "a boolean", 'f': "a boolean", 'n': "null"}
	return cmp.Or(kinds[raw[0]], "a number")
}

// parseObject reads data as one strict JSON object.
func parseObject(data []byte) (Object, error) {
	o, err := parseJSON(data)
	if err == nil && o == nil {
		err = fmt.Errorf("not an object but %s", kind(bytes.TrimLeft(data, " \t\r\n")))
	}
	return o, err
}

// parseJSON refuses what is not one strict JSON value. If the value is an object, it returns
// the members.
func parseJSON(data []byte) (Object, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not valid UTF-8")
	}
	if !json.Valid(data) {
		return nil, errors.New("not valid JSON")
	}
	w := walker{data: data}
	return w.value(1)
}

// maxDepth is how deep values may be nested. No honest reply needs ten levels. encoding/json
// allows 10,000, and a page that indents these would fill the memory.
const maxDepth = 64

// walker steps over JSON that is known to be valid, so the only errors that it looks for are
// repeated names and too many levels.
type walker struct {
	data []byte
	at   int
}

// next skips white space, commas and colons, and returns the byte after them.
func (w *walker) next() byte {
	for strings.IndexByte(" \t\r\n,:", w.data[w.at]) >= 0 {
		w.at++
	}
	return w.data[w.at]
}

func (w *walker) value(depth int) (o Object, err error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("more than %d levels deep", maxDepth)
	}
	switch w.next() {
	case '{':
		o = make(Object)
		for w.at++; w.next() != '}'; {
			name := unquote(w.text())
			if _, twice := o[name]; twice {
				return nil, fmt.Errorf("the name %q occurs twice", name)
			}
			w.next()
			start := w.at
			if _, err := w.value(depth + 1); err != nil {
				return nil, err
			}
			o[name] = w.data[start:w.at]
		}
		w.at++
	case '[':
		for w.at++; w.next() != ']'; {
			if _, err := w.value(depth + 1); err != nil {
				return nil, err
			}
		}
		w.at++
	case '"':
		w.text()
	default: // a number, true, false or null, which ends before the next token
		for w.at < len(w.data) && strings.IndexByte(" \t\r\n,]}", w.data[w.at]) < 0 {
			w.at++
		}
	}
	return o, nil
}

// text steps over a string. A quote after a backslash does not end it.
func (w *walker) text() []byte {
	start := w.at
	for w.at++; w.data[w.at] != '"'; w.at++ {
		if w.data[w.at] == '\\' {
			w.at++
		}
	}
	w.at++
	return w.data[start:w.at]
}
