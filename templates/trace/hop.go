package trace

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/oauthbyhand/oauth"
)

// hop is one event of a sign-in in words: a message from one party to another, or
// what the app does by itself. The page and the transcripts are made of hops.
type hop struct {
	After          time.Duration // since the sign-in began
	Step           int
	Function, File string
	At             int      // the line of the file on which the function begins; 0 if unknown
	path           string   // of the file, if its text may be shown
	Lanes          []string // the way of a message, through App, Browser and Provider; "App" alone where it stays there
	Line           string   // its first line
	Parts          []part
	Checks         []row
	oauth1         bool
}

// part is a part of a message.
type part struct {
	Title  string
	Values []item
	JSON   bool   // the values are members of an object
	Text   string // in place of values
	Folded string // why the page folds it: it was there before
}

// item is a value with its name, and what it is for.
type item struct {
	Name, Value, About string
	Note               string   // a time in words
	Secret             string   // its name in the diagram, if it is secret or random
	Open               bool     // not folded, even if it is long
	Checks             []string // that read it
}

// In returns the value as the page of t shows it.
func (v item) In(t *Trace) item {
	v.Open = t.Open
	return v
}

// Where names the function that made the hop, for those who look for it.
func (h hop) Where() string { return h.Function + " in oauth/" + h.File }

// The lanes.
const (
	app      = "App"
	browser  = "Browser"
	provider = "Provider"
)

// toBrowser is the way of the cookie with the attempt, and of nothing else.
var toBrowser = []string{app, browser}

// newHop puts an event into words, without what the mask hides.
func newHop(e oauth.Event, m *Mask) hop {
	h := hop{Step: e.Step, Function: e.Function, File: e.File, At: e.Line, path: m.source(e.Path), oauth1: strings.HasPrefix(e.Function, "Client1.")}
	switch what := e.What.(type) {
	case oauth.RedirectOut:
		h.request(m, http.MethodGet, what.URL, inRequest, app, browser, provider)
	case oauth.RedirectIn:
		h.request(m, http.MethodGet, what.Path+"?"+what.Query, inCallback, provider, browser, app)
		h.oauth1 = strings.Contains(what.Query, "oauth_token=") || strings.Contains(what.Query, "denied=")
	case oauth.AttemptPut:
		h.Lanes = toBrowser
		h.Line = "Set-Cookie: " + cookieName(m, what.Cookie.Name)
		attributes := *what.Cookie
		attributes.Value = ""
		_, shown, _ := strings.Cut(attributes.String(), "; ")
		h.add(part{Title: "Cookie", Values: []item{
			m.named(inAttempt, "value", what.Cookie.Value),
			{Name: "attributes", Value: shown, About: "not for scripts (HttpOnly), not from other sites' forms (SameSite)"},
		}})
		h.add(attemptPart(m, what.Attempt))
	case oauth.AttemptTaken:
		h.Lanes = []string{browser, app}
		h.Line = "Cookie: " + cookieName(m, what.Cookie)
		p := attemptPart(m, what.Attempt)
		p.Folded = "as it was put there"
		h.add(p)
	case oauth.Signed:
		h.signature(m, what)
	case oauth.RequestSent:
		h.request(m, what.Method, what.URL, inRequest, app, provider)
		h.add(oauthHeader(m, what.Header))
		h.add(headers(m, what.Header))
		h.add(m.body(inRequest, what.Body))
	case oauth.ReplyReceived:
		h.Lanes = []string{provider, app}
		h.Line = strconv.Itoa(what.Status) + " " + http.StatusText(what.Status)
		h.add(headers(m, what.Header))
		h.add(m.body(replyPlaces[e.Step], what.Body))
	case oauth.TokenDecoded:
		h.token(m, what)
	case oauth.Checked:
		h.Lanes, h.Line = []string{app}, "checks"
		for _, o := range what {
			o.Got, o.Want = m.text(o.Got), m.text(o.Want)
			h.Checks = append(h.Checks, row(o))
		}
	}
	return h
}

// replyPlaces says what a reply holds, by step.
var replyPlaces = map[int]string{0: inMetadata, 1: inTemp, 3: inTokens, 4: inKeys, 5: inProfile, 6: inTokens, 7: inTokens}

// request is a request whose parameters stand in its URL.
func (h *hop) request(m *Mask, method, rawURL, place string, lanes ...string) {
	h.Lanes = lanes
	address, query, _ := strings.Cut(rawURL, "?")
	h.Line = method + " " + m.text(address)
	h.add(part{Title: "Parameters in the URL", Values: m.form(place, query)})
}

// add leaves out what is empty.
func (h *hop) add(p part) {
	if len(p.Values) > 0 || p.Text != "" {
		h.Parts = append(h.Parts, p)
	}
}

// cookieName hides the part of the state that is in the name.
func cookieName(m *Mask, name string) string {
	prefix, state, _ := strings.Cut(name, "attempt-")
	return prefix + "attempt-" + m.hidden("state, 8 characters", state)
}

// attemptPart shows what is sealed in the cookie, under the names of its fields.
func attemptPart(m *Mask, a oauth.Attempt) part {
	encoded, _ := json.Marshal(a)
	p := m.body(inAttempt, string(encoded))
	p.Title = "Sealed inside: the Attempt"
	p.Values = slices.DeleteFunc(p.Values, func(v item) bool { return v.Value == `""` || v.Value == "null" })
	return p
}

// headers are those that matter to the protocol, sorted.
func headers(m *Mask, header http.Header) part {
	p := part{Title: "Header"}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		w, matters := words["header "+name]
		value, secret := strings.Join(header[name], ", "), ""
		switch name {
		case "Authorization":
			value, secret = authorization(m, value)
		case "Location": // in the rest there may be tokens that are seen nowhere else
			if end := strings.IndexAny(value, "?#"); end >= 0 {
				value = value[:end] + m.hidden("query", value[end:])
			}
		}
		if matters && value != "" {
			p.Values = append(p.Values, item{Name: name, Value: m.text(value), About: w.about, Secret: secret})
		}
	}
	return p
}

// authorization hides the credentials in the header, and leaves those of OAuth 1.0a to
// a part of their own. name is that of the credentials.
func authorization(m *Mask, value string) (shown, name string) {
	scheme, credentials, _ := strings.Cut(value, " ")
	name = "credentials"
	switch scheme {
	case "OAuth":
		return "", ""
	case "Bearer":
		name = "access_token"
	case "Basic": // the secret in it, form-encoded (RFC 6749 §2.3.1), could turn up by itself
		name = "client_id:client_secret"
		decoded, _ := base64.StdEncoding.DecodeString(credentials)
		_, password, _ := strings.Cut(string(decoded), ":")
		m.hidden("client_secret", unescape(password))
	}
	return scheme + " " + m.hidden(name, credentials), name
}

// oauthHeader are the protocol parameters of OAuth 1.0a, which stand in a header of
// their own scheme (RFC 5849 §3.5.1).
func oauthHeader(m *Mask, header http.Header) part {
	p := part{Title: "Header Authorization: OAuth", Folded: "with the parameters and the signature from above"}
	if parameters, ok := strings.CutPrefix(header.Get("Authorization"), "OAuth "); ok {
		for parameter := range strings.SplitSeq(parameters, ", ") {
			name, value, _ := strings.Cut(parameter, "=")
			p.Values = append(p.Values, m.named(inRequest, name, unescape(strings.Trim(value, `"`))))
		}
	}
	return p
}
