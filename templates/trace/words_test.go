package trace

import (
	"net/http"
	"strings"
	"testing"

	"example.com/oauthbyhand/oauth"
	"github.com/google/go-cmp/cmp"
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
	}
	if len(words) != names {
		t.Errorf("%d names in %d lines", len(words), names)
	}
}

// A profile's names are the provider's own, so the table says nothing of them. It still knows
// what is secret.
func TestProfileNames(t *testing.T) {
	var got []string
	for _, v := range Cut().body(inProfile, `{"type":"User","access_token":"a-secret-token"}`).Values {
		got = append(got, v.Name+" "+v.Value+v.About)
	}
	if diff := cmp.Diff([]string{`type "User"`, `access_token "a-se… (14 characters)"`}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A claim names the checks that read it.
func TestReaders(t *testing.T) {
	for claim, want := range map[string][]string{
		"aud": {"claim-aud", "claim-aud-only", "refresh-aud"}, "at_hash": {"claim-at-hash"}, "alg": {"header-alg"},
		"sub": {"claim-sub", "userinfo-sub", "refresh-sub"}, "signature": {"id-token-signature"}, "name": nil,
	} {
		if diff := cmp.Diff(want, readers(claim)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", claim, diff)
		}
	}
}

// Each section that a check or a step names leads to its text.
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
