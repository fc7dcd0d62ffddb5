package trace

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"strings"
)

//go:embed trace.html
var page string

// Define adds the page "trace.html" to t, and what other pages take from it: the templates
// "steps", "diagram-small", "sections" and "named", and the functions step, links, members,
// long and short.
func Define(t *template.Template) *template.Template {
	t.Funcs(template.FuncMap{
		"sample":  sample,
		"step":    func(step int) string { return chapters[step].Name },
		"links":   links,
		"members": func(reply json.RawMessage) part { return Whole().body(inProfile, string(reply)) },
		"long":    func(s string) bool { return len(s) > foldFrom || strings.Contains(s, "\n") },
		"short":   short,
	})
	template.Must(t.New("trace.html").Parse(page))
	return t
}
