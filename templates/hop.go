package templates

import (
	"encoding/base64"
	"encoding/json"
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
	cookie         bool // goes to the browser with the redirect that was made before
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
		h.Lanes = []string{app, browser}
		h.Line, h.cookie = "Set-Cookie: "+cookieName(m, what.Cookie.Name), true
		attributes := *what.Cookie
		attributes.Value = ""
		_, shown, _ := strings.Cut(attributes.String(), "; ")
		h.add(Part{Title: "Cookie", Values: []Value{
			{Name: "value", Value: m.value(inHeader, "Set-Cookie", what.Cookie.Value), About: words["header Set-Cookie"].about},
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
	encoded, err := json.Marshal(a)
	if err != nil {
		return Part{}
	}
	part := m.body(inAttempt, string(encoded))
	part.Title = "Sealed inside: the Attempt"
	part.Values = slices.DeleteFunc(part.Values, func(v Value) bool { return v.Value == `""` || v.Value == "null" })
	return part
}

// headers are those that matter to the protocol, sorted.
func headers(m *Mask, header http.Header) Part {
	part := Part{Title: "Header"}
	for name, values := range header {
		w, matters := words["header "+name]
		if !matters || name == "Set-Cookie" {
			continue
		}
		value := strings.Join(values, ", ")
		if strings.HasPrefix(value, "OAuth ") {
			continue
		}
		if name == "Authorization" {
			value = authorization(m, value)
		}
		part.Values = append(part.Values, Value{Name: name, Value: m.text(value), About: w.about})
	}
	slices.SortFunc(part.Values, func(a, b Value) int { return strings.Compare(a.Name, b.Name) })
	return part
}

// authorization hides the credentials of each scheme, and what it does not know.
func authorization(m *Mask, value string) string {
	scheme, credentials, _ := strings.Cut(value, " ")
	switch {
	case scheme == "Bearer":
		return "Bearer " + m.value(inTokens, "access_token", credentials)
	case scheme == "Basic":
		m.basic(credentials)
		return "Basic " + m.hidden("client_id:client_secret", credentials)
	}
	return scheme + " " + m.hidden("credentials", credentials)
}

// basic remembers the secret in the credentials as it is, form-decoded (RFC 6749 §2.3.1):
// it could turn up without the rest of them.
func (m *Mask) basic(credentials string) {
	decoded, _ := base64.StdEncoding.DecodeString(credentials)
	if _, password, ok := strings.Cut(string(decoded), ":"); ok {
		m.hidden("client_secret", unescape(password))
	}
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
