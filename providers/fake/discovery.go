package fake

import "net/http"

// discovery serves the provider's metadata (OIDC Discovery §4). Everything that it lists works (§3).
func discovery(d *dialect, w http.ResponseWriter, r *http.Request) {
	document := object{
		"issuer":                                         d.issuer,
		"authorization_endpoint":                         d.issuer + "/authorize",
		"token_endpoint":                                 d.issuer + "/token",
		"userinfo_endpoint":                              d.issuer + "/userinfo",
		"revocation_endpoint":                            d.issuer + "/revoke",
		"jwks_uri":                                       d.issuer + "/jwks",
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query"},
		"grant_types_supported":                          []string{"authorization_code", "refresh_token"},
		"code_challenge_methods_supported":               []string{"S256"},
		"token_endpoint_auth_methods_supported":          []string{"client_secret_basic", "client_secret_post"},
		"revocation_endpoint_auth_methods_supported":     []string{"client_secret_basic", "client_secret_post"},
		"authorization_response_iss_parameter_supported": true,
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"RS256", "ES256"},
		"request_uri_parameter_supported":                false, // if absent, it would mean true
		"claims_supported": []string{"iss", "aud", "sub", "exp", "iat", "nonce", "at_hash", "auth_time",
			"name", "given_name", "family_name", "picture", "email", "email_verified"},
	}
	if d.name == "google" {
		document["authorization_endpoint"] = "https://accounts.google.com/o/oauth2/v2/auth"
		document["token_endpoint"] = "https://oauth2.googleapis.com/token"
		document["userinfo_endpoint"] = "https://openidconnect.googleapis.com/v1/userinfo"
		document["revocation_endpoint"] = "https://oauth2.googleapis.com/revoke"
		document["jwks_uri"] = "https://www.googleapis.com/oauth2/v3/certs"
		document["id_token_signing_alg_values_supported"] = []string{"RS256"}
		document["claims_supported"] = append(document["claims_supported"].([]string), "azp")
		// Google sends iss in callbacks without saying so here.
		delete(document, "authorization_response_iss_parameter_supported")
	}
	var scopes []string
	for _, sc := range d.scopes {
		scopes = append(scopes, sc.Name)
	}
	document["scopes_supported"] = scopes
	w.Header().Set("Cache-Control", "public, max-age=3600")
	sendJSON(w, http.StatusOK, document)
}
