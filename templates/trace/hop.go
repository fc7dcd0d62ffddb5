package trace

import (
	"cmp"
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
	oauth.Event          // without What, and without Path if the file's text may not be shown
	Lanes       []string // the way of a message, through App, Browser and Provider; "App" alone if it stays there
	Message     string   // its first line
	Parts       []part
	Checks      rows
	Anchor      string // on the page
	oauth1      bool
	Note        string // in the diagram
}

// part is a part of a message.
type part struct {
	Title  string
	Values []item
	JSON   bool // the values are members of an object
}

// item is a value with its name, and what it is for. A text has no name.
type item struct {
	Name, Value string
	word
}

// textPart is a part that is one text.
func textPart(title, text string) part {
	return part{Title: title, Values: []item{{Value: text}}}
}

// Where names the function that made the hop.
func (h hop) Where() string { return h.Function + " in oauth/" + h.File }

// The lanes.
const app, browser, provider = "App", "Browser", "Provider"

// newHop puts an event into words, without what the mask hides.
func newHop(e oauth.Event, m *Mask) hop {
	h := hop{Event: e, Lanes: []string{app}, oauth1: strings.HasPrefix(e.Function, "Client1.")}
	h.What = nil
	if m.hide != nil { // the code is for the developer's own machine, with simulated providers
		h.Path = ""
	}
	switch what := e.What.(type) {
	case oauth.RedirectOut:
		h.request(m, http.MethodGet, what.URL, inRequest, app, browser, provider)
		if !h.oauth1 && !strings.Contains(what.URL, "code_challenge=") {
			h.Note = "no PKCE here: state ties the callback to this browser, the client secret ties the code to this app, and nothing ties the code to this sign-in"
		}
	case oauth.RedirectIn:
		h.request(m, http.MethodGet, what.Path+"?"+what.Query, inCallback, provider, browser, app)
		h.oauth1 = strings.Contains(what.Query, "oauth_token=") || strings.Contains(what.Query, "denied=")
	case oauth.AttemptPut:
		h.Lanes, h.Message = []string{app, browser}, "Set-Cookie: "+cookieName(m, what.Cookie.Name)
		_, attributes, _ := strings.Cut(what.Cookie.String(), "; ")
		h.add(part{Title: "Cookie", Values: []item{
			m.named(inAttempt, "value", what.Cookie.Value),
			m.named(inAttempt, "attributes", attributes),
		}})
		h.add(attemptPart(m, what.Attempt))
	case oauth.AttemptTaken:
		h.Lanes, h.Message = []string{browser, app}, "Cookie: "+cookieName(m, what.Cookie)
		h.add(attemptPart(m, what.Attempt))
	case oauth.Signed:
		h.signature(m, what)
	case oauth.RequestSent:
		h.request(m, what.Method, what.URL, inRequest, app, provider)
		if parameters, ok := strings.CutPrefix(what.Header.Get("Authorization"), "OAuth "); ok { // RFC 5849 §3.5.1
			form := strings.NewReplacer(`"`, "", ", ", "&").Replace(parameters)
			h.add(part{Title: "Header Authorization: OAuth", Values: m.form(inRequest, form)})
		}
		h.add(headers(m, what.Header))
		h.add(m.body(inRequest, what.Body))
	case oauth.ReplyReceived:
		h.Lanes, h.Message = []string{provider, app}, strconv.Itoa(what.Status)+" "+http.StatusText(what.Status)
		h.add(headers(m, what.Header))
		h.add(m.body(replyPlaces[e.Step], what.Body))
	case oauth.TokenDecoded:
		h.token(m, what)
	case oauth.Checked:
		h.Message = "checks"
		for _, o := range what {
			o.Got, o.Want = m.text(o.Got), m.text(o.Want)
			h.Checks = append(h.Checks, row{Outcome: o})
		}
	}
	return h
}

// replyPlaces says what a reply holds, by step.
var replyPlaces = map[int]string{0: inMetadata, 1: inTemp, 3: inTokens, 4: inKeys, 5: inProfile, 6: inTokens, 7: inTokens}

