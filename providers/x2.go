package providers

import (
	"cmp"

	"example.com/oauthbyhand/oauth"
)

// X2 is X by OAuth 2.0. [X] is the same provider by OAuth 1.0a. Both name a user by the same
// id, so both lead to one account.
func X2() oauth.Provider {
	return oauth.Provider{
		About: oauth.About{
			Name:          "x2",
			Title:         "X (OAuth 2.0)",
			AccountKey:    "x",
			Console:       "https://console.x.com",
			CallbackHosts: []string{"127.0.0.1"}, // see X
			Notes: "Choose a confidential client, and take the client id and client secret of OAuth 2.0, not the API key. " +
				"X compares the callback URL exactly: a slash at its end counts. " +
				"Reading the profile costs credits; an app without credits gets 402.",
			Sources: []string{
				"https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code",
				"https://docs.x.com/fundamentals/authentication/oauth-2-0/user-access-token",
				"https://docs.x.com/fundamentals/developer-apps",
				"https://github.com/tryethernal/ethernal/issues/1326", // 402
			},
			Checked: "2026-11-29",
		},
		Metadata: oauth.Metadata{
			AuthorizationEndpoint: "https://x.com/i/oauth2/authorize",
			TokenEndpoint:         "https://api.x.com/2/oauth2/token",
			RevocationEndpoint:    "https://api.x.com/2/oauth2/revoke",
		},
		// The profile needs users.read and tweet.read, its address needs users.email, and a
		// refresh token needs offline.access.
		Scopes:      []string{"users.read", "tweet.read", "users.email", "offline.access"},
		ClientAuth:  "client_secret_basic",
		ProfileURLs: []oauth.ProfileURL{{URL: "https://api.x.com/2/users/me?user.fields=profile_image_url,confirmed_email"}},
		Profile:     x2Profile,
	}
}

// x2Profile takes id as subject. With OAuth 1.0a its name is id_str. The username cannot be the
// key: its owner can change it, and somebody else can take it then.
func x2Profile(r oauth.ProfileInput) (oauth.Profile, error) {
	var p oauth.Profile
	var user oauth.Object
	err := read(r.API[0], members{"data": &user})
	err = cmp.Or(
		err,
		user.Read("id", &p.Subject),
		user.Read("name", &p.Name),
		user.Read("confirmed_email", &p.Email),
		user.Read("profile_image_url", &p.Picture),
	)
	p.EmailVerified = p.Email != "" // X names confirmed addresses only
	p.Picture = xPicture(p.Picture)
	return p, err
}
