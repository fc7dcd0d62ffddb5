package faults

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"sync"
)

// A dishonest provider is the honest one, with an attacker who changes its replies on their way out.

// place says what kind of reply it is, at whatever URL its provider sends it.
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

// placeOf looks at the end of the path, because the path may begin with a host.
func placeOf(urlPath, form string) place {
	switch path.Base(urlPath) {
	case "openid-configuration":
		return inMetadata
	case "certs", "jwks":
		return inKeys
	case "auth", "authorize", "authenticate", "oauth":
		return inCallback
	case "token", "access_token":
		if sent, _ := url.ParseQuery(form); sent.Get("grant_type") == "refresh_token" {
			return inRefresh
		}
		return inToken
	case "revoke":
		return inRevoke
	case "request_token":
		return inTemporary
	}
	return inProfile
}

// reply is what the honest provider is about to send.
type reply struct {
	at      place
	first   *reply // the first reply at this place; nil if this is it
	request *http.Request
	honest  http.Handler
	status  int
	header  http.Header
	body    string
}

// hook changes a reply.
type hook func(*reply)

// wire plays a fault, as one client meets it.
type wire struct {
	fault Fault
	first sync.Map // the first reply at each place
}

// before puts the fault before honest, and changes its replies.
func (t *wire) before(honest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var sent strings.Builder // what the honest provider has read of the body
		in := r.Clone(r.Context())
		in.Body = io.NopCloser(io.TeeReader(r.Body, &sent))
		recorded := httptest.NewRecorder()
		honest.ServeHTTP(recorded, in)
		where := placeOf(r.URL.Path, sent.String())
		out := &reply{at: where, request: r, honest: honest, status: recorded.Code, header: recorded.Header(), body: recorded.Body.String()}
		// The consent page stays as it is.
		if t.fault.hook != nil && (where != inCallback || out.header.Get("Location") != "") {
			first, again := t.first.LoadOrStore(where, &reply{header: out.header.Clone(), body: out.body})
			if again {
				out.first = first.(*reply)
			}
			t.fault.hook(out)
		}
		maps.Copy(w.Header(), out.header)
		w.WriteHeader(out.status)
		io.WriteString(w, out.body)
	})
}
