package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Object is a JSON object read so that two parsers cannot disagree about it:
// whole characters, one value with nothing behind it, no name twice at any depth, and
// names matched exactly ("SUB" is not "sub"). encoding/json alone takes the last
// of two equal names, matches names without regard to case, and turns invalid
// UTF-8 into U+FFFD, by which two different subjects can become one.
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
	var err error
	if text, ok := into.(*string); ok && raw[0] == '"' {
		*text, err = unquote(raw)
	} else {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return fmt.Errorf("%s is of another type: %s", name, kind(raw))
	}
	return nil
}

// unquote decodes a JSON string; most have no escapes, and need no decoder.
func unquote(raw []byte) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	var text string
	err := json.Unmarshal(raw, &text)
	return text, err
}

// kind names the type of a JSON value, which its first byte tells.
func kind(raw json.RawMessage) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// parseObject reads data as one strict JSON object.
func parseObject(data []byte) (Object, error) {
	w := walker{data: data, depth: 1}
	if err := w.begin(); err != nil {
		return nil, err
	}
	if data[w.at] != '{' {
		return nil, fmt.Errorf("not an object but %s", kind(data[w.at:]))
	}
	return w.object()
}

// validJSON refuses what parseObject refuses, whatever the outermost value is.
func validJSON(data []byte) error {
	w := walker{data: data}
	if err := w.begin(); err != nil {
		return err
	}
	return w.value()
}

// maxDepth is how deep arrays and objects may stand in each other. No honest reply
// needs ten; encoding/json allows 10,000, which, indented, fill a memory.
const maxDepth = 64

// walker steps over JSON that is known to be valid, so that it need not look for
// errors other than repeated names.
type walker struct {
	data  []byte
	at    int
	depth int
}

// begin refuses what is not one JSON value in UTF-8, and goes to its first byte.
func (w *walker) begin() error {
	if !utf8.Valid(w.data) {
		return errors.New("not valid UTF-8")
	}
	if !json.Valid(w.data) {
		return errors.New("not valid JSON")
	}
	w.peek()
	return nil
}

// peek skips white space, commas and colons, and returns the byte behind them.
func (w *walker) peek() byte {
	for bytes.IndexByte([]byte(" \t\r\n,:"), w.data[w.at]) >= 0 {
		w.at++
	}
	return w.data[w.at]
}

func (w *walker) value() error {
	if w.depth++; w.depth > maxDepth {
		return fmt.Errorf("more than %d deep", maxDepth)
	}
	defer func() { w.depth-- }()
	switch w.data[w.at] {
	case '{':
		_, err := w.object()
		return err
	case '[':
		w.at++
		for w.peek() != ']' {
			if err := w.value(); err != nil {
				return err
			}
		}
		w.at++
	case '"':
		_, err := w.text()
		return err
	default: // a number, true, false or null ends where the next token begins
		for w.at < len(w.data) && bytes.IndexByte([]byte(" \t\r\n,]}"), w.data[w.at]) < 0 {
			w.at++
		}
	}
	return nil
}

// text steps over a string. Half of a surrogate pair is a character to no two
// parsers alike (RFC 8259 §8.2).
func (w *walker) text() ([]byte, error) {
	start := w.at
	for w.at++; w.data[w.at] != '"'; w.at++ {
		if w.data[w.at] != '\\' {
			continue
		}
		if r := w.escaped(); utf16.IsSurrogate(r) {
			w.at += len(`\u0000`)
			if utf16.DecodeRune(r, w.escaped()) == utf8.RuneError {
				return nil, errors.New("half a character")
			}
			w.at += len(`u0000`)
		} else {
			w.at++
		}
	}
	w.at++
	return w.data[start:w.at], nil
}

// escaped returns the character of the \u escape that begins here, or 0.
func (w *walker) escaped() rune {
	if w.data[w.at] != '\\' || w.data[w.at+1] != 'u' {
		return 0
	}
	r, _ := strconv.ParseUint(string(w.data[w.at+2:w.at+6]), 16, 32) // valid: four digits
	return rune(r)
}

func (w *walker) object() (Object, error) {
	o := make(Object)
	w.at++
	for w.peek() != '}' {
		quoted, err := w.text()
		if err != nil {
			return nil, err
		}
		name, err := unquote(quoted)
		if err != nil {
			return nil, err
		}
		if _, twice := o[name]; twice {
			return nil, fmt.Errorf("the name %q occurs twice", name)
		}
		w.peek()
		start := w.at
		if err := w.value(); err != nil {
			return nil, err
		}
		o[name] = w.data[start:w.at]
	}
	w.at++
	return o, nil
}