// goesOn reports whether h goes on with the checks of last: both have checks of the same function.
func (h hop) goesOn(last hop) bool {
	return h.Checks != nil && last.Checks != nil && h.Step == last.Step && h.Function == last.Function
}

// request makes h a request, whose parameters are in its URL.
func (h *hop) request(m *Mask, method, rawURL, place string, lanes ...string) {
	address, query, _ := strings.Cut(rawURL, "?")
	h.Lanes, h.Message = lanes, method+" "+m.text(address)
	h.add(part{Title: "Parameters in the URL", Values: m.form(place, query)})
}

// add adds p if it is not empty.
func (h *hop) add(p part) {
	if len(p.Values) > 0 {
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

// headers returns the headers that matter to the protocol, sorted.
func headers(m *Mask, header http.Header) part {
	p := part{Title: "Header"}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		about, matters := words["header "+name]
		value := strings.Join(header[name], ", ")
		switch scheme, credentials, _ := strings.Cut(value, " "); {
		case name == "Authorization" && scheme == "OAuth": // has a part of its own
			matters = false
		case name == "Authorization":
			if _, secret, ok := (&http.Request{Header: header}).BasicAuth(); ok { // hide the secret in later texts as well
				m.hidden("client_secret", unescape(secret)) // as it was before RFC 6749 §2.3.1 encoded it
			}
			about.Secret = cmp.Or(credentialNames[scheme], "credentials")
			value = scheme + " " + m.hidden(about.Secret, credentials)
		case name == "Location": // its query may have tokens that no other message has
			end := strings.IndexAny(value+"?", "?#")
			value = value[:end] + m.hidden("query", value[end:])
		}
		if matters && value != "" {
			p.Values = append(p.Values, item{Name: name, Value: m.text(value), word: about})
		}
	}
	return p
}

var credentialNames = map[string]string{"Basic": "client_id:client_secret", "Bearer": "access_token"}

// signature shows how OAuth 1.0a signs a request.
func (h *hop) signature(m *Mask, s oauth.Signed) {
	h.Message = "the request is signed"
	collected := part{Title: "The parameters as collected (RFC 5849 §3.4.1.3.1)"}
	for _, p := range s.Parameters {
		collected.Values = append(collected.Values, m.named(inRequest, p.Name, p.Value))
	}
	h.add(collected)
	h.add(textPart("Normalized: encoded and sorted (§3.4.1.3.2)", m.text(s.Normalized)))
	h.add(textPart("The base string: what is signed (§3.4.1.1; signatureBaseString in oauth/sign1.go)", m.text(s.BaseString)))
	h.add(textPart("The signature: HMAC-SHA1 of it, under the app's secret and the token's (§3.4.2)", m.value(inRequest, "oauth_signature", s.Signature)))
}

// token is the ID token in its three parts.
func (h *hop) token(m *Mask, t oauth.TokenDecoded) {
	h.Message = "the ID token, taken apart"
	parts := strings.Split(t.Compact, ".")
	for i, place := range []string{inJOSE, inClaims} {
		decoded, _ := base64.RawURLEncoding.DecodeString(parts[i])
		p := m.body(place, string(decoded))
		p.Title = []string{"First part: the header", "Second part: the claims"}[i]
		for i, v := range p.Values {
			p.Values[i].Value += asTime(v)
		}
		h.add(p)
	}
	h.add(part{Title: "Third part: the signature", Values: []item{m.named(inClaims, "signature", parts[len(parts)-1])}})
}

// asTime returns a NumericDate as people write it, in parentheses.
func asTime(v item) string {
	seconds, err := strconv.ParseInt(v.Value, 10, 64)
	if err != nil || !slices.Contains([]string{"exp", "iat", "nbf", "auth_time"}, v.Name) {
		return ""
	}
	return time.Unix(seconds, 0).UTC().Format(" (2006-01-02 15:04:05 UTC)")
}
