package trace

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"example.com/oauthbyhand/oauth"
)

// Each line of the table has a name and an explanation, and no name is there twice.
func TestWordsText(t *testing.T) {
	names := 0
	for line := range strings.Lines(wordsText) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		names++
		key, about, _ := strings.Cut(line, ": ")
		name, secret, _ := strings.Cut(key, " ‹")
		if got, ok := words[name]; !ok || got.About != about || about == "" || (got.Secret == "") != (secret == "") {
			t.Errorf("the line %q is read as %+v", line, got)
		}
		if header, ok := strings.CutPrefix(name, "header "); ok && header != http.CanonicalHeaderKey(header) { // as net/http names it
			t.Errorf("there is no header %q, but perhaps %q", header, http.CanonicalHeaderKey(header))
		}
	}
	wantEqual(t, names, len(words), "each line has a name of its own")
}

// Each section that a check or a step names leads to its text.
func TestSections(t *testing.T) {
	const rfc, core = `<a href="https://www.rfc-editor.org/rfc/rfc6749#`, `<a href="https://openid.net/specs/openid-connect-core-1_0.html#rfc.section.`
	for spec, want := range map[string]string{
		"RFC 6749 §3.1, §3.2, Appendix A.12":  rfc + `section-3.1" rel="noreferrer">RFC 6749 §3.1</a>, ` + rfc + `section-3.2" rel="noreferrer">§3.2</a>, ` + rfc + `appendix-A.12" rel="noreferrer">Appendix A.12</a>`,
		"OIDC Core §3.1.3.7 (3); RFC 6749 §4": core + `3.1.3.7" rel="noreferrer">OIDC Core §3.1.3.7</a> (3); ` + rfc + `section-4" rel="noreferrer">RFC 6749 §4</a>`,
		"defense in <depth>":                  "defense in &lt;depth&gt;",
	} {
		wantEqual(t, want, string(sections(spec)), spec)
	}
	specs := make(map[string]string)
	for _, c := range oauth.Checks() {
		specs[c.Name] = c.Spec
	}
	for name := range words {
		if place, step, ok := strings.Cut(name, "step "); ok && !strings.Contains(step, " if ") {
			specs[name] = wordsOf(step, place != "").Spec
		}
	}
	if len(specs) < len(oauth.Checks())+14 {
		t.Errorf("of the steps only %d have a section", len(specs)-len(oauth.Checks()))
	}
	link := regexp.MustCompile(`<a href="https://[^"]+#[^"]+" rel="noreferrer">[^<]*</a>( \([0-9]+\))?|defense in depth`)
	for name, spec := range specs {
		if rest := link.ReplaceAllString(string(sections(spec)), ""); strings.Trim(rest, ",; ") != "" {
			t.Errorf("%s: %q has %q, which leads nowhere", name, spec, rest)
		}
	}
}
