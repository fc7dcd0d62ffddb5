package providers

import (
	"cmp"
	"net/http"
	"strings"

	"example.com/oauthbyhand/oauth"
)

// X (formerly Twitter) signs people in by OAuth 1.0a. [X2] is X by OAuth 2.0, which X's
// documents recommend for new apps.
func X() oauth.Provider1 {
	return oauth.Provider1{
		About: oauth.About{
			Name:    "x",
			Title:   "X (OAuth 1.0a)",
			Console: "https://console.x.com",
			// X's page on apps asks for 127.0.0.1 instead of localhost, although its pages
			// about tools use localhost. No page names [::1].
			CallbackHosts: []string{"127.0.0.1"},
			Notes: "The id is what X calls API key, and the secret is the API key secret (X also calls them consumer keys). Do not take the client id and client secret of OAuth 2.0. " +
				"Switch on “Sign in with X” and, for addresses, “Request email from users”. " +
				"X compares the callback URL exactly: a slash at its end counts. Reading the profile may cost credits.",
			Sources: []string{
				"https://docs.x.com/x-for-websites/log-in-with-x/guides/implementing-sign-in-with-x",
				"https://docs.x.com/fundamentals/authentication/oauth-1-0a/obtaining-user-access-tokens",
				"https://docs.x.com/fundamentals/authentication/oauth-1-0a/creating-a-signature",
				"https://docs.x.com/fundamentals/authentication/api-reference",
				"https://docs.x.com/fundamentals/developer-apps",
				"https://developer.x.com/en/docs/twitter-api/v1/accounts-and-users/manage-account-settings/api-reference/get-account-verify_credentials",
			},
			Checked: "2026-11-29",
		},
		// All URLs have the host api.x.com. The host is part of what is signed, so at
		// api.twitter.com the signature would be another one.
		TemporaryCredentialURL: "https://api.x.com/oauth/request_token",
		// /oauth/authenticate does not ask again if the user has allowed this app before.
		// /oauth/authorize always asks.
		AuthorizationURL: "https://api.x.com/oauth/authenticate",
		TokenURL:         "https://api.x.com/oauth/access_token",
		ProfileURL:       "https://api.x.com/1.1/account/verify_credentials.json?include_email=true&skip_status=true&include_entities=false",
		ProfileClosed:    xProfileClosed,
		Profile:          xProfile,
		RevokeURL:        "https://api.x.com/1.1/oauth/invalidate_token.json",
	}
}

// xProfileClosed recognizes the two refusals that are about the app. If the app's plan lacks
// version 1.1 of the API, the answer is 403 with error 453
// (https://github.com/wtsnjp/twoot.py/issues/6, 2023-12-04). An app without credits gets 402
// (https://github.com/tryethernal/ethernal/issues/1326, 2026-06-04, seen at version 2).
// 403 with error 64 is about the user: X has suspended the account
// (https://github.com/vladkens/twscrape/issues/117, 2024-01-30). Then nobody is signed in.
// All read on 2026-11-29.
func xProfileClosed(r *oauth.Refusal) bool {
	return r.Status == http.StatusPaymentRequired || r.Status == http.StatusForbidden && r.Code == "453"
}

// xProfile takes id_str as subject. The member id is the same id as a number, which may be
// above 2^53. The screen name cannot be the key: its owner can change it, and somebody else can
// take it then. If the profile is closed to the app, the token reply has id and screen name.
func xProfile(r oauth.ProfileInput) (oauth.Profile, error) {
	var p oauth.Profile
	if r.API[0] == nil {
		err := cmp.Or(r.Token.Read("user_id", &p.Subject), r.Token.Read("screen_name", &p.Name))
		return p, err
	}
	err := read(r.API[0], members{
		"id_str":                  &p.Subject,
		"name":                    &p.Name,
		"email":                   &p.Email,
		"profile_image_url_https": &p.Picture,
	})
	// X says that email is null if there is no address, or if it is not verified.
	p.EmailVerified = p.Email != ""
	p.Picture = xPicture(p.Picture)
	return p, err
}

// xPicture returns the URL of the picture in full size.
func xPicture(normal string) string { return strings.ReplaceAll(normal, "_normal.", ".") }
