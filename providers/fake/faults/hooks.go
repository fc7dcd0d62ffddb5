package faults

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"

	"example.com/oauthbyhand/providers/fake"
)

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

// codeOfAnother puts into the callback the code of a second sign-in by Ada, whose request differs as change says.
func codeOfAnother(change func(asked url.Values)) hook {
	return at(inCallback, func(r *reply) {
		asked := r.request.URL.Query()
		scopes := strings.FieldsFunc(asked.Get("scope"), func(c rune) bool { return c == ' ' || c == ',' })
		change(asked)
		other := "http://" + r.request.Host + r.request.URL.Path + "?" + asked.Encode()
		answer := send(r.request.Context(), r.honest, "POST", other, url.Values{"user": {"ada"}, "decision": {"allow"}, "scope": scopes})
		to, err := url.Parse(answer.Get("Location"))
		if err != nil || !to.Query().Has("code") {
			return
		}
		sentBack(func(q url.Values) {
			if q.Has("code") {
				q.Set("code", to.Query().Get("code"))
			}
		})(r)
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

// redirect sends the client to the attacker.
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
		if compact, ok := o["id_token"].(string); ok { // an error has none
			o["id_token"] = change(compact)
		}
	})
}

// jwt changes header and claims of the ID token as text, and signs them with the provider's key.
func jwt(change func(header, claims string) (string, string)) hook {
	return token(func(compact string) string { return resigned(change(opened(compact))) })
}

func claims(change func(object)) hook { return claimsIn(inToken, change) }

func claimsIn(p place, change func(object)) hook {
	return tokenIn(p, func(compact string) string {
		header, claims := opened(compact)
		return resigned(header, changed(claims, change))
	})
}

func header(change func(object)) hook {
	return jwt(func(header, claims string) (string, string) { return changed(header, change), claims })
}

func resigned(header, claims string) string {
	alg, _ := parse(header)["alg"].(string)
	_, key := fake.SigningKey(alg)
	return fake.Sign(key, header, claims)
}

// forged signs the ID token's claims with another key, under a header of the attacker's.
func forged(key func() crypto.Signer, change func(object)) hook {
	return token(func(compact string) string {
		header, claims := opened(compact)
		return fake.Sign(key(), changed(header, change), claims)
	})
}

// both is two hooks, one after the other.
func both(first, second hook) hook {
	return func(r *reply) {
		first(r)
		second(r)
	}
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

// changed is a JSON object with other members. A text that is no object stays as it is.
func changed(body string, change func(object)) string {
	o := parse(body)
	if len(o) == 0 {
		return body
	}
	change(o)
	return encode(o)
}

// parse keeps numbers as they are. A text that is no object, as when the honest provider refuses, becomes an empty one.
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
