package demo_test

import (
	"bytes"
	"html"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"example.com/oauthbyhand/providers/registered"
	"example.com/oauthbyhand/templates/trace"
)

// The trace page shows the whole sign-in: each message, and each check that was made. It names
// only functions that exist.
func TestTracePage(t *testing.T) {
	for name, shows := range map[string][]string{
		"google": {"https://accounts.google.com/.well-known/openid-configuration", "code_challenge", "Set-Cookie: oauthbyhand-attempt-",
			"https://oauth2.googleapis.com/token", "Third part: the signature", "issuer: who says all this",
			"claim-nonce", "https://openid.net/specs/openid-connect-core-1_0.html#rfc.section.3.1.3.7",
			"Client.VerifyIDToken in oauth/idtoken.go", "https://openidconnect.googleapis.com/v1/userinfo", "You are signed in."},
		"x": {"https://api.x.com/oauth/request_token", "The base string", "POST&amp;https%3A%2F%2Fapi.x.com", "Client1.Exchange in oauth/oauth1.go", "RFC 5849 §2.3"},
	} {
		w := newWorld(t)
		w.wantPage(w.signIn(name), 200, `<a href="/trace">See what just happened</a>`, "the signed-in page")
		page := w.get(base + "/trace")
		var steps []string
		for _, m := range regexp.MustCompile(`(?s)<summary><h3>(.*?)</h3>`).FindAllStringSubmatch(page.body, -1) {
			steps = append(steps, tag.ReplaceAllString(m[1], ""))
		}
		wantEqual(t, []string{"0 discovery", "1 request", "you, at the provider", "2 callback", "3 token", "4 ID token", "5 profile"}, steps, name)
		for _, s := range shows {
			w.wantPage(page, 200, s, name)
		}
		for _, m := range regexp.MustCompile(`([A-Z]\w+)\.(\w+) in (oauth/\w+\.go)`).FindAllStringSubmatch(page.body, -1) {
			source, err := os.ReadFile(filepath.Join("../../..", m[3]))
			if err != nil || !regexp.MustCompile(`(?m)^func \(\w+ \*?`+m[1]+`\) `+m[2]+`\(`).Match(source) {
				t.Errorf("%s: the page names %s, which is not there (%v)", name, m[0], err)
			}
		}
	}
}

// The page of a failure and its trace end at the check that failed.
func TestTraceOfAFailure(t *testing.T) {
	w := newWorld(t)
	failed := w.signIn("google~callback-iss-wrong")
	if !strings.Contains(failed.body, `aria-label="failed">✗</span>`) || !strings.Contains(failed.body, "https://evil.example, want https://accounts.google.com") || strings.Contains(failed.body, "POST https://oauth2.googleapis.com/token") {
		t.Errorf("the page does not show the sign-in up to the check that failed, and no further:\n%s", failed.body)
	}
	w.wantPage(w.get(base+"/trace"), 200, "stopped by callback-issuer", "the trace page")
	w.signIn("google~refresh-ended")
	w.press("/refresh")
	if p := w.get(base + "/trace"); !strings.Contains(p.body, `class="ending failed">It ended here: refused: invalid_grant`) || strings.Contains(p.body, "has new tokens") {
		t.Errorf("the trace of a refused refresh does not end with the refusal:\n%s", p.body)
	}
}

// wiretap is a transport that writes down what no trace of a real provider may show.
type wiretap struct {
	http.RoundTripper
	secrets map[string]string // value to name
}

var secretNames = regexp.MustCompile(`(?:\b(Basic|Bearer) |"?\b(code|code_verifier|client_secret|access_token|refresh_token|id_token|appsecret_proof|state|nonce|oauth_token|oauth_token_secret|oauth_verifier|oauth_signature|oauth_nonce|oauthbyhand-[\w-]+)"?[=:] ?"?)([^"&,;\s]{8,})`)

func (w wiretap) hear(message []byte, err error) {
	head, body, _ := strings.Cut(string(message), "\r\n\r\n")
	if strings.Contains(body, "<html") {
		body = ""
	}
	for _, m := range secretNames.FindAllStringSubmatch(head+"\n"+body, -1) {
		if value, err := url.QueryUnescape(m[3]); err == nil {
			w.secrets[value] = m[1] + m[2]
		}
	}
}

func (w wiretap) RoundTrip(r *http.Request) (*http.Response, error) {
	w.hear(httputil.DumpRequest(r, true))
	response, err := w.RoundTripper.RoundTrip(r)
	if err == nil {
		w.hear(httputil.DumpResponse(response, true))
	}
	return response, err
}

// With real providers, only the beginning of a code, token, verifier, secret, signature or cookie
// may be on the trace page, on an error page, in the terminal or in the log. (X's tokens begin with
// the user's number, which is public.)
func TestRealSecretsAreCut(t *testing.T) {
	for _, p := range registered.All("") {
		synctest.Test(t, func(t *testing.T) {
			var terminal bytes.Buffer
			w := recordedWorld(t, trace.NewRecorder(trace.Cut, false, &terminal))
			tap := wiretap{w.Handler.Honest.Net(), make(map[string]string)}
			for i := range w.Pages.Providers {
				_, secret, _ := credentials(&w.Pages.Providers[i])
				tap.secrets[secret] = "client_secret"
			}
			w.rewire(p.Name, tap)
			w.Site.Simulated = ""
			w.browser.Transport = wiretap{w.net, tap.secrets}

			if profile := w.signIn(p.Name); profile.status != 200 || profile.url != base+"/profile" {
				t.Fatalf("%s: %d at %s\n%s", p.Name, profile.status, profile.url, w.log)
			}
			shown := w.get(base + "/trace").body
			if !strings.Contains(shown, "characters)") || !strings.Contains(shown, "is real") {
				t.Fatalf("the page does not say that it cuts:\n%s", shown)
			}
			if slices.Contains([]string{"google", "github", "spotify"}, p.Name) { // the others gave nothing to refresh with
				w.press("/refresh")
				if shown += w.get(base + "/trace").body; !strings.Contains(shown, "Client.Refresh") {
					t.Error("the page does not show the refresh")
				}
			}
			consent := w.get(base + "/login/" + p.Name)
			w.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			callback := must(url.Parse(w.allow(consent, "ada").header.Get("Location")))
			callback.RawQuery += "&" + callback.RawQuery // each parameter twice
			failed := w.get(callback.String())
			w.wantPage(failed, 400, "", p.Name+": each parameter twice")
			if len(tap.secrets) < 10 {
				t.Fatalf("only %d secrets heard: %v", len(tap.secrets), tap.secrets)
			}
			for where, text := range map[string]string{"the trace page": shown, "the error page": failed.body, "the terminal": terminal.String(), "the log": w.log.String()} {
				for value, secret := range tap.secrets {
					for _, part := range []string{value[:min(len(value), 24)], value[len(value)/2:]} {
						if len(part) >= 8 && (strings.Contains(text, part) || strings.Contains(text, url.QueryEscape(part)) || strings.Contains(text, html.EscapeString(part))) {
							t.Errorf("%s: %s holds %q of %s %q", p.Name, where, part, secret, value)
						}
					}
				}
			}
		})
	}
}
