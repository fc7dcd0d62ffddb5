package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Object is a JSON object that all parsers read in the same way. It is valid UTF-8, nothing
// follows it, no object in it has a name twice, and names match exactly ("SUB" is not "sub").
// encoding/json alone takes the last of two equal names, ignores case in names, and turns
// invalid UTF-8 into U+FFFD, so that two subjects can become one. One such case
// remains: half of an escaped surrogate pair ("\ud800"). So subjects must also be ASCII.
type Object map[string]json.RawMessage

// has reports whether there is a member with this name whose value is not null.
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
		return fmt.Errorf("%s has the wrong type", name)
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

// text returns the member as text if it is a string, a number or a boolean. It does not show an
// object or an array, because escapes in them could hide a secret from scrub.
func (o Object) text(name string) string {
	var text string
	if o.Read(name, &text) != nil {
		text = string(o[name])
		if text[0] == '{' || text[0] == '[' {
			text = "not a text"
		}
	}
	return text
}

// unquote decodes a valid JSON string. Most strings have no escapes, and need no decoder.
func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var text string
	json.Unmarshal(raw, &text)
	return text
}

// UnmarshalJSON makes encoding/json read an Object with parseObject, which is strict, and faster.
func (o *Object) UnmarshalJSON(data []byte) (err error) {
	if string(data) != "null" {
		*o, err = parseObject(bytes.Clone(data)) // o outlives data
	}
	return err
}

// parseObject reads data as one strict JSON object.
func parseObject(data []byte) (Object, error) {
	o, err := parseJSON(data)
	if err == nil && o == nil {
		err = errors.New("not an object")
	}
	return o, err
}

// maxDepth limits how deep values may be nested. No honest reply needs ten levels. encoding/json
// allows 10,000 levels: such a reply, indented for the trace, would fill the memory.
const maxDepth = 64

// parseJSON reads data as one strict JSON value. If the value is an object, it returns the members,
// else nil. It returns an error if data is not valid JSON in UTF-8, if a name occurs twice in an
// object, or if there are more than maxDepth levels.
func parseJSON(data []byte) (outermost Object, err error) {
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, errors.New("not valid JSON in UTF-8")
	}
	var (
		open    []Object // the objects and arrays around data[at], outermost first; an array is nil
		text    []byte   // the last string
		name    string   // of the last member of the outermost object
		valueAt int      // the index at which its value begins; 0 if there is no member yet
	)
	for at := 0; at < len(data); at++ {
		switch data[at] {
		case '"':
			begin := at
			for at++; data[at] != '"'; at++ {
				if data[at] == '\\' {
					at++ // a quote after a backslash does not end the string
				}
			}
			text = data[begin : at+1]
		case '{', '[':
			if len(open) == maxDepth {
				return nil, fmt.Errorf("more than %d levels deep", maxDepth)
			}
			open = append(open, nil)
			if data[at] == '{' {
				open[len(open)-1] = make(Object)
			}
		case ':': // the last string was a name
			object, key := open[len(open)-1], unquote(text)
			if _, twice := object[key]; twice {
				return nil, fmt.Errorf("the name %q occurs twice", key)
			}
			object[key] = nil
			if len(open) == 1 {
				name, valueAt = key, at+1
			}
		case ',', '}', ']':
			if len(open) == 1 && valueAt != 0 {
				open[0][name] = bytes.TrimSpace(data[valueAt:at])
			}
			if data[at] != ',' {
				outermost, open = open[len(open)-1], open[:len(open)-1] // the last one that is closed is the outermost
			}
		}
	}
	return outermost, nil
}
