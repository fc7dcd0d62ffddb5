package trace

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"regexp"
	"strings"
)

//go:embed trace.html
var page string

// Define adds the page "trace.html" to t, and what other pages take from it: the templates
// "steps", "diagram-small" and "sections", and the functions step, members, long and short.
func Define(t *template.Template) *template.Template {
	t.Funcs(template.FuncMap{
		"step":    func(step int) string { return chapters[step].Name },
		"links":   links,
		"members": func(reply json.RawMessage) part { return Whole().body(inProfile, string(reply)) },
		"long":    func(s string) bool { return len(s) > 110 || strings.Contains(s, "\n") }, // so the page folds it
		"short":   short,
	})
	template.Must(t.New("trace.html").Parse(page))
	return t
}

// short is the beginning of a long value, on one line.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	runes := []rune(s)
	return fmt.Sprintf("%s… (%d characters)", string(runes[:min(len(runes), 40)]), len(runes))
}

// In returns the value as the page of t shows it.
func (v item) In(t *Trace) item {
	v.Open = t.Open
	return v
}

// link is a section of a specification.
type link struct{ Text, URL string }

var section = regexp.MustCompile(`^(?:(RFC|OIDC) ([0-9A-Za-z]+) )?(§|Appendix )([0-9A-Z][0-9.]*)( \([0-9]+\))?$`)

// links turns sections as a Check names them, "RFC 6749 §3.1, §3.2; OIDC Core §2",
// into links. What is no section has no URL.
func links(spec string) []link {
	var all []link
	document := ""
	for text := range strings.SplitSeq(strings.ReplaceAll(spec, ";", ","), ",") {
		l := link{Text: strings.TrimSpace(text)}
		if m := section.FindStringSubmatch(l.Text); m != nil {
			switch m[1] {
			case "RFC":
				document = "https://www.rfc-editor.org/rfc/rfc" + m[2] + "#section-"
			case "OIDC":
				document = "https://openid.net/specs/openid-connect-" + strings.ToLower(m[2]) + "-1_0.html#rfc.section."
			}
			l.URL = document + m[4]
			if m[3] == "Appendix " {
				l.URL = strings.Replace(l.URL, "#section-", "#appendix-", 1)
			}
		}
		all = append(all, l)
	}
	return all
}
