package fake_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"example.com/oauthbyhand/providers/fake"
	"github.com/google/go-cmp/cmp"
)

// The metadata tells no lies. What they say of parameters, grants and client authentication is held by
// TestAuthorizeRefuses, TestTokenRefuses and TestClientAuthenticationByProvider; the endpoints, scopes and claims
// are used here.
func TestDiscoveryTellsNoLies(t *testing.T) {
	google, oidc := providers["google"], providers["oidc"]
	for issuer, p := range map[string]provider{
		"https://accounts.google.com": google,
		"https://openid.example":      oidc,
		origin:                        {"oidc", "", origin + "/authorize", origin + "/token", origin + "/userinfo", true},
		origin + "/other":             {"oidc", "", origin + "/other/authorize", origin + "/other/token", origin + "/other/userinfo", true}, // Server.Issuer
	} {
		t.Run(issuer, func(t *testing.T) {
			w := newWorld(t)
			both := http.NewServeMux()
			both.Handle("/other/", http.StripPrefix("/other", w.Issuer(origin+"/other")))
			both.Handle("/", w)
			w.web.Transport.(fake.Net)["127.0.0.1:9000"] = both
			doc := decode(t, w.get(issuer+"/.well-known/openid-configuration", ""))
			p.scope = strings.Join(list(doc["scopes_supported"]), " ")

			cb := w.callback(p, with(asking(p), "nonce", "n0nce", "access_type", "offline", "max_age", "300"), allowing("ada", p))
			_, reply := w.tokens(p, redeeming(cb.Get("code")))
			header, claims := idToken(t, reply["id_token"])
			if cb.Get("iss") != issuer || claims["iss"] != issuer || claims["auth_time"] == nil { // it was asked for, by max_age
				t.Errorf("callback %v, ID token %v", cb, claims)
			}
			keys, _ := json.Marshal(decode(t, w.get(str(doc["jwks_uri"]), "")))
			if !strings.Contains(string(keys), `"kid":"`+str(header["kid"])+`"`) {
				t.Errorf("the key %s is not in %s", header["kid"], keys)
			}
			maps.Copy(claims, decode(t, w.get(p.profile, str(reply["access_token"]))))
			if diff := cmp.Diff(slices.Sorted(maps.Keys(claims)), slices.Sorted(slices.Values(list(doc["claims_supported"])))); diff != "" {
				t.Errorf("claims (-there +said)\n%s", diff)
			}
			said := object{
				"issuer": issuer, "authorization_endpoint": p.authorize, "token_endpoint": p.token, "userinfo_endpoint": p.profile,
				"response_types_supported":                       []any{"code"},
				"response_modes_supported":                       []any{"query"},
				"code_challenge_methods_supported":               []any{"S256"},
				"grant_types_supported":                          []any{"authorization_code", "refresh_token"},
				"token_endpoint_auth_methods_supported":          []any{"client_secret_basic", "client_secret_post"},
				"revocation_endpoint_auth_methods_supported":     []any{"client_secret_basic", "client_secret_post"},
				"id_token_signing_alg_values_supported":          []any{"RS256", "ES256"},
				"subject_types_supported":                        []any{"public"},
				"request_uri_parameter_supported":                false,
				"authorization_response_iss_parameter_supported": true,
			}
			if p.name == "google" { // whose callbacks have it all the same
				said["id_token_signing_alg_values_supported"] = []any{"RS256"}
				delete(said, "authorization_response_iss_parameter_supported")
			}
			for _, used := range []string{"revocation_endpoint", "jwks_uri", "scopes_supported", "claims_supported"} {
				said[used] = doc[used]
			}
			if diff := cmp.Diff(said, doc); diff != "" {
				t.Errorf("(-true +said)\n%s", diff)
			}
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

func list(v any) (s []string) {
	for _, item := range v.([]any) {
		s = append(s, item.(string))
	}
	return s
}

// One issuer's codes and tokens are nothing to the other, though the same client is known to both.
func TestTwoIssuers(t *testing.T) {
	w, p := newWorld(t), providers["oidc"]
	code, access := w.code(p), w.accessToken(p, "ada", "")
	p.token, p.profile = origin+"/token", origin+"/userinfo"
	if _, reply := w.tokens(p, redeeming(code)); reply["error"] != "invalid_grant" {
		t.Errorf("the code: %v", reply)
	}
	if resp := w.get(p.profile, access); resp.StatusCode != 401 {
		t.Errorf("the access token: %s", resp.Status)
	}
}
