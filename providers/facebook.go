package providers

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"example.com/oauthbyhand/oauth"
)

// Facebook speaks OAuth 2.0 with an error format and an API signature of its own.
// Graph v26.0 is of 2026-07-29. The metadata that Facebook publishes for OpenID
// Connect names no token endpoint, so the code flow cannot be built on it.
func Facebook() oauth.Provider {
	return oauth.Provider{
		About: oauth.About{
			Name:          "facebook",
			Title:         "Facebook",
			Console:       "https://developers.facebook.com/apps/",
			CallbackHosts: []string{"localhost"}, // by itself, and only while the app is in development mode
			Notes: "Choose the use case “Authenticate and request data from users with Facebook Login”, not “Facebook Login for Business”, which refuses these scopes. " +
				"Add the permission email there: without it the sign-in fails. " +
				"People without a role in the app can sign in only if public_profile has “Increase access” and the app is live. " +
				"Facebook does not say whether an e-mail address was verified. " +
				"This app does not exchange its tokens for longer-lived ones: when one has expired, sign in again.",
			Sources: []string{
				"https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow",
				"https://developers.facebook.com/docs/graph-api/changelog",
				"https://developers.facebook.com/docs/graph-api/guides/secure-requests",
				"https://developers.facebook.com/docs/facebook-login/access-tokens/debugging-and-error-handling",
				"https://github.com/overtrue/socialite/pull/266",                   // email must be added
				"https://github.com/thebergamo/react-native-fbsdk-next/issues/388", // for Business
			},
			Checked: "2026-11-29",
		},
		Metadata: oauth.Metadata{
			AuthorizationEndpoint: "https://www.facebook.com/v26.0/dialog/oauth",
			// Shown as a GET in the guide; a POST keeps the secret out of URLs.
			TokenEndpoint: "https://graph.facebook.com/v26.0/oauth/access_token",
		},
		Scopes:         []string{"public_profile", "email"},
		ScopeSeparator: ",",
		// The token reply does not name the granted scopes. With this, the callback does.
		AuthorizationParams: map[string]string{"return_scopes": "true"},
		GrantedScopes:       "granted_scopes",
		WithoutPKCE: "Facebook drops the challenge for these scopes, and then refuses the verifier with 400 " +
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

// appSecretProof shows that a request comes from the app that the token was issued to. A
// thief of the token cannot make it. An app can demand it ("Require App Secret").
func appSecretProof(clientSecret, accessToken string) string {
	mac := hmac.New(sha256.New, []byte(clientSecret))
	mac.Write([]byte(accessToken))
	return hex.EncodeToString(mac.Sum(nil))
}

// addAppSecretProof is for the profile, whose URL has a query.
func addAppSecretProof(r *oauth.Request, clientSecret, accessToken string) {
	r.URL += "&appsecret_proof=" + appSecretProof(clientSecret, accessToken)
}

// facebookRevoke revokes all that the user granted to the app.
func facebookRevoke(_, clientSecret string, t oauth.Tokens) oauth.Request {
	return oauth.Request{
		Method: http.MethodDelete,
		URL:    "https://graph.facebook.com/v26.0/me/permissions?appsecret_proof=" + appSecretProof(clientSecret, t.AccessToken),
		Header: http.Header{"Authorization": {"Bearer " + t.AccessToken}},
	}
}

// facebookProfile takes id as subject. Each app sees another id for the same user. The
// address may be missing.
func facebookProfile(r oauth.Replies) (oauth.Profile, error) {
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
