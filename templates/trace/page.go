package trace

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed trace.html
var page string

// Define adds the page "trace.html" to t, and what other pages take from it: the templates
// "steps" and "diagram-small", and the functions step, sections and members.
func Define(t *template.Template) *template.Template {
	t.Funcs(template.FuncMap{
		"step":     func(step int) string { return wordsOf(strconv.Itoa(step), false).Name },
		"sections": sections,
		"members":  func(reply json.RawMessage) part { return Whole().body(inProfile, string(reply)) },
	})
	template.Must(t.New("trace.html").Parse(page))
	return t
}

var section = regexp.MustCompile(`(?:(RFC|OIDC) (\w+) )?(§|Appendix )(\w[\w.]*)`)

// sections links the sections that a Check names, "RFC 6749 §3.1, §3.2; OIDC Core §2".
func sections(spec string) template.HTML {
	document := ""
	return template.HTML(section.ReplaceAllStringFunc(template.HTMLEscapeString(spec), func(text string) string {
		m := section.FindStringSubmatch(text)
		switch m[1] {
		case "RFC":
			document = "https://www.rfc-editor.org/rfc/rfc" + m[2] + "#section-"
		case "OIDC":
			document = "https://openid.net/specs/openid-connect-" + strings.ToLower(m[2]) + "-1_0.html#rfc.section."
		}
		address := document + m[4]
		if m[3] == "Appendix " {
			address = strings.Replace(address, "#section-", "#appendix-", 1)
		}
		return fmt.Sprintf(`<a href="%s" rel="noreferrer">%s</a>`, address, text)
	}))
}

// arrow is a message from one lane of the diagram to another.
type arrow struct {
	From, To string
	Label    string   // method and host, or the status
	Carries  []string // the values that matter, by name
	Anchor   string   // of its details; empty if there are none
}

// arrows are the messages among the hops. A cookie is no arrow of its own, because it travels
// with the redirect before it.
func arrows(hops []hop) []arrow {
	var all []arrow
	for _, h := range hops {
		if strings.HasPrefix(strings.TrimPrefix(h.Message, "Set-"), "Cookie: ") {
			i := slices.IndexFunc(all, func(a arrow) bool { return a.From == h.Lanes[0] && a.To == h.Lanes[1] })
			if i >= 0 {
				all[i].Carries = append(all[i].Carries, "sealed cookie")
			}
			continue
		}
		for i := range len(h.Lanes) - 1 {
			a := arrow{h.Lanes[i], h.Lanes[i+1], hostOnly.ReplaceAllString(h.Message, "$1 $2"), h.carries(), h.Anchor}
			if len(h.Lanes) == 3 && i == 0 {
				a.Label = "redirect"
			}
			all = append(all, a)
		}
	}
	return all
}

// hostOnly matches the first line of a request, with its method and host.
var hostOnly = regexp.MustCompile(`^(\w+) https?://([^/]*).*`)

// carries returns the names of the secret or random values in a message. If there are none, it says what
// a reply holds.
func (h hop) carries() []string {
	var names []string
	for _, p := range h.Parts {
		for _, v := range p.Values {
			if v.Secret != "" && !slices.Contains(names, v.Secret) {
				names = append(names, v.Secret)
			}
		}
	}
	if place := replyPlaces[h.Step]; names == nil && open[place] && strings.HasPrefix(h.Message, "200 ") {
		names = []string{place}
	}
	return names
}
