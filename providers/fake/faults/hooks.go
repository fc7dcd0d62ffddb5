package faults

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
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

// both runs two hooks, one after the other.
func both(first, second hook) hook {
	return func(r *reply) {
		first(r)
		second(r)
	}
}

// again is a hook that leaves the first reply at each place as it is.
func again(change hook) hook {
	return func(r *reply) {
		if r.first != nil {
			change(r)
		}
	}
}

// replayed repeats the first reply.
func replayed(p place) hook {
	return again(at(p, func(r *reply) { r.header, r.body = r.first.header, r.first.body }))
}

// answer replaces a reply.
func answer(p place, status int, body string) hook {
	return at(p, func(r *reply) {
		r.status, r.body = status, body
		r.header.Set("Content-Type", "application/json")
	})
}

// text changes a reply as text.
func text(p place, change func(string) string) hook {
	return at(p, func(r *reply) { r.body = change(r.body) })
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

// query gives parameters of that query other values. nil removes a parameter.
func query(values url.Values) hook {
	return sentBack(func(q url.Values) { maps.Copy(q, values) })
}

// form does the same to a form-encoded reply. An error stays as it is.
func form(p place, values url.Values) hook {
	return at(p, func(r *reply) {
		if r.status == http.StatusOK {
			parameters, _ := url.ParseQuery(r.body)
			maps.Copy(parameters, values)
			r.body = parameters.Encode()
		}
	})
}

// codeOfAnother puts into the callback the code of a second sign-in by Ada, whose request has these other values.
func codeOfAnother(values url.Values) hook {
	return at(inCallback, func(r *reply) {
		asked := r.request.URL.Query()
		scopes := strings.FieldsFunc(asked.Get("scope"), func(c rune) bool { return c == ' ' || c == ',' })
		maps.Copy(asked, values)
		other := "http://" + r.request.Host + r.request.URL.Path + "?" + asked.Encode()
		answer := send(r.request.Context(), r.honest, "POST", other, url.Values{"user": {"ada"}, "decision": {"allow"}, "scope": scopes})
		sentBack(func(q url.Values) {
			if to, err := url.Parse(answer.Get("Location")); err == nil && q.Has("code") { // the user has not refused
				q["code"] = to.Query()["code"]
			}
		})(r)
	})
}

type object = map[string]any

// members gives members of a JSON reply other values, by the function changed. An error stays as it is.
func members(p place, values object) hook {
	return at(p, func(r *reply) {
		if r.status == http.StatusOK {
			r.body = changed(r.body, values)
		}
	})
}

// signing gives members of the published signing key other values.
func signing(values object) hook {
	return members(inKeys, object{"keys": func(keys any) any {
		change(keys.([]any)[0].(object), values) // the first one signs
		return keys
	}})
}

// token changes the ID token as text.
func token(p place, change func(compact string) string) hook {
	return members(p, object{"id_token": func(token any) any {
		compact, ok := token.(string)
		if !ok { // a provider without OpenID Connect
			return nil
		}
		return change(compact)
	}})
}

// signed gives members of the ID token's header and claims other values. It signs with key, or with the provider's
// key if key is nil.
func signed(p place, header, claims object, key func() crypto.Signer) hook {
	return token(p, func(compact string) string {
		oldHeader, oldClaims := opened(compact)
		alg, _ := parse(oldHeader)["alg"].(string)
		_, signer := fake.SigningKey(alg)
		if key != nil {
			signer = key()
		}
		return fake.Sign(signer, changed(oldHeader, header), changed(oldClaims, claims))
	})
}

func header(values object) hook    { return signed(inToken, values, nil, nil) }
func claims(values object) hook    { return signed(inToken, nil, values, nil) }
func refreshed(values object) hook { return signed(inRefresh, nil, values, nil) }

// forged is an ID token that is signed with another key, under a header of the attacker's.
func forged(key func() crypto.Signer, header object) hook { return signed(inToken, header, nil, key) }

func opened(compact string) (header, claims string) {
	parts := strings.Split(compact, ".")
	h, _ := base64.RawURLEncoding.DecodeString(parts[0])
	c, _ := base64.RawURLEncoding.DecodeString(parts[1])
	return string(h), string(c)
}

// changed returns the JSON object body with other values. A text that is no object stays as it is.
func changed(body string, values object) string {
	o := parse(body)
	if len(o) == 0 {
		return body
	}
	change(o, values)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(o)
	return strings.TrimSuffix(b.String(), "\n")
}

// change gives members of an object other values. nil removes a member, and a function turns the old value into the new one.
func change(o, values object) {
	for name, value := range values {
		if from, ok := value.(func(any) any); ok {
			value = from(o[name])
		}
		o[name] = value
		if value == nil {
			delete(o, name)
		}
	}
}

// parse keeps numbers as they are. A text that is no object, as when the honest provider refuses, becomes an empty one.
func parse(body string) object {
	o := object{}
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	d.Decode(&o)
	return o
}
