package fake

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
)

// A dishonest provider is the honest one with somebody on the wire, who changes its replies on their
// way out. So no line of the honest provider knows of faults, and a fault can be as wrong as it likes.

// place is what a reply is, wherever in the world its provider has it.
type place string

const (
	inMetadata  place = "metadata"
	inKeys      place = "keys"
	inCallback  place = "callback" // the redirect back to the app
	inToken     place = "token"
	inRefresh   place = "refresh" // the token reply of step 6
	inRevoke    place = "revoke"
	inProfile   place = "profile"
	inTemporary place = "temporary credentials"
)

func placeOf(path string) place {
	switch path {
	case "/.well-known/openid-configuration":
		return inMetadata
	case "/oauth2/v3/certs", "/jwks":
		return inKeys
	case "/o/oauth2/v2/auth", "/authorize", "/oauth/authenticate", "/login/oauth/authorize":
		return inCallback
	case "/token", "/login/oauth/access_token", "/oauth/access_token":
		return inToken
	case "/revoke":
		return inRevoke
	case "/oauth/request_token":
		return inTemporary
	}
	return inProfile
}

// reply is what the honest provider is about to answer.
type reply struct {
	at      place
	first   *reply // the first one that there was at this place before; nil if none
	request *http.Request
	status  int
	header  http.Header
	body    string
}

// hook changes a reply.
type hook func(*reply)

// tampered is the honest provider with a fault, as one client meets it.
type tampered struct {
	fault  Fault
	honest http.Handler

	mu    sync.Mutex
	first map[place]*reply
}

func tamper(f Fault, honest http.Handler) *tampered {
	return &tampered{fault: f, honest: honest, first: map[place]*reply{}}
}

func (t *tampered) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	honest := httptest.NewRecorder()
	t.honest.ServeHTTP(honest, r)
	where := placeOf(r.URL.Path)
	if where == inToken && r.PostForm.Get("grant_type") == "refresh_token" { // parsed by the honest provider
		where = inRefresh
	}
	reply := &reply{at: where, request: r, status: honest.Code, header: honest.Header(), body: honest.Body.String()}
	// Nothing is done to pages: the user is asked as ever.
	if t.fault.hook != nil && (reply.at != inCallback || reply.header.Get("Location") != "") {
		reply.first = t.before(reply)
		t.fault.hook(reply)
	}
	for name, values := range reply.header {
		w.Header()[name] = values
	}
	w.WriteHeader(reply.status)
	io.WriteString(w, reply.body)
}

// before returns the first reply that there was at the place of r, and remembers r if it is that.
func (t *tampered) before(r *reply) *reply {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := t.first[r.at]
	if first == nil {
		t.first[r.at] = &reply{header: r.header.Clone(), body: r.body}
	}
	return first
}

// at is a hook for one place.
func at(p place, change hook) hook {
	return func(r *reply) {
		if r.at == p {
			change(r)
		}
	}
}

type object = map[string]any

// members changes the members of a JSON reply.
func members(p place, change func(object)) hook {
	return at(p, func(r *reply) { r.body = changed(r.body, change) })
}

// text changes a reply as text.
func text(p place, change func(string) string) hook {
	return at(p, func(r *reply) { r.body = change(r.body) })
}

// with puts a member into a JSON object for a second time, in front.
func with(member string) func(string) string {
	return func(object string) string { return "{" + member + "," + strings.TrimPrefix(object, "{") }
}

// form changes a form-encoded reply.
func form(p place, change func(url.Values)) hook {
	return at(p, func(r *reply) {
		values, _ := url.ParseQuery(r.body)
		change(values)
		r.body = values.Encode()
	})
}

// sentBack changes the query with which the browser comes back to the app.
func sentBack(change func(url.Values)) hook {
	return at(inCallback, func(r *reply) {
		to, _ := url.Parse(r.header.Get("Location"))
		q := to.Query()
		change(q)
		to.RawQuery = q.Encode()
		r.header.Set("Location", to.String())
	})
}

// answer replaces a reply.
func answer(p place, status int, mediaType, body string) hook {
	return at(p, func(r *reply) {
		r.status, r.body = status, body
		r.header.Set("Content-Type", mediaType)
	})
}

// redirect answers that somebody else has the reply.
func redirect(p place, status int) hook {
	return at(p, func(r *reply) {
		r.status, r.body = status, ""
		r.header.Set("Location", "https://evil.example/")
	})
}

// hang never answers.
func hang(p place) hook { return at(p, func(r *reply) { <-r.request.Context().Done() }) }

// token changes the ID token as text.
func token(change func(string) string) hook { return tokenIn(inToken, change) }

func tokenIn(p place, change func(string) string) hook {
	return members(p, func(o object) {
		if compact, ok := o["id_token"].(string); ok { // none beside an error
			o["id_token"] = change(compact)
		}
	})
}

// jwt changes header and claims of the ID token as text, and signs them as the provider does.
func jwt(change func(header, claims string) (string, string)) hook {
	return token(func(compact string) string {
		honest, claims := opened(compact)
		header, claims := change(honest, claims)
		return sign(keyOf(parse(honest)), header, claims)
	})
}

func claims(change func(object)) hook { return claimsIn(inToken, change) }

func claimsIn(p place, change func(object)) hook {
	return tokenIn(p, func(compact string) string {
		header, claims := opened(compact)
		return sign(keyOf(parse(header)), header, changed(claims, change))
	})
}

func header(change func(object)) hook {
	return jwt(func(header, claims string) (string, string) { return changed(header, change), claims })
}

// forged signs the ID token's claims with another key, under a header of the attacker's.
func forged(key func() any, change func(object)) hook {
	return token(func(compact string) string {
		header, claims := opened(compact)
		return sign(key(), changed(header, change), claims)
	})
}

// all changes the keys that the provider publishes. The first is the one that signs.
func all(change func(keys []any) []any) hook {
	return members(inKeys, func(o object) { o["keys"] = change(o["keys"].([]any)) })
}

// signing changes the key that signs, as published.
func signing(change func(key object)) hook {
	return all(func(keys []any) []any {
		change(keys[0].(object))
		return keys
	})
}

func opened(compact string) (header, claims string) {
	parts := strings.Split(compact, ".")
	h, _ := base64.RawURLEncoding.DecodeString(parts[0])
	c, _ := base64.RawURLEncoding.DecodeString(parts[1])
	return string(h), string(c)
}

// changed is a JSON object with other members. A page has none: the honest provider did not answer.
func changed(body string, change func(object)) string {
	o := parse(body)
	if len(o) == 0 {
		return body
	}
	change(o)
	return encode(o)
}

// parse keeps numbers as they stand. What is no object is an empty one: the honest provider refused.
func parse(body string) object {
	o := object{}
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	d.Decode(&o)
	return o
}

func encode(o object) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(o)
	return strings.TrimSuffix(b.String(), "\n")
}
