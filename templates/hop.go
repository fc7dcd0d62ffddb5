package templates

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

// Hop is one event of a sign-in in words: a message from one party to another, or
// what the app does by itself. The page and the transcripts are made of hops.
type Hop struct {
	After          time.Duration // since the sign-in began
	Step           int
	Function, File string
	Lanes          []string // the way of a message, through App, Browser and Provider; "App" alone where it stays there
	Line           string   // its first line
	Parts          []Part
	Checks         []Row
	oauth1         bool
}

// Part is a part of a message.
type Part struct {
	Title  string
	Values []Value
	JSON   bool   // the values are members of an object
	Text   string // in place of values
	Folded string // why the page folds it: it was there before
}

// Value is a value with its name, and what it is for.
type Value struct {
	Name, Value, About string
	Note               string   // a time in words
	Checks             []string // that read it
}

// Where names the function that made the hop, for those who look for it.
func (h Hop) Where() string { return h.Function + " in oauth/" + h.File }

// The lanes.
const (
	app      = "App"
	browser  = "Browser"
	provider = "Provider"
)

// toBrowser is the way of the cookie with the attempt, and of nothing else.
var toBrowser = []string{app, browser}

// newHop puts an event into words, without what the mask hides.
func newHop(e oauth.Event, m *Mask) Hop {
	h := Hop{Step: e.Step, Function: e.Function, File: e.File, oauth1: strings.HasPrefix(e.Function, "Client1.")}
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
		h.add(Part{Title: "Cookie", Values: []Value{
			m.named(inAttempt, "value", what.Cookie.Value),
			{Name: "attributes", Value: shown, About: "not for scripts (HttpOnly), not from other sites' forms (SameSite)"},
		}})
		h.add(attemptPart(m, what.Attempt))
	case oauth.AttemptTaken:
		h.Lanes = []string{browser, app}
		h.Line = "Cookie: " + cookieName(m, what.Cookie)
		part := attemptPart(m, what.Attempt)
		part.Folded = "as it was put there"
		h.add(part)
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
		h.Lanes = []string{app}
		for _, o := range what {
			o.Got, o.Want = m.text(o.Got), m.text(o.Want)
			h.Checks = append(h.Checks, Row(o))
		}
	}
	return h
}

// replyPlaces says what a reply holds, by step.
var replyPlaces = map[int]string{0: inMetadata, 1: inTemp, 3: inTokens, 4: inKeys, 5: inProfile, 6: inTokens, 7: inTokens}

// request is a request whose parameters stand in its URL.
func (h *Hop) request(m *Mask, method, rawURL, place string, lanes ...string) {
	h.Lanes = lanes
	address, query, _ := strings.Cut(rawURL, "?")
	h.Line = method + " " + m.text(address)
	h.add(Part{Title: "Parameters in the URL", Values: m.form(place, query)})
}

// add leaves out what is empty.
func (h *Hop) add(p Part) {
	if len(p.Values) > 0 || p.Text != "" {
		h.Parts = append(h.Parts, p)
	}
}

// cookieName hides the part of the state that is in the name.
func cookieName(m *Mask, name string) string {
	prefix, state, found := strings.Cut(name, "attempt-")
	if !found {
		return name
	}
	return prefix + "attempt-" + m.hidden("state, 8 characters", state)
}

// attemptPart shows what is sealed in the cookie, under the names of its fields.
func attemptPart(m *Mask, a oauth.Attempt) Part {
	encoded, _ := json.Marshal(a)
	part := m.body(inAttempt, string(encoded))
	part.Title = "Sealed inside: the Attempt"
	part.Values = slices.DeleteFunc(part.Values, func(v Value) bool { return v.Value == `""` || v.Value == "null" })
	return part
}

// headers are those that matter to the protocol, sorted.
func headers(m *Mask, header http.Header) Part {
	part := Part{Title: "Header"}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		w, matters := words["header "+name]
		value := strings.Join(header[name], ", ")
		if name == "Authorization" {
			value = authorization(m, value)
		}
		if matters && value != "" {
			part.Values = append(part.Values, Value{Name: name, Value: m.text(value), About: w.about})
		}
	}
	return part
}

// authorization hides the credentials in the header, and leaves those of OAuth 1.0a to
// a part of their own.
func authorization(m *Mask, value string) string {
	scheme, credentials, _ := strings.Cut(value, " ")
	name := "credentials"
	switch scheme {
	case "OAuth":
		return ""
	case "Bearer":
		name = "access_token"
	case "Basic": // the secret in it, form-encoded (RFC 6749 §2.3.1), could turn up by itself
		name = "client_id:client_secret"
		decoded, _ := base64.StdEncoding.DecodeString(credentials)
		_, password, _ := strings.Cut(string(decoded), ":")
		m.hidden("client_secret", unescape(password))
	}
	return scheme + " " + m.hidden(name, credentials)
}

// oauthHeader are the protocol parameters of OAuth 1.0a, which stand in a header of
// their own scheme (RFC 5849 §3.5.1).
func oauthHeader(m *Mask, header http.Header) Part {
	part := Part{Title: "Header Authorization: OAuth", Folded: "with the parameters and the signature from above"}
	parameters, ok := strings.CutPrefix(header.Get("Authorization"), "OAuth ")
	if !ok {
		return Part{}
	}
	for parameter := range strings.SplitSeq(parameters, ", ") {
		name, value, _ := strings.Cut(parameter, "=")
		part.Values = append(part.Values, m.named(inRequest, name, unescape(strings.Trim(value, `"`))))
	}
	return part
}
