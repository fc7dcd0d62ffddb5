package fake_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"example.com/oauthbyhand/providers/fake"
)

// The metadata tells no lies: the endpoints, scopes, claims and keys, and what it says of client authentication, are
// used here. What it says of other parameters is held by TestAuthorizeRefuses, and its whole text is in testdata/wire.
func TestDiscoveryTellsNoLies(t *testing.T) {
	for issuer, name := range map[string]string{
		"https://accounts.google.com": "google",
		"https://openid.example":      "oidc",
		origin:                        "oidc",
		origin + "/other":             "oidc", // Server.Issuer
	} {
		t.Run(issuer, func(t *testing.T) {
			w := newWorld(t)
			both := http.NewServeMux()
			both.Handle("/other/", http.StripPrefix("/other", w.Issuer(origin+"/other")))
			both.Handle("/", w)
			w.web.Transport.(fake.Net)["127.0.0.1:9000"] = both
			doc := decode(t, w.get(issuer+"/.well-known/openid-configuration", ""))
			p := provider{name, strings.Join(list(doc["scopes_supported"]), " "), str(doc["authorization_endpoint"]),
				str(doc["token_endpoint"]), str(doc["userinfo_endpoint"]), true}
			cb := w.callback(p, with(asking(p), "nonce", "n0nce", "access_type", "offline", "max_age", "300"), allowing("ada", p))
			_, reply := w.tokens(p, redeeming(cb.Get("code")))
			header, claims := idToken(t, reply["id_token"])
			if cb.Get("iss") != issuer || claims["iss"] != issuer || doc["issuer"] != issuer || claims["auth_time"] == nil { // it was asked for, by max_age
				t.Errorf("callback %v, ID token %v", cb, claims)
			}
			keys, _ := json.Marshal(decode(t, w.get(str(doc["jwks_uri"]), "")))
			if !strings.Contains(string(keys), `"kid":"`+str(header["kid"])+`"`) {
				t.Errorf("the key %s is not in %s", header["kid"], keys)
			}
			maps.Copy(claims, decode(t, w.get(p.profile, str(reply["access_token"]))))
			wantEqual(t, slices.Sorted(maps.Keys(claims)), slices.Sorted(slices.Values(list(doc["claims_supported"]))), "claims_supported")
			if _, again := w.tokens(p, refreshing(str(reply["refresh_token"]))); again["access_token"] == nil {
				t.Errorf("refresh_token: %v", again)
			}
			for _, p.basic = range []bool{true, false} {
				_, reply := w.tokens(p, redeeming(w.code(p)))
				resp := w.post(p, str(doc["revocation_endpoint"]), "app-"+p.name, url.Values{"token": {str(reply["access_token"])}})
				if after := w.get(p.profile, str(reply["access_token"])); resp.StatusCode != 200 || after.StatusCode != 401 {
					t.Errorf("revocation, Basic %t: %s, then %s", p.basic, resp.Status, after.Status)
				}
			}
		})
	}
}

// idToken reads an ID token. The tests in templates/trace verify its signature.
func idToken(t *testing.T, token any) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(str(token), ".")
	if len(parts) != 3 {
		t.Fatalf("not a compact JWS: %v", token)
	}
	for i, v := range []*map[string]any{&header, &claims} {
		if err := json.Unmarshal(must(base64.RawURLEncoding.Strict().DecodeString(parts[i])), v); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

func list(v any) (s []string) {
	for _, item := range v.([]any) {
		s = append(s, item.(string))
	}
	return s
}
