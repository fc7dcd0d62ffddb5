package trace

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Mask decides how much of a value is kept. Each request of the browser has a Mask of its own,
// because a Mask remembers what it has hidden. If such a value turns up again under another name,
// in an error message or a URL, the Mask hides it there as well.
type Mask struct {
	hide     func(name, value string) string // nil keeps everything
	seen     map[string]string               // what is shown instead of a value, by the value in each of its encodings
	replacer *strings.Replacer               // of seen; nil if seen has grown since
}

// Whole keeps everything: for the simulated provider, whose secrets are worthless.
func Whole() *Mask { return &Mask{} }

// Cut keeps the length of what is or may be secret, and its first four characters if it is longer than eight.
func Cut() *Mask {
	return &Mask{seen: make(map[string]string), hide: func(_, value string) string {
		kept := ""
		if len(value) > 8 {
			kept = strings.ToValidUTF8(value[:4], "")
		}
		return fmt.Sprintf("%s… (%d characters)", kept, len(value))
	}}
}

// value returns what may be kept of a value with this name in this place.
func (m *Mask) value(place, name, value string) string {
	w, known := lookUp(place, name)
	if place != inStrange && (known && w.Secret == "" || !known && open[place]) {
		return m.text(value)
	}
	return m.hidden(cmp.Or(w.Secret, name), value)
}

// rememberedMin is the length, in bytes, from which a value is also hidden in texts. X's PIN,
// the shortest secret of a provider, has this length. Shorter values would be found in the
// middle of other words.
const rememberedMin = 7

// seenMax is how many encodings of values are remembered. An honest sign-in needs less than half.
// Each text is searched for all of them, which takes long if there are many. With this limit the
// worst callback of 30,000 bytes takes some milliseconds: see BenchmarkCutWorst.
const seenMax = 300

// hidden returns what is shown instead of value, and remembers it.
func (m *Mask) hidden(name, value string) string {
	if m.hide == nil || value == "" {
		return value
	}
	if hidden, ok := m.seen[value]; ok {
		return hidden
	}
	hidden := m.hide(name, value)
	if len(value) >= rememberedMin && len(m.seen) < seenMax {
		m.replacer = nil
		form := url.QueryEscape(value)
		percent := strings.ReplaceAll(form, "+", "%20") // RFC 5849 §3.6
		for _, v := range []string{value, form, percent, url.QueryEscape(form), url.QueryEscape(percent)} {
			m.seen[v] = hidden
		}
	}
	return hidden
}

// text returns s without the values that were hidden before. If they were too many to remember,
// it hides all of s.
func (m *Mask) text(s string) string {
	if len(m.seen) >= seenMax {
		return m.hidden("text", s)
	}
	if m.replacer == nil {
		var pairs []string
		for _, value := range slices.Backward(slices.Sorted(maps.Keys(m.seen))) { // a longer value before its prefix
			pairs = append(pairs, value, m.seen[value])
		}
		m.replacer = strings.NewReplacer(pairs...)
	}
	return m.replacer.Replace(s)
}

// bodyMax is the size of the longest body that is shown, in bytes. Honest bodies are far smaller.
const bodyMax = 32 << 10

// depthMax bounds the depth of JSON: each level is indented further.
const depthMax = 20

// body returns the body of a message: names with their values if it is a JSON object or a
// form, or else text.
func (m *Mask) body(place, body string) part {
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber()
	p := printer{decoder, m, place}
	switch {
	case body == "":
		return part{}
	case len(body) > bodyMax:
		return textPart("Body", fmt.Sprintf("%d bytes, which are too many to show", len(body)))
	case json.Valid([]byte(body)) && body[0] == '{':
		p.Token()
		return part{Title: "Body, JSON", JSON: true, Values: p.members("")}
	case json.Valid([]byte(body)):
		return textPart("Body, JSON", p.value("", ""))
	case !strings.ContainsAny(body, " <\r\n") && strings.Contains(body, "="):
		return part{Title: "Body, a form", Values: m.form(place, body)}
	}
	return textPart("Body", m.value(place, "body", body))
}

// form returns the parameters of a query or a form in their order.
func (m *Mask) form(place, encoded string) []item {
	var values []item
	for pair := range strings.FieldsFuncSeq(encoded, func(r rune) bool { return r == '&' }) {
		name, value, _ := strings.Cut(pair, "=")
		values = append(values, m.named(place, unescape(name), unescape(value)))
	}
	return values
}

// unescape decodes s. If that is impossible, s is shown as it came.
func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

func (m *Mask) named(place, name, value string) item {
	w, _ := lookUp(place, name)
	return item{Name: name, Value: m.value(place, name, value), word: w}
}

// printer prints JSON that is valid, with its members in their order.
type printer struct {
	*json.Decoder
	mask  *Mask
	place string
}

// members prints the members of an object after its first brace; further lines of their values
// begin with indent.
func (p printer) members(indent string) []item {
	var values []item
	for p.More() {
		token, _ := p.Token()
		name := token.(string)
		w, _ := lookUp(p.place, name)
		values = append(values, item{Name: name, Value: p.value(name, indent), word: w})
	}
	return values
}

// value prints the next value, which belongs to name. A short list is on one line.
func (p printer) value(name, indent string) string {
	if len(indent) > 2*depthMax {
		var deeper json.RawMessage
		p.Decode(&deeper)
		return "…"
	}
	token, _ := p.Token()
	switch t := token.(type) {
	case json.Delim:
		if (p.place == inTokens || p.place == inTemp) && !slices.Contains(shapes, name+t.String()) {
			p.place = inStrange
		}
		var items []string
		for t == '[' && p.More() {
			items = append(items, p.value(name, indent+"  "))
		}
		for _, v := range p.members(indent + "  ") { // after a list there are none
			items = append(items, strconv.Quote(v.Name)+": "+v.Value)
		}
		end, _ := p.Token()
		line := fmt.Sprintf("%s%s%s", t, strings.Join(items, ", "), end)
		if t == '[' && len(line) < 60 && !strings.Contains(line, "\n") || len(items) == 0 {
			return line
		}
		return fmt.Sprintf("%s\n%s  %s\n%s%s", t, indent, strings.Join(items, ",\n"+indent+"  "), indent, end)
	case string:
		return strconv.Quote(p.mask.value(p.place, name, t))
	case json.Number:
		return p.mask.value(p.place, name, t.String())
	}
	return strings.ReplaceAll(fmt.Sprint(token), "<nil>", "null")
}
