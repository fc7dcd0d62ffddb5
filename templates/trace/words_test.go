package trace

import (
	"net/http"
	"strings"
	"testing"

	"example.com/oauthbyhand/oauth"
	"github.com/google/go-cmp/cmp"
)

// What the page says reads a claim must be a check that there is.
func TestClaimsNameChecks(t *testing.T) {
	checks := make(map[string]bool)
	for _, c := range oauth.Checks() {
		checks[c.Name] = true
	}
	read := make(map[string]bool)
	for name, c := range claims {
		for _, check := range c.checks {
			read[check] = true
			if !checks[check] {
				t.Errorf("claim %s is said to be read by %s, which is no check", name, check)
			}
		}
	}
	for _, c := range oauth.Checks() {
		if strings.HasPrefix(c.Name, "claim-") && c.Name != "claim-types" && !read[c.Name] {
			t.Errorf("no claim is said to be read by %s", c.Name)
		}
	}
}

// Each section that a check or a step names leads to where it is written.
func TestLinks(t *testing.T) {
	for spec, want := range map[string][]link{
		"RFC 6749 §10.12":               {{"RFC 6749 §10.12", "https://www.rfc-editor.org/rfc/rfc6749#section-10.12"}},
		"RFC 6749 §3.1, §3.2":           {{"RFC 6749 §3.1", "https://www.rfc-editor.org/rfc/rfc6749#section-3.1"}, {"§3.2", "https://www.rfc-editor.org/rfc/rfc6749#section-3.2"}},
		"OIDC Core §3.1.3.7 (3)":        {{"OIDC Core §3.1.3.7 (3)", "https://openid.net/specs/openid-connect-core-1_0.html#rfc.section.3.1.3.7"}},
		"RFC 6749 Appendix A.12":        {{"RFC 6749 Appendix A.12", "https://www.rfc-editor.org/rfc/rfc6749#appendix-A.12"}},
		"RFC 8259 §4; defense in depth": {{"RFC 8259 §4", "https://www.rfc-editor.org/rfc/rfc8259#section-4"}, {"defense in depth", ""}},
		"javascript:alert(1) §4":        {{"javascript:alert(1) §4", ""}},
		"OIDC Discovery §4.2, §3":       {{"OIDC Discovery §4.2", "https://openid.net/specs/openid-connect-discovery-1_0.html#rfc.section.4.2"}, {"§3", "https://openid.net/specs/openid-connect-discovery-1_0.html#rfc.section.3"}},
	} {
		if diff := cmp.Diff(want, links(spec)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", spec, diff)
		}
	}
	specs := make(map[string]string)
	for _, c := range oauth.Checks() {
		specs[c.Name] = c.Spec
	}
	for _, steps := range []map[int]stepWords{chapters, chapters1} {
		for _, c := range steps {
			specs["step "+c.Name] = c.Spec
		}
	}
	for name, spec := range specs {
		for _, link := range links(spec) {
			if link.URL == "" && link.Text != "defense in depth" {
				t.Errorf("%s: %q leads nowhere", name, link.Text)
			}
		}
	}
}

// A header is looked for under the name that net/http gives it.
func TestHeadersAreCanonical(t *testing.T) {
	for place := range words {
		if name, ok := strings.CutPrefix(place, "header "); ok && name != http.CanonicalHeaderKey(name) {
			t.Errorf("there is no header %q, but perhaps %q", name, http.CanonicalHeaderKey(name))
		}
	}
}
