package providers

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"example.com/oauthbyhand/oauth"
)

// Facebook speaks OAuth 2.0, with its own format of errors and its own signature of API
// requests. Version 26.0 of its Graph API came out on 2026-07-29. Facebook also publishes
// metadata for OpenID Connect, but it names no token endpoint, so an app cannot redeem a
// code by it.
func Facebook() oauth.Provider {
	return oauth.Provider{
		About: oauth.About{
			Name:          "facebook",
			Title:         "Facebook",
			Console:       "https://developers.facebook.com/apps/",
			CallbackHosts: []string{"localhost"}, // works without being registered, and only in development mode
			Notes: "Choose the use case “Authenticate and request data from users with Facebook Login”. “Facebook Login for Business” refuses this app's scopes. " +
				"Add the permission email to the use case: without it the sign-in fails. " +
				"People without a role in the app can sign in only if you chose “Increase access” for public_profile and the app is live. " +
				"Facebook does not say whether an e-mail address is verified. " +
				"This app does not exchange its tokens for longer-lived tokens: when a token has expired, sign in again.",
			Sources: []string{
				"https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow",
				"https://developers.facebook.com/docs/graph-api/changelog",
				"https://developers.facebook.com/docs/graph-api/guides/secure-requests",
				"https://developers.facebook.com/docs/facebook-login/access-tokens/debugging-and-error-handling",
				"https://github.com/overtrue/socialite/pull/266",                   // the permission email must be added
				"https://github.com/thebergamo/react-native-fbsdk-next/issues/388", // what goes wrong with “for Business”
			},
			Checked: "2026-11-29",
		},
		Metadata: oauth.Metadata{
			AuthorizationEndpoint: "https://www.facebook.com/v26.0/dialog/oauth",
			// The guide shows a GET. A POST keeps the secret out of URLs.
			TokenEndpoint: "https://graph.facebook.com/v26.0/oauth/access_token",
		},
		Scopes:         []string{"public_profile", "email"},
		ScopeSeparator: ",",
		// The token reply does not name the granted scopes. With return_scopes, the callback does.
		AuthorizationParams:    map[string]string{"return_scopes": "true"},
		GrantedScopesParameter: "granted_scopes",
		WithoutPKCE: "Facebook drops the challenge for this app's scopes, and then refuses the verifier with 400 " +
			"(https://github.com/NangoHQ/nango/issues/7156, 2026-08-19; https://github.com/better-auth/better-auth/issues/186, 2024-10-15). " +
			"State ties the callback to this browser, and the client secret ties the code to this app. Nothing ties the code to one sign-in.",
		ClientAuth:    "client_secret_post",
		InvalidGrant:  []string{"190"},
		RevokeRequest: facebookRevoke,
		ProfileURLs:   []oauth.ProfileURL{{URL: "https://graph.facebook.com/v26.0/me?fields=id,name,email,picture"}},
		APIRequest:    addAppSecretProof,
		Profile:       facebookProfile,
	}
}

// appSecretProof shows that a request comes from the app that the token was issued to. An
// attacker who has only the token cannot make it. In its settings, an app can tell Facebook to
// require it ("Require App Secret").
func appSecretProof(clientSecret, accessToken string) string {
	mac := hmac.New(sha256.New, []byte(clientSecret))
	mac.Write([]byte(accessToken))
	return hex.EncodeToString(mac.Sum(nil))
}

// addAppSecretProof adds the proof to the query of a request's URL.
func addAppSecretProof(r *oauth.Request, clientSecret, accessToken string) {
	before := "?"
	if strings.Contains(r.URL, "?") {
		before = "&"
	}
	r.URL += before + "appsecret_proof=" + appSecretProof(clientSecret, accessToken)
}

// facebookRevoke revokes all that the user granted to the app.
func facebookRevoke(_, clientSecret string, t oauth.Tokens) oauth.Request {
	r := oauth.Request{
		Method: http.MethodDelete,
		URL:    "https://graph.facebook.com/v26.0/me/permissions",
		Header: http.Header{"Authorization": {"Bearer " + t.AccessToken}},
	}
	addAppSecretProof(&r, clientSecret, t.AccessToken)
	return r
}

// facebookProfile takes id as subject. Facebook gives each app another id for the same user.
// The address may be missing.
func facebookProfile(r oauth.ProfileInput) (oauth.Profile, error) {
	var p oauth.Profile
	var picture, data oauth.Object
	err := read(r.API[0], members{
		"id":      &p.Subject,
		"name":    &p.Name,
		"email":   &p.Email,
		"picture": &picture,
	})
	err = cmp.Or(err, picture.Read("data", &data), data.Read("url", &p.Picture))
	return p, err
}
