package fake_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"example.com/oauthbyhand/providers/fake"
	"github.com/google/go-cmp/cmp"
)

// The metadata tells no lies: for each member there is here what shows that it is true, and a member
// without that fails the test.
func TestDiscoveryTellsNoLies(t *testing.T) {
	tests := map[string]struct {
		provider string
		iss      any // authorization_response_iss_parameter_supported
	}{
		"https://accounts.google.com": {"google", nil},
		"https://openid.example":      {"oidc", true},
		origin:                        {"oidc", true},
		origin + "/other":             {"oidc", true}, // Server.Issuer
	}
	for issuer, tt := range tests {
		t.Run(tt.provider+" "+strings.TrimPrefix(issuer, "https://"), func(t *testing.T) {
			w := newWorld(t)
			both := http.NewServeMux()
			both.Handle("/other/", http.StripPrefix("/other", w.Issuer(origin+"/other")))
			both.Handle("/", w)
			w.web.Transport.(fake.Net)["127.0.0.1:9000"] = both
			doc := decode(t, w.get(issuer+"/.well-known/openid-configuration", ""))
			p := providers[tt.provider]
			p.authorize, p.token, p.profile = str(doc["authorization_endpoint"]), str(doc["token_endpoint"]), str(doc["userinfo_endpoint"])
			p.scope = strings.Join(list(doc["scopes_supported"]), " ")

			asked := asking(p)
			asked.Set("nonce", "n0nce")
			asked.Set("access_type", "offline")
			asked.Set("max_age", "300")
			cb := w.callback(p, asked, allowing("ada", p)) // scopes_supported, authorization_endpoint
			if cb.Get("iss") != issuer {
				t.Errorf("iss of the callback %q", cb.Get("iss"))
			}
			_, reply := w.tokens(p, redeeming(cb.Get("code")))
			claims := idToken(t, w.web, str(doc["jwks_uri"]), reply["id_token"])
			if claims["iss"] != issuer || claims["auth_time"] == nil { // it was asked for, by max_age
				t.Errorf("ID token %v", claims)
			}
			info := decode(t, w.get(p.profile, str(reply["access_token"])))
			all := maps.Clone(claims)
			maps.Copy(all, info)

			proofs := map[string]any{ // what is true, shown or counted
				"issuer":                                         issuer,
				"authorization_endpoint":                         p.authorize,
				"token_endpoint":                                 p.token,
				"userinfo_endpoint":                              p.profile,
				"revocation_endpoint":                            doc["revocation_endpoint"], // used below
				"jwks_uri":                                       doc["jwks_uri"],
				"scopes_supported":                               anys(strings.Fields(p.scope)),
				"response_types_supported":                       anys(w.accepted(p, "response_type", "code", "token", "id_token", "code id_token")),
				"response_modes_supported":                       anys(w.accepted(p, "response_mode", "query", "fragment", "form_post")),
				"code_challenge_methods_supported":               anys(w.accepted(p, "code_challenge_method", "S256", "plain")),
				"grant_types_supported":                          anys(w.grantTypes(p)),
				"token_endpoint_auth_methods_supported":          anys(w.ways(p, p.token, "authorization_code")),
				"revocation_endpoint_auth_methods_supported":     anys(w.ways(p, str(doc["revocation_endpoint"]), "")),
				"id_token_signing_alg_values_supported":          anys(w.algorithms(t, p, str(doc["jwks_uri"]))),
				"subject_types_supported":                        []any{"public"},
				"claims_supported":                               doc["claims_supported"],
				"request_uri_parameter_supported":                len(w.accepted(p, "request_uri", "https://app.example/request")) > 0,
				"authorization_response_iss_parameter_supported": tt.iss,
			}
			maps.DeleteFunc(proofs, func(_ string, v any) bool { return v == nil })
			if diff := cmp.Diff(proofs, doc); diff != "" {
				t.Errorf("(-true +said)\n%s", diff)
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(all)), slices.Sorted(slices.Values(list(doc["claims_supported"])))); diff != "" {
				t.Errorf("claims (-there +said)\n%s", diff)
			}
			if _, again := w.tokens(p, refreshing(str(reply["refresh_token"]))); again["access_token"] == nil {
				t.Errorf("refresh_token: %v", again)
			}
			resp := w.post(p, str(doc["revocation_endpoint"]), "app-"+p.name, url.Values{"token": {str(reply["access_token"])}})
			if after := w.get(p.profile, str(reply["access_token"])); resp.StatusCode != 200 || after.StatusCode != 401 {
				t.Errorf("revocation: %s, then %s", resp.Status, after.Status)
			}
		})
	}
}

// accepted returns the values of a parameter with which the consent page is shown.
func (w *world) accepted(p provider, name string, values ...string) (accepted []string) {
	for _, value := range values {
		asked := asking(p)
		asked.Set(name, value)
		resp := must(w.web.Get(p.authorize + "?" + asked.Encode()))
		if text(w.t, resp); resp.StatusCode == 200 {
			accepted = append(accepted, value)
		}
	}
	return accepted
}

// ways are the methods of client authentication that an endpoint takes.
func (w *world) ways(p provider, endpoint, grantType string) (ways []string) {
	for _, p.basic = range []bool{true, false} {
		_, reply := w.tokens(p, redeeming(w.code(p)))
		form := url.Values{"token": {str(reply["access_token"])}}
		if grantType != "" {
			form = redeeming(w.code(p))
		}
		if resp := w.post(p, endpoint, "app-"+p.name, form); resp.StatusCode == 200 {
			ways = append(ways, map[bool]string{true: "client_secret_basic", false: "client_secret_post"}[p.basic])
		}
	}
	return ways
}

// grantTypes are those that the token endpoint knows, of all that are registered and some others.
func (w *world) grantTypes(p provider) (known []string) {
	for _, grantType := range []string{"authorization_code", "refresh_token", "implicit", "password", "client_credentials",
		"urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange", "fb_exchange_token"} {
		if _, reply := w.tokens(p, url.Values{"grant_type": {grantType}}); reply["error"] != "unsupported_grant_type" {
			known = append(known, grantType)
		}
	}
	return known
}

// algorithms are those of the ID tokens that the clients known to every fake get.
func (w *world) algorithms(t *testing.T, p provider, jwks string) (algs []string) {
	for _, id := range []string{fake.TestID, fake.TestES256} {
		asked := asking(p)
		asked.Set("client_id", id)
		asked.Set("redirect_uri", "http://localhost/")
		resp := must(w.web.PostForm(p.authorize+"?"+asked.Encode(), allowing("ada", p)))
		if resp.StatusCode != 303 {
			continue // unknown at Google
		}
		form := redeeming(must(resp.Location()).Query().Get("code"))
		form.Set("redirect_uri", "http://localhost/")
		form.Set("client_id", id)
		form.Set("client_secret", fake.TestSecret)
		reply := decode(t, must(w.web.PostForm(p.token, form)))
		header, _, failure := verify(t, w.web, jwks, str(reply["id_token"]))
		if failure != "" {
			t.Errorf("%s: %s", id, failure)
		}
		algs = append(algs, str(header["alg"]))
	}
	return algs
}

func list(v any) (s []string) {
	for _, item := range v.([]any) {
		s = append(s, item.(string))
	}
	return s
}

func anys(s []string) (v []any) {
	for _, item := range s {
		v = append(v, item)
	}
	return v
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
