package trace

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Mask decides what of a value is kept. It is made for one request of the browser,
// for it remembers what it has hidden, and hides it wherever it turns up again
// under another name: in an error message, in a URL.
type Mask struct {
	hide func(name, value string) string // nil: all is kept
	seen map[string]string               // what stands for a value, by the value in each of its forms
}

// Whole keeps everything: for the simulated provider, whose secrets are worthless.
func Whole() *Mask { return &Mask{} }

// Cut keeps the first four characters and the length of what is secret, or may be.
func Cut() *Mask {
	return &Mask{hide: func(_, value string) string {
		kept := ""
		if len(value) > 8 {
			kept = strings.ToValidUTF8(value[:4], "")
		}
		return fmt.Sprintf("%s… (%d characters)", kept, len(value))
	}}
}

// source returns the path of a source file if its text may be shown: on a developer's
// machine, with simulated providers.
func (m *Mask) source(path string) string {
	if m.hide != nil {
		return ""
	}
	return path
}

// value returns what may be kept of the value that name has in place.
func (m *Mask) value(place, name, value string) string {
	w, known := lookUp(place, name)
	if known && w.secret == "" || !known && open[place] {
		return m.text(value)
	}
	return m.hidden(cmp.Or(w.secret, name), value)
}

// rememberedMin is the length, in bytes, from which a value is hidden in texts, too: that
// of X's PIN, the shortest secret of a provider's. A shorter one would be found in every
// other word.
const rememberedMin = 7

// seenMax is how much is remembered. An honest message has far less to hide, and each
// text is searched for all of it: a callback of 30,000 bytes kept the app busy for
// seconds.
const seenMax = 300

// hidden returns what stands for value.
func (m *Mask) hidden(name, value string) string {
	if m.hide == nil || value == "" {
		return value
	}
	if hidden, ok := m.seen[value]; ok {
		return hidden
	}
	hidden := m.hide(name, value)
	if len(value) >= rememberedMin && len(m.seen) < seenMax {
		if m.seen == nil {
			m.seen = make(map[string]string)
		}
		form := url.QueryEscape(value)
		percent := strings.ReplaceAll(form, "+", "%20") // RFC 5849 §3.6
		for _, v := range []string{value, form, percent, url.QueryEscape(form), url.QueryEscape(percent)} {
			m.seen[v] = hidden
		}
	}
	return hidden
}

// text returns s without what was hidden before, and nothing of it where that was too
// much to remember.
func (m *Mask) text(s string) string {
	if s == "" || len(m.seen) == 0 {
		return s
	}
	if len(m.seen) >= seenMax {
		return m.hide("text", s)
	}
	var pairs []string
	longerFirst := func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }
	for _, value := range slices.SortedFunc(maps.Keys(m.seen), longerFirst) { // one may begin with another
		pairs = append(pairs, value, m.seen[value])
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

const (
	bodyMax  = 32 << 10 // bytes of a body; no honest one comes near
	depthMax = 20       // of JSON: each level moves what is in it to the right
)

// body returns the body of a message as names with their values, where it is a JSON
// object or a form, and else as text.
func (m *Mask) body(place, body string) part {
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber()
	p := printer{decoder, m, place}
	switch {
	case body == "":
		return part{}
	case len(body) > bodyMax:
		return part{Title: "Body", Text: fmt.Sprintf("%d bytes, which are too many to show", len(body))}
	case json.Valid([]byte(body)) && body[0] == '{':
		return part{Title: "Body, JSON", JSON: true, Values: p.members()}
	case json.Valid([]byte(body)):
		return part{Title: "Body, JSON", Text: p.value("", "")}
	case !strings.ContainsAny(body, " <\r\n") && strings.Contains(body, "="):
		return part{Title: "Body, a form", Values: m.form(place, body)}
	}
	text := m.value(place, "body", body) // before it is cut: half a secret would not be found
	if len(text) > 2000 {
		text = strings.ToValidUTF8(text[:2000], "") + "…"
	}
	return part{Title: "Body", Text: text}
}

// form returns the parameters of a query or a form in their order.
func (m *Mask) form(place, encoded string) []item {
	var values []item
	for pair := range strings.SplitSeq(encoded, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		values = append(values, m.named(place, unescape(name), unescape(value)))
	}
	return values
}

// unescape decodes what it can; what it cannot is shown as it came.
func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

func (m *Mask) named(place, name, value string) item {
	w, _ := lookUp(place, name)
	return item{Name: name, Value: m.value(place, name, value), About: w.about, Secret: w.secret}
}

// printer prints JSON that is valid, with its members in their order.
type printer struct {
	*json.Decoder
	mask  *Mask
	place string
}

func (p printer) members() []item {
	var values []item
	for p.Token(); p.More(); {
		name, _ := p.Token()
		w, _ := lookUp(p.place, name.(string))
		values = append(values, item{Name: name.(string), Value: p.value(name.(string), ""), About: w.about, Secret: w.secret})
	}
	return values
}

// value prints the next value, which belongs to name; its further lines begin with
// indent. A short list stands on one line.
func (p printer) value(name, indent string) string {
	if len(indent) > 2*depthMax {
		var deeper json.RawMessage
		p.Decode(&deeper)
		return "…"
	}
	token, _ := p.Token()
	switch t := token.(type) {
	case json.Delim:
		var items []string
		strange := (p.place == inTokens || p.place == inTemp) && !strings.Contains(shapes[name], t.String())
		for p.More() {
			label, below := "", name
			if t == '{' {
				member, _ := p.Token()
				below = member.(string)
				label = quote(below) + ": "
			}
			if strange {
				below = unknown
			}
			items = append(items, label+p.value(below, indent+"  "))
		}
		end, _ := p.Token()
		line := fmt.Sprintf("%s%s%s", t, strings.Join(items, ", "), end)
		if t == '[' && len(line) < 60 && !strings.Contains(line, "\n") || len(items) == 0 {
			return line
		}
		return fmt.Sprintf("%s\n%s  %s\n%s%s", t, indent, strings.Join(items, ",\n"+indent+"  "), indent, end)
	case string:
		return quote(p.mask.value(p.place, name, t))
	case json.Number:
		if kept := p.mask.value(p.place, name, t.String()); kept != t.String() {
			return quote(kept)
		}
		return t.String()
	}
	return strings.ReplaceAll(fmt.Sprint(token), "<nil>", "null")
}

// quote returns s as JSON, with < > & as they are.
func quote(s string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.Encode(s)
	return strings.TrimSuffix(b.String(), "\n")
}
