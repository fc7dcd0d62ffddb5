package providers

import (
	"cmp"
	"maps"

	"example.com/oauthbyhand/oauth"
)

// OpenID returns the row of any provider that speaks OpenID Connect, from its
// issuer alone: the rest is in its metadata (step 0).
func OpenID(issuer string) oauth.Provider {
	return oauth.Provider{
		About: oauth.About{
			Name:          "oidc",
			Title:         "OpenID Connect",
			Console:       "the administration page of your provider",
			CallbackHosts: []string{"localhost", "127.0.0.1", "[::1]"},
			Notes: "OIDC_ISSUER is the issuer to the letter, a last slash included. " +
				"Not for issuers that stand for many tenants (Microsoft Entra “common”): name your own tenant's.",
			Sources: []string{"https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims"},
			Checked: "2026-11-20",
		},
		Issuer:  issuer,
		OpenID:  true,
		Scopes:  []string{"openid", "email", "profile"},
		Profile: openIDProfile,
	}
}

// openIDProfile maps the standard claims (OIDC Core §5.1) of the ID token and of
// the userinfo reply, which completes them but never replaces one: only the ID
// token is signed. The address and whether it is verified are one claim in this:
// both come from where the address comes from.
func openIDProfile(r oauth.Replies) (oauth.Profile, error) {
	claims := oauth.Object{}
	for _, reply := range r.API {
		userinfo, err := object(reply)
		if err != nil {
			return oauth.Profile{}, err
		}
		maps.Copy(claims, userinfo)
	}
	if r.IDToken["email"] != nil {
		delete(claims, "email_verified")
	}
	maps.Copy(claims, r.IDToken)

	var p oauth.Profile
	err := cmp.Or(
		claims.Read("sub", &p.Subject),
		claims.Read("name", &p.Name),
		claims.Read("email", &p.Email),
		claims.Read("picture", &p.Picture),
	)
	// A boolean (OIDC Core §5.1). Anything else, the string "true" too, is no
	// promise that anybody checked the address, and no reason to refuse the user.
	claims.Read("email_verified", &p.EmailVerified)
	return p, err
}
