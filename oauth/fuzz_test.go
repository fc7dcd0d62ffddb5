package oauth

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

// Each parser that reads what a stranger sends, and what must hold of all that it takes.

func FuzzMetadata(f *testing.F) {
	f.Add(`{"issuer":"https://op.example","authorization_endpoint":"https://op.example/a","token_endpoint":"https://op.example/t","jwks_uri":"https://op.example/k"}`)
	f.Add(`{"issuer":"https://op.example","authorization_endpoint":"http://op.example/a","token_endpoint":"//op.example/t","jwks_uri":"https:///k"}`)
	f.Add(`{"issuer":"https://op.example","Issuer":"https://evil.example","token_endpoint_auth_methods_supported":[null]}`)
	f.Fuzz(func(t *testing.T, body string) {
		m, err := newClient(t, opRow(), newOP().but(opDiscovery, saysJSON(body))).Discover(t.Context())
		if err != nil {
			return
		}
		for _, endpoint := range []string{m.AuthorizationEndpoint, m.TokenEndpoint, m.JWKSURI} {
			if u, err := url.Parse(endpoint); err != nil || u.Scheme != "https" || u.Host == "" {
				t.Errorf("endpoint %q was taken", endpoint)
			}
		}
	})
}

func FuzzKeys(f *testing.F) {
	f.Add(`{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`)
	f.Add(`{"kty":"RSA","n":"AQAB","e":"AQAB","key_ops":["verify"],"use":"sig"}`)
	f.Add(`{"kty":"oct","k":"c2VjcmV0","kid":1}`)
	f.Fuzz(func(t *testing.T, body string) {
		o, err := parseObject([]byte(body))
		if err != nil {
			return
		}
		k := parseKey(o)
		if k.unfit != nil {
			return
		}
		switch public := k.public.(type) {
		case *rsa.PublicKey:
			if bits := public.N.BitLen(); bits < 2048 || bits > 8192 || public.E < 3 || public.E%2 == 0 || k.alg != "RS256" {
				t.Errorf("an RSA key of %d bits with exponent %d for %s was taken", bits, public.E, k.alg)
			}
		case *ecdsa.PublicKey:
			if _, err := public.ECDH(); err != nil || k.alg != "ES256" {
				t.Errorf("an EC key for %s was taken: %v", k.alg, err)
			}
		default:
			t.Errorf("%T was taken", public)
		}
	})
}

func FuzzTokenReply(f *testing.F) {
	f.Add(`{"access_token":"a","token_type":"Bearer","expires_in":3600,"id_token":"a.b.c","scope":"openid email"}`)
	f.Add(`{"access_token":"a\r\n","token_type":"mac","expires_in":"1e99","id_token":{}}`)
	f.Add(`{"error":{"message":1},"access_token":"a"}`)
	f.Fuzz(func(t *testing.T, body string) {
		c := newClient(t, opRow(), newOP().but(opToken, saysJSON(body)))
		u, err := c.Exchange(t.Context(), Callback{attempt: Attempt{Provider: "op", Scopes: []string{"openid"}}, code: "x"})
		if err != nil {
			return
		}
		token := u.tokens
		if token.AccessToken == "" || printable(token.AccessToken) != nil || u.idToken == "" {
			t.Errorf("access token %q and ID token %q were taken", token.AccessToken, u.idToken)
		}
		if left := time.Until(token.Expiry); !token.Expiry.IsZero() && (left < -time.Minute || left > 137*365*24*time.Hour) {
			t.Errorf("a token that ends in %s was taken", left)
		}
	})
}

func FuzzUserinfo(f *testing.F) {
	f.Add(`{"sub":"ada","name":"Ada"}`)
	f.Add(`{"sub":"mallory","Sub":"ada"}`)
	f.Add(`[{"sub":"ada"}]`)
	f.Fuzz(func(t *testing.T, body string) {
		row := opRow()
		row.Profile = plainRow().Profile
		info, err := newClient(t, row, newOP().but(opUserinfo, saysJSON(body))).UserInfo(t.Context(), Tokens{Provider: "op", AccessToken: "a", Subject: "ada"})
		if err == nil && info.Profile.Subject != "ada" {
			t.Errorf("the profile of %q was taken for ada's", info.Profile.Subject)
		}
	})
}

// FuzzCredentials is what OAuth 1.0a sends in the place of JSON.
func FuzzCredentials(f *testing.F) {
	f.Add("oauth_token=a&oauth_token_secret=b&oauth_callback_confirmed=true")
	f.Add("oauth_token=a&oauth_token=b&oauth_token_secret=%zz;&oauth_callback_confirmed=TRUE")
	f.Fuzz(func(t *testing.T, body string) {
		p := newX()
		p.says[xLeg1] = saysForm(body)
		attempt, authorizationURL, err := newClient1(t, xRow(), p).Begin(t.Context())
		if err != nil {
			return
		}
		u, err := url.Parse(authorizationURL)
		if err != nil || u.Host != "x.example" || u.Query().Get("oauth_token") != attempt.TemporaryToken || attempt.TemporaryToken == "" || attempt.TemporarySecret == "" {
			t.Errorf("%q led to %s with token %q", body, authorizationURL, attempt.TemporaryToken)
		}
	})
}

// FuzzAttemptCookie is what somebody may have put into the browser.
func FuzzAttemptCookie(f *testing.F) {
	attempts := must(NewAttempts(make([]byte, 32), false))
	const state = "STATESTATESTATESTATESTATE2"
	put := httptest.NewRecorder()
	attempts.Put(put, httptest.NewRequest("GET", "/", nil), Attempt{Provider: "op", State: state, Begun: time.Now()})
	sealed := put.Result().Cookies()[0]
	f.Add(sealed.Value[:len(sealed.Value)-1])
	f.Add(`{"Provider":"op","State":"` + state + `"}`)
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest("GET", "/callback?state="+state, nil)
		r.Header.Set("Cookie", sealed.Name+"="+value)
		attempt, err := attempts.Take(httptest.NewRecorder(), r)
		if cookie, _ := r.Cookie(sealed.Name); err == nil && cookie.Value != sealed.Value {
			t.Errorf("cookie %q was taken: %+v", value, attempt)
		}
	})
}
