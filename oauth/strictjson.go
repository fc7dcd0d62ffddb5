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

// Object is a JSON object read so that two parsers cannot disagree about it: valid
// UTF-8, one value with nothing behind it, no name twice at any depth, and names
// matched exactly ("SUB" is not "sub"). encoding/json alone takes the last of two
// equal names, matches names without regard to case, and turns invalid UTF-8 into
// U+FFFD, by which two different subjects can become one. (It also does so with half of an
// escaped surrogate pair, which is valid UTF-8; a subject must be ASCII.)
type Object map[string]json.RawMessage

// has reports whether there is a member with this name, other than null.
func (o Object) has(name string) bool { return len(o[name]) > 0 && string(o[name]) != "null" }

// Read puts the member name into what into points to. A member that is absent or
// null leaves it as it is; one of another type is an error.
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
		return fmt.Errorf("%s is of another type: %s", name, kind(raw))
	}
	return nil
}

// text returns a member as text: a string, a number or a boolean as it is, and of an object
// or an array only its type, since escapes in it could hide a secret from scrub.
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

// unquote decodes a valid JSON string; most have no escapes, and need no decoder.
func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var text string
	json.Unmarshal(raw, &text)
	return text
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

// parseJSON refuses what is not one strict JSON value. Of one that is an object it
// returns the members.
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

// maxDepth is how deep values may be nested. No honest reply needs ten; encoding/json
// allows 10,000, which, indented, fill a memory.
const maxDepth = 64

// walker steps over JSON that is known to be valid, so that it need not look for
// other errors than repeated names.
type walker struct {
	data []byte
	at   int
}

// next skips white space, commas and colons, and returns the byte behind them.
func (w *walker) next() byte {
	for strings.IndexByte(" \t\r\n,:", w.data[w.at]) >= 0 {
		w.at++
	}
	return w.data[w.at]
}

func (w *walker) value(depth int) (o Object, err error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("more than %d deep", maxDepth)
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
	default: // a number, true, false or null ends where the next token begins
		for w.at < len(w.data) && strings.IndexByte(" \t\r\n,]}", w.data[w.at]) < 0 {
			w.at++
		}
	}
	return o, nil
}

// text steps over a string. Whatever a backslash escapes does not end it.
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
